"""The first weights of a forecaster: ridge regression, and the quantiles of its errors."""

import numpy as np
from numpy.typing import NDArray

from elman.data.series_windows import SeriesStore
from elman.evaluation.forecast_rivals import Linear, fit_ridge
from elman.tasks.forecast.data import ForecastData, Origins

_MOST_NUMBERS = 1 << 24
"""Numbers of the windows that are fitted."""


def fitted_linear(data: ForecastData, store: SeriesStore) -> Linear:
    """Ridge regression on windows of the training part."""
    train = spread(data.origins("train"), most=max(_MOST_NUMBERS // (store.row_size + 1), 100))
    # The last fifth, on which the penalty is chosen, must not be the last series.
    order = np.argsort(train.origins - train.stops, kind="stable")
    seasons = tuple(sorted({1, data.encoding.season}))
    return fit_ridge(list(store.parts(*train.take(order))), context=store.context, seasons=seasons)


def offsets_of(linear: Linear, levels: tuple[float, ...]) -> NDArray[np.float64]:
    """What each quantile adds to a linear forecast ``[Q, H]``, from its errors."""
    some = ~np.isnan(linear.errors).all(axis=0)
    offsets = np.zeros((len(levels), linear.errors.shape[1]))
    if some.any():
        offsets[:, some] = np.nanquantile(linear.errors[:, some], levels, axis=0)
    return offsets


def spread(origins: Origins, *, most: int) -> Origins:
    """At most this many of all forecasts, evenly spread."""
    return origins.take(np.unique(np.linspace(0, len(origins) - 1, min(len(origins), most)).astype(np.int64)))
