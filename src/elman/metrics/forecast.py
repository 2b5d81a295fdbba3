"""Figures of forecasts: MASE, sMAPE, weighted quantile loss, coverage.

Hyndman and Koehler (2006) for MASE; Makridakis, Spiliotis and Assimakopoulos (2020, the M4
competition) for sMAPE and for the mean over series; Salinas et al. (2020, DeepAR) and GluonTS for
the weighted quantile loss. Missing truth is NaN and does not count.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]


def seasonal_error(history: Numbers, season: int) -> float:
    """The mean absolute error of repeating the last season, one step at a time, within a history
    ``[T]``.

    It is the denominator of MASE; NaN for a history that is not longer than a season.

    >>> seasonal_error(np.array([1.0, 2.0, 4.0, 3.0]), 2)
    2.0
    """
    errors = np.abs(history[season:] - history[:-season])
    return float(np.nanmean(errors)) if len(history) > season and not np.isnan(errors).all() else float("nan")


def absolute_errors(truth: Numbers, forecast: Numbers) -> NDArray[np.float64]:
    """Errors without their sign, NaN where the truth is missing."""
    return np.abs(truth.astype(np.float64) - forecast)


def mase(truth: Numbers, forecast: Numbers, scale: Numbers) -> NDArray[np.float64]:
    """The mean absolute scaled error of each window ``[N]``; below 1 it beats the seasonal naive
    forecast.

    Args:
        truth: ``[N, H]``.
        forecast: ``[N, H]``.
        scale: the ``seasonal_error`` of each window's history ``[N]``.

    >>> mase(np.array([[3.0, 5.0]]), np.array([[2.0, 7.0]]), np.array([3.0])).tolist()
    [0.5]
    """
    return row_means(absolute_errors(truth, forecast)) / scale


def smape(truth: Numbers, forecast: Numbers) -> NDArray[np.float64]:
    """The symmetric mean absolute percentage error of each window ``[N]``, from 0 to 200.

    >>> smape(np.array([[1.0, 0.0]]), np.array([[3.0, 0.0]])).tolist()
    [50.0]
    """
    size = np.abs(truth) + np.abs(forecast)
    errors = absolute_errors(truth, forecast)
    return 200 * row_means(np.where(size > 0, errors / np.where(size > 0, size, 1), errors))


def pinball(truth: Numbers, quantiles: Numbers, levels: Sequence[float]) -> NDArray[np.float64]:
    """Twice the pinball loss of each quantile; at level 0.5 it is the absolute error.

    Args:
        truth: ``[.., H]``.
        quantiles: ``[.., Q, H]``.
        levels: ``[Q]``.

    Returns:
        ``[.., Q, H]``.

    >>> pinball(np.array([10.0]), np.array([[8.0], [11.0]]), [0.1, 0.9]).round(2).tolist()
    [[0.4], [0.2]]
    """
    above = np.asarray(levels)[:, None]
    distance = truth[..., None, :] - quantiles
    return 2 * np.maximum(above * distance, (above - 1) * distance)


def weighted_quantile_loss(truth: Numbers, quantiles: Numbers, levels: Sequence[float]) -> float:
    """The mean over levels of the summed pinball loss, relative to the summed absolute truth; 0 if
    that is 0.

    >>> weighted_quantile_loss(np.array([[10.0]]), np.array([[[8.0], [11.0]]]), [0.1, 0.9])
    0.03
    """
    total = np.nansum(np.abs(truth))
    return float(np.nansum(pinball(truth, quantiles, levels).mean(axis=-2)) / total) if total else 0.0


def covered(truth: Numbers, low: Numbers, high: Numbers) -> NDArray[np.float64]:
    """Whether each truth lies in its interval: 1 or 0, NaN where it is missing.

    >>> covered(np.array([1.0, 5.0, np.nan]), np.zeros(3), np.full(3, 2.0)).tolist()
    [1.0, 0.0, nan]
    """
    return np.where(np.isnan(truth), np.nan, (low <= truth) & (truth <= high))


def row_means(values: NDArray[Any]) -> NDArray[np.float64]:
    """The mean of each row's known values ``[N]``; NaN where a row has none."""
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    return np.where(counts > 0, np.where(known, values, 0).sum(axis=1) / np.maximum(counts, 1), np.nan)
