"""How sure a figure is, by the bootstrap over examples.

Examples are drawn again with replacement, as many as there were, and the figure is computed anew;
the middle 95% of its values is the interval (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13). Equal examples are drawn together: how often each group comes up is
multinomial. So a figure of a confusion matrix costs as much for 100,000 examples as for 100.

Two predictions of the same examples are compared on the same draws (a paired bootstrap), so that
what is hard for both does not count.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.metrics.labels import Labels, LabelTally

RESAMPLES = 1000
LEVEL = 0.95
_CHUNK = 1 << 22
"""About this many counts are in a block of resamples."""
_AT_ONCE = 1 << 15
"""About this many examples are drawn at a time."""


class Interval(NamedTuple):
    """A figure, and where it lies with 95% confidence."""

    value: float
    low: float
    high: float


def proportion_interval(successes: int, total: int, *, level: float = LEVEL) -> Interval:
    """A share with Wilson's score interval (1927), which also holds for few examples and for shares
    of 0 and 1.

    >>> [round(each, 4) for each in proportion_interval(81, 263)]
    [0.308, 0.2553, 0.3662]
    >>> proportion_interval(0, 0)
    Interval(value=nan, low=0.0, high=1.0)
    """
    if total == 0:
        return Interval(math.nan, 0.0, 1.0)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, weight = successes / total, 1 + z * z / total
    centre = (share + z * z / (2 * total)) / weight
    half = z / weight * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return Interval(share, max(centre - half, 0.0), min(centre + half, 1.0))


LabelFigure = Callable[[LabelTally], NDArray[Any]]
"""A figure of tallies, ``[..]``, such as ``accuracy`` below."""


def accuracy(tally: LabelTally) -> NDArray[np.float64]:
    """The share of examples whose labels are all correct ``[..]``."""
    return tally.accuracy


def macro_f1(tally: LabelTally) -> NDArray[np.float64]:
    """The mean F1 of the labels ``[..]``."""
    return tally.macro_f1


def micro_f1(tally: LabelTally) -> NDArray[np.float64]:
    """F1 of all labels' counts together ``[..]``."""
    return tally.micro_f1


def bootstrap_interval(
    figure: Callable[[NDArray[np.int64]], NDArray[Any]],
    sizes: NDArray[np.int64],
    *,
    resamples: int = RESAMPLES,
    seed: int = 1,
    level: float = LEVEL,
) -> Interval:
    """The interval of any figure of weighted examples.

    Args:
        figure: maps how often each group of equal examples counts, ``[R, G]``, to values ``[R]``.
        sizes: how many examples each group has ``[G]``; ones, if examples are not grouped.
        level: the share of resampled values inside the interval.

    >>> squared_errors = np.array([0.0, 1.0, 4.0, 9.0] * 50)
    >>> mean = lambda counts: counts @ squared_errors / counts.sum(axis=1)
    >>> value, low, high = bootstrap_interval(mean, np.ones(200, int))
    >>> value, round(low, 1), round(high, 1)
    (3.5, 3.0, 4.0)
    """
    figures = {"figure": figure}
    return bootstrap_intervals(figures, sizes, resamples=resamples, seed=seed, level=level)["figure"]


def bootstrap_intervals(
    figures: Mapping[str, Callable[[NDArray[np.int64]], NDArray[Any]]],
    sizes: NDArray[np.int64],
    *,
    resamples: int = RESAMPLES,
    seed: int = 1,
    level: float = LEVEL,
) -> dict[str, Interval]:
    """The intervals of several figures on the same resamples, as ``bootstrap_interval`` gives each.

    Args:
        figures: by name; each maps counts ``[R, G]`` to values ``[R]``.
        sizes: how many examples each group has ``[G]``.
    """
    values = {name: float(figure(sizes[None])[0]) for name, figure in figures.items()}
    resampled: dict[str, list[NDArray[Any]]] = {name: [] for name in figures}
    for counts in draws(sizes, resamples=resamples, seed=seed):
        for name, figure in figures.items():
            resampled[name].append(figure(counts))
    tail = (1 - level) / 2
    limits = {name: np.quantile(np.concatenate(parts), (tail, 1 - tail)) for name, parts in resampled.items()}
    return {name: Interval(value, *map(float, limits[name])) for name, value in values.items()}


