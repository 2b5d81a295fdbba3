"""The ends of the training series as they are stored next to the weights."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.series import Series
from elman.data.series_encoding import SeriesEncoding
from elman.data.series_windows import SeriesStore
from elman.errors import FolderError
from elman.metrics.forecast import seasonal_error
from elman.tasks.forecast.data import ForecastData

_PREFIX = "history."
_NAMES = ("start", "length", "seen", "scale", "deviation", "values", "covariates")
_MOST = 1 << 26


class StoredSeries(NamedTuple):
    """The end of one series."""

    series: Series
    seen: int
    """The step after its training and validation parts; what follows may be judged."""
    scale: float
    """The denominator of MASE."""
    deviation: float
    """The standard deviation of the training part."""


def stored_series(data: ForecastData, *, context: int) -> list[StoredSeries]:
    """The last values of each series, and before its test part as many as a forecast looks at."""
    found: list[StoredSeries] = []
    season = data.encoding.season
    ends = zip(data.series, data.ends["valid"].tolist(), data.deviations, strict=True)
    for series, seen, deviation in ends:
        begin = max(0, min(len(series.values), seen) - SeriesStore.reach(context, season))
        kept = Series(series.name, series.start + begin, series.values[begin:], series.covariates[begin:])
        scale = seasonal_error(series.values[:seen], season)
        found.append(StoredSeries(kept, series.start + seen, scale, deviation))
    return found


def history_arrays(stored: Sequence[StoredSeries]) -> dict[str, NDArray[Any]]:
    """Flat arrays by name, which no matrix of weights is taken for."""
    covariates = [each.series.covariates for each in stored]
    arrays: dict[str, NDArray[Any]] = {
        "start": np.array([each.series.start for each in stored], np.int64),
        "length": np.array(
            [[len(each.series.values), len(each.series.covariates)] for each in stored], np.int64
        ).ravel(),
        "seen": np.array([each.seen for each in stored], np.int64),
        "scale": np.array([each.scale for each in stored], np.float64),
        "deviation": np.array([each.deviation for each in stored], np.float64),
        "values": np.concatenate([each.series.values for each in stored]),
        "covariates": np.concatenate([each.ravel() for each in covariates]),
    }
    return {_PREFIX + name: array for name, array in arrays.items()}


def read_history(arrays: dict[str, NDArray[Any]], names: Any, encoding: SeriesEncoding) -> list[StoredSeries]:
    """Take the series out of the arrays of a file.

    Raises:
        FolderError: they do not fit each other.
    """
    missing = next((name for name in _NAMES if names and _PREFIX + name not in arrays), None)
    if missing is not None:
        raise FolderError(
            f"the stored series have no {missing}, so another version of elman wrote them; train the model again"
        )
    own = {name: arrays.pop(_PREFIX + name, np.zeros(0)) for name in _NAMES}
    count, width = len(names) if isinstance(names, list) else 0, len(encoding.covariates)
    kinds = {name: np.int64 if name in ("start", "length", "seen") else np.float64 for name in _NAMES}
    good = isinstance(names, list) and all(isinstance(name, str) for name in names) and len(set(names)) == count
    good = good and all(own[name].ndim == 1 and own[name].dtype == kinds[name] for name in _NAMES)
    good = good and all(len(own[name]) == count for name in ("start", "seen", "scale", "deviation"))
    good = good and len(own["length"]) == 2 * count and not any(np.isinf(array).any() for array in own.values())
    lengths = own["length"].reshape(-1, 2) if good else np.zeros((0, 2), np.int64)
    good = good and bool(((lengths > 0) & (lengths < _MOST)).all())
    good = good and int(lengths[:, 0].sum()) == len(own["values"])
    good = good and int(lengths[:, 1].sum()) * width == len(own["covariates"])
    good = good and all(bool((np.abs(own[name]) < 1 << 50).all()) for name in ("start", "seen"))
    if not good:
        raise FolderError("the stored series do not fit the configuration; the folder is damaged")
    found: list[StoredSeries] = []
    value = covariate = 0
    numbers = [own[name].tolist() for name in ("start", "seen", "scale", "deviation")]
    for name, (size, more), start, *facts in zip(names, lengths.tolist(), *numbers, strict=True):
        values = own["values"][value : value + size]
        covariates = own["covariates"][covariate : covariate + more * width].reshape(more, width)
        value, covariate = value + size, covariate + more * width
        if math.isnan(values[-1]):
            raise FolderError(f"the stored series {name!r} has no last value; the folder is damaged")
        found.append(StoredSeries(Series(name, start, values, covariates), *facts))
    return found
