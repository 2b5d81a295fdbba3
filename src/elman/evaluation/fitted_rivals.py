"""Rivals of a forecaster that are fitted anew to each history: Theta, and ETS and MSTL by
statsforecast where it is installed (``pip install 'elman[forecast]'``)."""

import importlib
import importlib.util
import math
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.progress import Progress

THETA, ETS, MSTL = "Theta", "ETS", "MSTL"
_THETA_HISTORY = 600
_RATES = np.array([0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
_SEASONAL = 1.645
"""A season counts where its autocorrelation is this many standard errors from 0 (90%)."""


class CannotFit(Exception):
    """A history is too short or too even for a method."""


class FittedRival(NamedTuple):
    """A method that knows nothing of other series."""

    most: int
    """Forecasts beyond these are not compared: each costs a fit."""
    forecast: Callable[[NDArray[np.float64], int, int], NDArray[np.float64]]
    """History ``[T]`` without gaps, horizon H and season to the values that follow ``[H]``; raises
    ``CannotFit``."""


def _ets(history: NDArray[np.float64], horizon: int, season: int) -> NDArray[np.float64]:
    # Hyndman and Khandakar 2008: error, trend and season are chosen by the corrected AIC.
    return _by_statsforecast("AutoETS", history, horizon, season)


def _mstl(history: NDArray[np.float64], horizon: int, season: int) -> NDArray[np.float64]:
    # Bandara et al. 2021: the season by repeated LOESS, the rest by ETS.
    if season < 2 or len(history) < 2 * season:
        raise CannotFit("no two seasons")
    return _by_statsforecast("MSTL", history, horizon, season)


def _by_statsforecast(name: str, history: NDArray[np.float64], horizon: int, season: int) -> NDArray[np.float64]:
    method = getattr(importlib.import_module("statsforecast.models"), name)(season_length=season)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # divisions by zero where a series is constant
        try:
            found = np.asarray(method.forecast(y=history, h=horizon)["mean"], np.float64)
        except (NotImplementedError, IndexError, ValueError, ArithmeticError) as error:
            # The library has no one error for short or constant histories. The first of these is
            # its own, for tiny ones: nothing is left to do here.
            raise CannotFit(str(error)) from error
    if not np.isfinite(found).all():
        raise CannotFit("not finite")
    return found


def missing_rivals() -> str | None:
    """Why ETS and MSTL cannot be compared here; None if they can."""
    if importlib.util.find_spec("statsforecast") is not None:
        return None
    return f"{ETS} and {MSTL} were not compared: statsforecast is not installed; run: pip install 'elman[forecast]'"


def fitted_rivals() -> dict[str, FittedRival]:
    """The methods that can be computed here, by their names in tables."""
    found = {THETA: FittedRival(2000, theta)}
    if missing_rivals() is None:
        found |= {ETS: FittedRival(500, _ets), MSTL: FittedRival(500, _mstl)}
    return found


def forecast_fitted(
    histories: NDArray[np.float64],
    *,
    horizon: int,
    season: int,
    instead: NDArray[np.float64],
    methods: Mapping[str, FittedRival],
    progress: Progress,
) -> tuple[dict[str, NDArray[np.float64]], list[str]]:
    """Forecasts ``[N, H]`` of each method, and notes on what was not compared or not fitted.

    Args:
        histories: ``[N, T]``; NaN only in front.
        horizon: H.
        season: steps of a season; 1 for none.
        instead: forecasts ``[N, H]`` that stand where a method cannot be fitted; a note counts
            them.
        methods: by name; see ``fitted_rivals``.
        progress: told of each method.
    """
    found: dict[str, NDArray[np.float64]] = {}
    notes: list[str] = []
    for name, method in methods.items():
        if len(histories) > method.most:
            notes.append(f"{name} was not compared: it would be fitted anew for each of {len(histories):,} forecasts")
            continue
        forecasts, refused = instead.copy(), 0
        with progress.stage(f"computing the rival: {name}", total=len(histories), unit="forecasts") as advance:
            for number, padded in enumerate(histories):
                history = padded[~np.isnan(padded)]
                try:
                    if not len(history):
                        raise CannotFit("no history")
                    forecasts[number] = method.forecast(history, horizon, season)
                except CannotFit:
                    refused += 1
                advance(1)
        if refused:
            notes.append(
                f"{name} cannot be fitted to {refused:,} of {len(histories):,} histories, which are too short or too "
                "even; the naive forecast stands there"
            )
        found[name] = forecasts
    return found, notes


def theta(history: NDArray[np.float64], horizon: int, season: int) -> NDArray[np.float64]:
    """The Theta method (Assimakopoulos and Nikolopoulos 2000) ``[H]``.

    A series is deseasonalised by classical decomposition if its season shows. The forecast is the
    mean of the linear trend and of exponential smoothing of the line with doubled curvature.

    Args:
        history: ``[T]`` without gaps; T at least 1.
        horizon: H.
        season: steps of a season; 1 for none.
    """
    history = history[-_THETA_HISTORY:]
    indices, times = _season_of(history, season)
    plain = history / indices(np.arange(len(history))) if times else history - indices(np.arange(len(history)))
    place, ahead = np.arange(len(plain)), np.arange(len(plain), len(plain) + horizon)
    slope, level = np.polyfit(place, plain, 1) if len(plain) > 1 else (0.0, float(plain[0]))
    smooth = _smoothed(2 * plain - (level + slope * place))
    forecast = (smooth + level + slope * ahead) / 2
    seasonal = indices(ahead)
    return forecast * seasonal if times else forecast + seasonal


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
