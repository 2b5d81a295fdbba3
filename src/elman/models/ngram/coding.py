"""Values of n-gram tables as codes into a codebook of the distinct values, exact or with few
bits.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.chunks import chunks
from elman.models.ngram.packed import width_of

_ROUNDS = 30
_TINY = 1e-12


class Coding(NamedTuple):
    """How one array of values is stored."""

    bits: int
    at: int
    values: NDArray[np.float64] | None
    """The distinct values; None where float32 numbers are stored directly."""
    numbers: NDArray[np.int64] | None = None
    """The code of each of them, where several values share one."""

    def codes(self, values: NDArray[np.float64]) -> NDArray[np.uint64]:
        """The codes of values that were seen when the coding was made."""
        if self.values is None:
            return values.astype(np.float32).view(np.uint32).astype(np.uint64)
        indices = np.searchsorted(self.values, values)
        return (indices if self.numbers is None else self.numbers[indices]).astype(np.uint64)


def make_coding(
    values: Callable[[slice], NDArray[np.float64]],
    count: int,
    codebooks: list[NDArray[np.float64]],
    *,
    interpolated: bool,
    bits: int | None,
    kept: float | None = None,
) -> Coding:
    """With a codebook where that is smaller than float32 numbers; it is appended to
    ``codebooks``.
    """
    distinct: NDArray[np.float64] = np.zeros(0)
    times: NDArray[Any] = np.zeros(0)
    for some in chunks(count):
        own, own_times = np.unique(values(some), return_counts=True)
        distinct, numbers = np.unique(np.concatenate([distinct, own]), return_inverse=True)
        times = np.bincount(numbers, weights=np.concatenate([times, own_times]), minlength=len(distinct))
        if bits is None and len(distinct) > count // 4 + 1024:
            return Coding(32, -1, None)
    numbers, codebook = None, distinct
    if bits is not None and len(distinct) > 1 << bits:
        alone = distinct == kept
        others = ~alone
        own = distinct[others] if interpolated else 10.0 ** distinct[others]
        group, centres = _shared(own, times[others], (1 << bits) - int(alone.any()))
        numbers = np.zeros(len(distinct), np.int64)
        numbers[others], numbers[alone] = group, len(centres)
        codebook = np.append(centres if interpolated else np.log10(centres), distinct[alone])
    width = bits or width_of(max(len(codebook) - 1, 0))
    if bits is None and 64 * (1 << width) + width * count > 32 * count + 1024:
        return Coding(32, -1, None)
    at = sum(map(len, codebooks))
    # One entry for every possible code, so that no code leads outside.
    codebooks.append(np.concatenate([codebook, np.zeros((1 << width) - len(codebook))]))
    return Coding(width, at, distinct, numbers)


def _shared(
    values: NDArray[np.float64], times: NDArray[Any], groups: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rising positive values in at most this many groups: the group of each value, and the value of
    each group.

    Groups minimise the squared error of the logarithms, weighted by frequency (Lloyd 1982). A
    group's value is its plain mean, so that sums stay near 1 and no perplexity is flattered.
    """
    logs, weights = np.log(values + _TINY), times * values + _TINY
    # The first centres are as dense as is best for smooth densities: their cube root (Panter and
    # Dite 1951).
    span = np.gradient(logs) if len(logs) > 1 else np.ones(1)
    measure = np.cumsum(np.cbrt(weights * span**2))
    centres = np.interp((np.arange(groups) + 0.5) / groups * measure[-1], measure, logs)
    group = np.zeros(len(logs), np.int64)
    for _ in range(_ROUNDS):
        group = np.searchsorted((centres[1:] + centres[:-1]) / 2, logs)
        mass = np.bincount(group, weights=weights, minlength=groups)
        sums = np.bincount(group, weights=weights * logs, minlength=groups)
        # Centres without values stay, so the centres may be out of order.
        centres = np.sort(np.divide(sums, mass, out=centres, where=mass > 0))
    _, group = np.unique(group, return_inverse=True)
    return group, np.bincount(group, weights=values * times) / np.bincount(group, weights=times)
