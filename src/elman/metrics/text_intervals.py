"""Confidence intervals: bootstrap over documents, Student's t over seeds.

A text is resampled in units that were written together: documents, or blocks of lines if there are
few documents. The losses of two models on the same units are resampled together (paired), so that
units hard for both do not count. Percentile intervals follow Efron and Tibshirani, An Introduction
to the Bootstrap (1993), chapters 8 and 13. They are too narrow for few units, and are widened as in
Hesterberg, What Teachers Should Know About the Bootstrap (2015).
"""

import math
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.metrics.intervals import Interval

FEWEST_DOCUMENTS = 20
"""With fewer documents, blocks of lines are resampled instead."""
BLOCKS = 50
RESAMPLES = 2000
_CHUNK = 1 << 22

_T975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
         2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045)  # fmt: skip
"""Student's t, 97.5%, by degrees of freedom from 1."""


class Units(NamedTuple):
    """What is resampled."""

    name: str
    """``documents`` or ``blocks of lines``."""
    of_line: NDArray[np.int64]
    """The unit of each line ``[lines]``, rising from 0."""
    count: int

    def sums(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Values of lines ``[lines]`` summed by unit ``[count]``."""
        return np.bincount(self.of_line, weights=values, minlength=self.count).astype(np.float64)


def units_of(starts: NDArray[np.bool_], sizes: NDArray[np.int64]) -> Units:
    """The units of a text, from whether each line starts a document, and its bytes.

    >>> units_of(np.array([True, False, False]), np.array([5, 5, 5]))[::2]
    ('blocks of lines', 3)
    """
    documents = np.cumsum(starts) - 1
    if len(starts) and documents[-1] + 1 >= FEWEST_DOCUMENTS:
        return Units("documents", documents, int(documents[-1]) + 1)
    before = np.cumsum(sizes) - sizes
    block_numbers = before * min(BLOCKS, len(sizes)) // max(int(sizes.sum()), 1)
    _, blocks = np.unique(block_numbers, return_inverse=True)
    return Units("blocks of lines", blocks.astype(np.int64), int(blocks.max()) + 1 if len(blocks) else 0)


def bootstrap(
    losses: NDArray[np.float64],
    sizes: NDArray[np.float64],
    *,
    less: NDArray[np.float64] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> NDArray[np.float64]:
    """Bootstrap values of the ratio sum of losses / sum of sizes, with units drawn with
    replacement.

    Args:
        losses: of each seed and unit ``[S, U]``; averaged over seeds, which are resampled too.
        sizes: bytes or tokens of each unit ``[U]``.
        less: another model's losses ``[S', U]``, subtracted on the same draws of units: a paired
            difference.

    Returns:
        One ratio for each resample ``[resamples]``, in the unit of the losses.
    """
    rng = np.random.default_rng(seed)
    units = len(sizes)
    ratios = []
    for begin in range(0, resamples, step := max(1, _CHUNK // max(units, 1))):
        count = min(step, resamples - begin)
        drawn = rng.multinomial(units, np.full(units, 1 / units), size=count).astype(np.float64)
        total = (_mean_over_seeds(losses, count, rng) * drawn).sum(axis=1)
        if less is not None:
            total -= (_mean_over_seeds(less, count, rng) * drawn).sum(axis=1)
        ratios.append(total / np.maximum(drawn @ sizes, 1e-300))
    return np.concatenate(ratios)


def _mean_over_seeds(losses: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    seeds = len(losses)
    if seeds == 1:
        return losses
    return rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=count) / seeds @ losses


def percentile_interval(value: float, resampled: NDArray[np.float64], *, units: int) -> Interval:
    """The middle 95% of resampled values for two or more units, widened for few units.

    >>> [round(each, 6) for each in percentile_interval(0.5, np.arange(1001) / 1000, units=10**9)]
    [0.5, 0.025, 0.975]
    """
    tail = 100 * NormalDist().cdf(-math.sqrt(units / (units - 1)) * _t(units - 1))
    low, high = np.percentile(resampled, (tail, 100 - tail))
    return Interval(value, float(low), float(high))


def t_interval(values: NDArray[np.float64]) -> Interval:
    """The mean of two or more runs with Student's 95% interval, assuming normal values.

    >>> [round(each, 3) for each in t_interval(np.array([1.0, 2.0, 3.0]))]
    [2.0, -0.484, 4.484]
    """
    count, mean = len(values), float(values.mean())
    half = _t(count - 1) * float(values.std(ddof=1)) / math.sqrt(count)
    return Interval(mean, mean - half, mean + half)


def mean_with_interval(values: NDArray[np.float64], *, shares: bool = False) -> dict[str, float | None]:
    """``t_interval`` for JSON; of a single value the interval is unknown.

    Args:
        shares: the values are from 0 to 1, and so is what the interval holds.

    >>> mean_with_interval(np.array([0.5]))
    {'value': 0.5, 'low': None, 'high': None}
    >>> mean_with_interval(np.array([0.5, 1.0]), shares=True)
    {'value': 0.75, 'low': 0.0, 'high': 1.0}
    """
    if len(values) < 2:
        return {"value": float(values.mean()), "low": None, "high": None}
    value, low, high = t_interval(values)
    return {"value": value, "low": max(low, 0.0) if shares else low, "high": min(high, 1.0) if shares else high}


def _t(degrees: int) -> float:
    """Student's t, 97.5%; beyond the table by the first terms of its expansion in 1 / degrees
    (Fisher 1925).
    """
    if degrees <= len(_T975):
        return _T975[degrees - 1]
    z = NormalDist().inv_cdf(0.975)
    return z + (z**3 + z) / (4 * degrees)
