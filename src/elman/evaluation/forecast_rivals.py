"""The rivals of a forecaster: naive, seasonal naive, ridge regression on lags."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.series_windows import TOGETHER, SeriesStore, Windows

NAIVE = "naive"
SEASONAL = "seasonal naive"
RIDGE = "ridge on lags"
_PENALTIES = tuple(10.0**power for power in range(-4, 3))


def naive(
    store: SeriesStore, which: NDArray[np.int64], origins: NDArray[np.int64], *, season: int = 1
) -> NDArray[np.float64]:
    """The last season again and again ``[N, H]``; with a season of 1 the last known value.

    Where a series is shorter than the season, its last value.
    """
    first = store.begins[which] + origins
    if season == 1:
        return np.repeat(store.latest[first - 1][:, None], store.encoding.horizon, axis=1)
    steps = np.arange(store.encoding.horizon) % season - season
    found = (
        store.filled[first[:, None] + steps] if season <= store.context else np.full((len(which), len(steps)), math.nan)
    )
    return np.where(np.isnan(found), store.latest[first - 1][:, None], found)


class Linear(NamedTuple):
    """A linear forecast of scaled windows."""

    weights: NDArray[np.float64]
    """``[H, Z]``."""
    bias: NDArray[np.float64]
    """``[H]``."""
    errors: NDArray[np.float64]
    """What came minus the forecast, for windows that were not fitted ``[N, H]``; NaN where
    unknown."""

    def predict(self, row: NDArray[np.floating]) -> NDArray[np.float64]:
        """Windows ``[N, Z]`` to scaled forecasts ``[N, H]``."""
        return row @ self.weights.T + self.bias


def fit_ridge(train: Sequence[Windows], *, context: int, seasons: tuple[int, ...]) -> Linear:
    """Ridge regression on the values of a window, its calendar and covariates, towards a naive
    forecast.

    The penalty and the naive forecast are those with the smallest absolute error on the last fifth
    of the windows after fitting the others; then all windows are fitted.

    Args:
        train: in the order of their origins, in pieces.
        context: L.
        seasons: lags that may be repeated, such as 1 and 24.
    """
    row, targets, known = (np.concatenate([getattr(some, name) for some in train]) for name in Windows._fields[1:4])
    size, horizon = row.shape[1], targets.shape[1]
    cut = len(row) - len(row) // 5
    early, late = (_Sums.of(row[some], targets[some], known[some]) for some in (slice(cut), slice(cut, None)))
    later, truth = row[cut:], np.where(known[cut:] > 0, targets[cut:], math.nan)
    best, errors = math.inf, truth
    chosen = seasons[0], 1.0
    for season in seasons if cut < len(row) and not np.isnan(truth).all() else ():
        anchor = _anchor(season, context, size, horizon)
        for penalty in _PENALTIES:
            weights, bias = early.solved(penalty, anchor)
            left = truth - (later @ weights.T + bias)
            error = float(np.nanmean(np.abs(left)))
            if error < best:
                best, errors, chosen = error, left, (season, penalty)
    anchor = _anchor(chosen[0], context, size, horizon)
    return Linear(*early.plus(late).solved(chosen[1], anchor), errors)


def _anchor(season: int, context: int, size: int, horizon: int) -> NDArray[np.float64]:
    """The weights ``[H, Z]`` that repeat the last season of a window."""
    weights = np.zeros((horizon, size))
    weights[np.arange(horizon), context - season + np.arange(horizon) % season] = 1
    return weights


class _Sums(NamedTuple):
    """The sums that ridge regression needs, of windows with all targets."""

    inner: NDArray[np.float64]
    """``[Z + 1, Z + 1]``; the last column is 1 in each window."""
    outer: NDArray[np.float64]
    """``[Z + 1, H]``."""

    @classmethod
    def of(cls, row: NDArray[np.float32], targets: NDArray[np.float32], known: NDArray[np.float32]) -> "_Sums":
        whole: NDArray[np.bool_] = np.all(known > 0, axis=1)
        size = row.shape[1] + 1
        found = cls(np.zeros((size, size)), np.zeros((size, targets.shape[1])))
        for start in range(0, len(row), TOGETHER):
            some = np.flatnonzero(whole[start : start + TOGETHER]) + start
            wide = np.concatenate([row[some].astype(np.float64), np.ones((len(some), 1))], axis=1)
            found = found.plus(cls(wide.T @ wide, wide.T @ targets[some]))
        return found

    def plus(self, other: "_Sums") -> "_Sums":
        return _Sums(self.inner + other.inner, self.outer + other.outer)

    def solved(self, penalty: float, anchor: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights ``[H, Z]`` and bias ``[H]``; the penalty is on the distance from ``anchor``, not
        on the bias."""
        size = len(self.inner) - 1
        ridge = np.full(size + 1, penalty * max(float(np.trace(self.inner[:size, :size])) / size, 1e-9))
        ridge[size] = 1e-9
        away = self.outer - self.inner[:, :size] @ anchor.T
        found = np.linalg.solve(self.inner + np.diag(ridge), away).T.astype(np.float64)
        return found[:, :size] + anchor, found[:, size]
