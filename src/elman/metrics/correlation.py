"""Rank correlation with an interval."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 1000


def ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    """Ranks from 1, equal values sharing the mean of theirs.

    >>> ranks(np.array([30, 10, 20, 20])).tolist()
    [4.0, 1.0, 2.5, 2.5]
    """
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return (last - (sizes - 1) / 2)[group]


def spearman(ones: NDArray[Any], others: NDArray[Any]) -> float:
    """Spearman's correlation: Pearson's of the ranks; NaN where one side does not vary."""
    one, other = ranks(ones), ranks(others)
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale else float("nan")


def spearman_interval(ones: NDArray[Any], others: NDArray[Any], *, seed: int = 1) -> tuple[float, float]:
    """Where the correlation lies with 95% confidence, by drawing the pairs again (bootstrap)."""
    random, count = np.random.default_rng(seed), len(ones)
    draws = (random.integers(0, count, count) for _ in range(_RESAMPLES))
    found = np.array([spearman(ones[draw], others[draw]) for draw in draws])
    found = found[np.isfinite(found)]
    return (float("nan"),) * 2 if not len(found) else tuple(np.quantile(found, [0.025, 0.975]).tolist())  # type: ignore[return-value]
