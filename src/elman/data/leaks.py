"""Leaks: columns that are known only when the outcome is, found by what they say.

Two signs betray such a column. It is empty in the rows whose outcome is still open and filled in
the others. Or it says nearly all of the outcome, alone or as the difference of two columns of
numbers, such as the scores of two teams. What a column says is the share of the outcomes' entropy
that it explains: counted on one half of the rows and measured on the other, so that a column of
names for the rows themselves says nothing.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import ColumnTable, number_of

CERTAIN = 0.95
"""From this share on, a column is left out."""
SUSPICIOUS = 0.5
"""From this share on, a column is mentioned."""
_BINS = 32
_MOST_ROWS = 20_000
_MOST_PAIRED = 40
_FEWEST_OPEN = 5
_SMOOTHING = 0.5


class Leak(NamedTuple):
    """Columns that may be known only afterwards."""

    columns: tuple[str, ...]
    """One, or two whose difference was looked at."""
    share: float
    """Of the outcomes' entropy; 1 for a column that open rows lack."""
    reason: str
    """Half a sentence."""

    @property
    def certain(self) -> bool:
        """Whether they are left out unless the user names them."""
        return self.share >= CERTAIN


def find_leaks(
    table: ColumnTable, targets: NDArray[np.int64], names: Sequence[str], *, outcomes: int, unknown: ColumnTable
) -> list[Leak]:
    """The leaks among some columns, the clearest first.

    Args:
        table: the training rows.
        targets: their outcomes ``[N]``.
        names: the columns to look at.
        unknown: rows whose outcome is still open.

    >>> scores = {"goals": tuple("01234" * 40), "against": tuple("00112" * 20 + "22110" * 20)}
    >>> wins = np.array([int(a > b) for a, b in zip(*scores.values())])
    >>> table = ColumnTable(scores, ("",) * 200)
    >>> [leak.columns for leak in find_leaks(table, wins, list(scores), outcomes=2, unknown=table.take([]))]
    [('goals', 'against')]
    """
    leaks: list[Leak] = []
    empty = set[str]()
    if len(unknown) >= _FEWEST_OPEN:
        for name in names:
            filled = np.mean([bool(cell) for cell in table.columns[name]])
            if filled > 0.5 and not any(unknown.columns[name]):
                empty.add(name)
                leaks.append(Leak((name,), 1.0, "it is empty in all rows whose outcome is still open"))
    rows = range(0, len(table), -(-len(table) // _MOST_ROWS)) if len(table) else range(0)
    some, targets = table.take(rows), targets[list(rows)]
    numbers: dict[str, NDArray[np.float64]] = {}
    for name in names:
        if name in empty:
            continue
        cells = some.columns[name]
        found = [number_of(cell) if cell else np.nan for cell in cells]
        codes = np.unique(np.array(cells), return_inverse=True)[1]
        if all(value is not None for value in found):
            numbers[name] = np.array(found, np.float64)
            codes = _binned(numbers[name])
        share = explained(codes, targets, outcomes=outcomes)
        if share >= SUSPICIOUS:
            leaks.append(Leak((name,), share, f"it alone says {100 * share:.0f}% of the outcome"))
    flagged = {name for leak in leaks if leak.certain for name in leak.columns}
    candidates = [name for name in numbers if name not in flagged][:_MOST_PAIRED]
    for first, second in itertools.combinations(candidates, 2):
        share = explained(_binned(numbers[first] - numbers[second]), targets, outcomes=outcomes)
        if share >= CERTAIN:
            leaks.append(Leak((first, second), share, f"their difference says {100 * share:.0f}% of the outcome"))
    certain = {name for leak in leaks if leak.certain for name in leak.columns}
    kept = [leak for leak in leaks if leak.certain or not certain & set(leak.columns)]
    return sorted(kept, key=lambda leak: -leak.share)


def explained(codes: NDArray[np.int64], targets: NDArray[np.int64], *, outcomes: int) -> float:
    """The share of the outcomes' entropy that a code says: counted on a random half of the rows and
    measured on the other, both ways.

    >>> fair = np.array([0, 0, 1, 1] * 50)
    >>> round(explained(fair, fair, outcomes=2), 2), explained(np.arange(200), fair, outcomes=2)
    (0.99, 0.0)
    """
    if len(codes) < 4:
        return 0.0
    gained = whole = 0.0
    half = np.random.default_rng(1).integers(0, 2, len(codes))
    for first in (0, 1):
        counted = half == first
        prior = np.bincount(targets[counted], minlength=outcomes) + _SMOOTHING
        prior = prior / prior.sum()
        counts = np.zeros((int(codes.max()) + 1, outcomes))
        np.add.at(counts, (codes[counted], targets[counted]), 1)
        shares = (counts + _SMOOTHING * prior) / (counts.sum(axis=1, keepdims=True) + _SMOOTHING)
        left = ~counted
        before, after = -np.log(prior[targets[left]]).sum(), -np.log(shares[codes[left], targets[left]]).sum()
        gained, whole = gained + before - after, whole + before
    return max(0.0, float(gained / whole)) if whole > 0 else 0.0


def _binned(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Values as codes: themselves if they are few, else bins with equally many."""
    real = numbers[~np.isnan(numbers)]
    values = np.unique(real)
    edges = values if len(values) <= _BINS else np.unique(np.quantile(real, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers, side="right"))
