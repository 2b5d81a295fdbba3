"""Values of n-gram tables as numbers into a book of the different ones, exact or with few bits."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.chunks import chunks
from elman.models.ngram.packed import width_of

_ROUNDS = 30
_TINY = 1e-12


class Coding(NamedTuple):
    """How one array of values is kept."""

    bits: int
    at: int
    values: NDArray[np.float64] | None
    """All the values that there are; None where each stands for itself."""
    numbers: NDArray[np.int64] | None = None
    """Which value of the book stands for each of them, where several share one."""

    def codes(self, values: NDArray[np.float64]) -> NDArray[np.uint64]:
        """What stands for values that were seen when the coding was made."""
        if self.values is None:
            return values.astype(np.float32).view(np.uint32).astype(np.uint64)
        places = np.searchsorted(self.values, values)
        return (places if self.numbers is None else self.numbers[places]).astype(np.uint64)


def make_coding(
    values: Callable[[slice], NDArray[np.float64]],
    count: int,
    books: list[NDArray[np.float64]],
    *,
    interpolated: bool,
    bits: int | None,
    kept: float | None = None,
) -> Coding:
    """By a book where that is smaller than float32 numbers; new books are appended to ``books``."""
    found: NDArray[np.float64] = np.zeros(0)
    times: NDArray[Any] = np.zeros(0)
    for some in chunks(count):
        own, own_times = np.unique(values(some), return_counts=True)
        found, numbers = np.unique(np.concatenate([found, own]), return_inverse=True)
        times = np.bincount(numbers, weights=np.concatenate([times, own_times]), minlength=len(found))
        if bits is None and len(found) > count // 4 + 1024:
            return Coding(32, -1, None)
    numbers, book = None, found
    if bits is not None and len(found) > 1 << bits:
        alone = found == kept
        others = ~alone
        own = found[others] if interpolated else 10.0 ** found[others]
        group, centres = _shared(own, times[others], (1 << bits) - int(alone.any()))
        numbers = np.zeros(len(found), np.int64)
        numbers[others], numbers[alone] = group, len(centres)
        book = np.append(centres if interpolated else np.log10(centres), found[alone])
    width = bits or width_of(max(len(book) - 1, 0))
    if bits is None and 64 * (1 << width) + width * count > 32 * count + 1024:
        return Coding(32, -1, None)
    at = sum(map(len, books))
    # As long as its numbers can say, so that no number leads outside.
    books.append(np.concatenate([book, np.zeros((1 << width) - len(book))]))
    return Coding(width, at, found, numbers)


def _shared(
    values: NDArray[np.float64], times: NDArray[Any], groups: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rising positive values in at most so many groups: each one's group, and what stands for each
    group.

    What counts is by how much a value is multiplied, and how often: Lloyd's (1982) least squares
    over logarithms. What stands for a group is its plain mean, so that sums stay near 1 and a
    perplexity is no better than it should be.
    """
    logs, weights = np.log(values + _TINY), times * values + _TINY
    # To begin with, as dense as is best for smooth densities (Panter and Dite 1951): their cube
    # root.
    span = np.gradient(logs) if len(logs) > 1 else np.ones(1)
    measure = np.cumsum(np.cbrt(weights * span**2))
    centres = np.interp((np.arange(groups) + 0.5) / groups * measure[-1], measure, logs)
    group = np.zeros(len(logs), np.int64)
    for _ in range(_ROUNDS):
        group = np.searchsorted((centres[1:] + centres[:-1]) / 2, logs)
        mass = np.bincount(group, weights=weights, minlength=groups)
        sums = np.bincount(group, weights=weights * logs, minlength=groups)
        # Centres without values stay where they are, which may be out of order by now.
        centres = np.sort(np.divide(sums, mass, out=centres, where=mass > 0))
    _, group = np.unique(group, return_inverse=True)
    return group, np.bincount(group, weights=values * times) / np.bincount(group, weights=times)