def label_interval(
    truth: Labels,
    predicted: Labels,
    *,
    labels: int,
    figure: LabelFigure = accuracy,
    resamples: int = RESAMPLES,
    seed: int = 1,
    level: float = LEVEL,
) -> Interval:
    """The interval of a figure of labelled examples.

    Args:
        truth: ids ``[N]`` or booleans ``[N, K]``.
        predicted: of the same shape.
        labels: K.

    >>> truth, predicted = np.zeros(1000, int), np.arange(1000) % 5 == 0
    >>> value, low, high = label_interval(truth, predicted.astype(int), labels=2)
    >>> value, round(low, 2), round(high, 2)
    (0.8, 0.78, 0.82)
    """
    if figure is accuracy:
        truth, (predicted,), labels = _right_or_wrong(truth, predicted)
    firsts, sizes = _groups(truth, predicted)
    true, guessed = truth[firsts], predicted[firsts]

    def of_counts(counts: NDArray[np.int64]) -> NDArray[Any]:
        return figure(LabelTally.count(true, guessed, labels=labels, weights=counts))

    return bootstrap_interval(of_counts, sizes, resamples=resamples, seed=seed, level=level)


def paired_difference(
    truth: Labels,
    first: Labels,
    second: Labels,
    *,
    labels: int,
    figure: LabelFigure = accuracy,
    resamples: int = RESAMPLES,
    seed: int = 1,
    level: float = LEVEL,
) -> Interval:
    """The figure of the first prediction minus that of the second, with its interval.

    The first is better beyond chance where ``low > 0``, and worse where ``high < 0``.

    Args:
        truth: ids ``[N]`` or booleans ``[N, K]``.
        first: of the same shape.
        second: of the same shape.
        labels: K.

    >>> truth, first, second = np.zeros((3, 1000), int)
    >>> second[:20] = 1
    >>> value, low, high = paired_difference(truth, first, second, labels=2)
    >>> round(value, 2), low > 0
    (0.02, True)
    """
    if figure is accuracy:
        truth, (first, second), labels = _right_or_wrong(truth, first, second)
    firsts, sizes = _groups(truth, first, second)
    true, one, other = truth[firsts], first[firsts], second[firsts]

    def of_counts(counts: NDArray[np.int64]) -> NDArray[Any]:
        tallies = [LabelTally.count(true, guessed, labels=labels, weights=counts) for guessed in (one, other)]
        return figure(tallies[0]) - figure(tallies[1])

    return bootstrap_interval(of_counts, sizes, resamples=resamples, seed=seed, level=level)


def draws(sizes: NDArray[np.int64], *, resamples: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """How often each group is drawn in each resample, ``[R, G]`` in blocks of resamples.

    As many examples are drawn in every resample as the groups have together.
    """
    rng = np.random.default_rng(seed)
    groups, examples = len(sizes), int(sizes.sum())
    step = max(1, _CHUNK // max(groups, 1))
    # A binomial number takes as long as some ten uniform ones.
    few = groups * 8 < examples or examples == 0
    members = np.repeat(np.arange(groups), 0 if few else sizes)
    for begin in range(0, resamples, step):
        rows = min(step, resamples - begin)
        if few:
            yield rng.multinomial(examples, sizes / max(examples, 1), size=rows)
        else:
            yield np.concatenate([_counts(rng, members, groups, rows=some) for some in _shared(rows, examples)])


def _shared(rows: int, examples: int) -> Iterator[int]:
    """Rows in parts that are drawn at once: of few examples, the calls cost more than the
    numbers."""
    most = max(1, _AT_ONCE // examples)
    for begin in range(0, rows, most):
        yield min(most, rows - begin)


def _counts(rng: np.random.Generator, members: NDArray[np.int64], groups: int, *, rows: int) -> NDArray[np.int64]:
    """How often each group is drawn in some resamples ``[R, G]``, whatever their number: the same
    numbers come in the same order."""
    drawn = members[rng.integers(len(members), size=(rows, len(members)))]
    drawn += groups * np.arange(rows)[:, None]
    return np.bincount(drawn.ravel(), minlength=rows * groups).reshape(rows, groups)


def _right_or_wrong(truth: Labels, *predictions: Labels) -> tuple[Labels, list[Labels], int]:
    """The same accuracies with two labels, 1 for correct: few groups of equal examples."""
    right = [guessed == truth for guessed in predictions]
    correct = [equal.all(axis=1) if equal.ndim == 2 else equal for equal in right]
    return np.ones(len(truth), np.int64), [equal.astype(np.int64) for equal in correct], 2


def _groups(*columns: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first example of each group of equal ones ``[G]``, and the size of each group ``[G]``."""
    codes = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        rows = np.packbits(column.astype(bool), axis=1) if column.ndim == 2 else column[:, None]
        for part in rows.T:
            # Ranks stay below N, so that the products do not overflow.
            codes = np.unique(codes * (int(part.max(initial=0)) + 1) + part, return_inverse=True)[1]
    _, firsts, sizes = np.unique(codes, return_index=True, return_counts=True)
    return firsts, sizes
