"""The rivals of a forecaster: naive, seasonal naive, ridge regression on lags, Theta."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.series_windows import TOGETHER, SeriesStore, Windows

NAIVE = "naive"
SEASONAL = "seasonal naive"
RIDGE = "ridge on lags"
THETA = "Theta"
_PENALTIES = tuple(10.0**power for power in range(-4, 3))
_RATES = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
_THETA_HISTORY = 600
_SEASONAL = 1.645
"""A season counts where its autocorrelation is this many standard errors from 0 (90%)."""


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
    """What came minus the forecast, for windows that were not fitted ``[N, H]``; NaN where unknown."""

    def predict(self, row: NDArray[np.floating]) -> NDArray[np.float64]:
        """Windows ``[N, Z]`` to scaled forecasts ``[N, H]``."""
        return row @ self.weights.T + self.bias


def fit_ridge(train: Sequence[Windows], *, context: int, seasons: tuple[int, ...]) -> Linear:
    """Ridge regression on the values of a window, its calendar and covariates, towards a naive forecast.

    The penalty and the naive forecast are those with the smallest absolute error on the last fifth of the
    windows after fitting the others; then all windows are fitted.

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
        """Weights ``[H, Z]`` and bias ``[H]``; the penalty is on the distance from ``anchor``, not on the bias."""
        size = len(self.inner) - 1
        ridge = np.full(size + 1, penalty * max(float(np.trace(self.inner[:size, :size])) / size, 1e-9))
        ridge[size] = 1e-9
        away = self.outer - self.inner[:, :size] @ anchor.T
        found = np.linalg.solve(self.inner + np.diag(ridge), away).T.astype(np.float64)
        return found[:, :size] + anchor, found[:, size]


def theta(histories: NDArray[np.float64], *, horizon: int, season: int) -> NDArray[np.float64]:
    """The Theta method (Assimakopoulos and Nikolopoulos 2000) ``[N, H]``.

    A series is deseasonalised by classical decomposition if its season shows. The forecast is the mean of
    the linear trend and of exponential smoothing of the line with doubled curvature.

    Args:
        histories: ``[N, T]``; NaN only in front.
    """
    found = np.zeros((len(histories), horizon))
    for number, padded in enumerate(histories):
        history = padded[~np.isnan(padded)][-_THETA_HISTORY:]
        if not len(history):
            continue
        indices, times = _season_of(history, season)
        plain = history / indices(np.arange(len(history))) if times else history - indices(np.arange(len(history)))
        place, ahead = np.arange(len(plain)), np.arange(len(plain), len(plain) + horizon)
        slope, level = np.polyfit(place, plain, 1) if len(plain) > 1 else (0.0, float(plain[0]))
        smooth = _smoothed(2 * plain - (level + slope * place))
        forecast = (smooth + level + slope * ahead) / 2
        seasonal = indices(ahead)
        found[number] = forecast * seasonal if times else forecast + seasonal
    return found


def _season_of(
    history: NDArray[np.float64], season: int
) -> tuple[Callable[[NDArray[np.int64]], NDArray[np.float64]], bool]:
    """What each place of a season adds or, if all values are above 0, is multiplied by."""
    size = len(history)
    times = bool((history > 0).all())
    none = float(times)
    if season < 2 or size < 3 * season or not _is_seasonal(history, season):
        return (lambda place: np.full(len(place), none)), times
    weights = np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    trend = np.convolve(history, weights / season, mode="valid")
    first = (len(weights) - 1) // 2
    middle = history[first : first + len(trend)]
    rest = middle / trend if times else middle - trend
    at = (first + np.arange(len(trend))) % season
    means = np.bincount(at, rest, minlength=season) / np.bincount(at, minlength=season)
    means = means / means.mean() if times else means - means.mean()
    return (lambda place: means[place % season]), times


def _is_seasonal(history: NDArray[np.float64], season: int) -> bool:
    centred = history - history.mean()
    total = float(centred @ centred)
    if total <= 0:
        return False
    acf = np.array([centred[lag:] @ centred[:-lag] for lag in range(1, season + 1)]) / total
    return bool(abs(acf[-1]) > _SEASONAL * math.sqrt((1 + 2 * (acf[:-1] ** 2).sum()) / len(history)))


def _smoothed(values: NDArray[np.float64]) -> float:
    """The last level of simple exponential smoothing, at the rate with the least squared error."""
    level = np.full(len(_RATES), values[0])
    errors = np.zeros(len(_RATES))
    for value in values[1:]:
        error = value - level
        errors += error * error
        level = level + _RATES * error
    return float(level[errors.argmin()])
