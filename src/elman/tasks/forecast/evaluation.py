"""The figures of a forecaster, next to those of its rivals, over rolling origins."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.series import Series, read_series
from elman.data.series_windows import SeriesStore
from elman.errors import UsageError
from elman.evaluation.fitted_rivals import fitted_rivals, forecast_fitted, missing_rivals
from elman.evaluation.forecast_rivals import NAIVE, RIDGE, SEASONAL, Linear, naive
from elman.evaluation.forecasts import Forecasted, ForecastReport, evaluate_forecasts
from elman.metrics.forecast import seasonal_error
from elman.progress import Progress
from elman.report.forecasts_page import MOST_SHOWN
from elman.tasks.forecast.data import ForecastData, Origins, continued, read_data
from elman.tasks.forecast.linear_start import fitted_linear, spread
from elman.tasks.forecast.request import ForecastRequest

if TYPE_CHECKING:
    from elman.tasks.forecast.model import ForecastModel

_FITTED_HISTORY = 1000
"""Values before an origin to which rivals are fitted anew; more change little and cost much."""


def evaluate_part(
    model: "ForecastModel", data: ForecastData, part: str, *, linear: Linear | None, rival: bool, progress: Progress
) -> ForecastReport:
    """The figures of a model on a part of its data."""
    begins = data.ends["train" if part == "valid" else "valid"]
    season = data.encoding.season
    scales = [
        seasonal_error(each.values[:begin], season) for each, begin in zip(data.series, begins.tolist(), strict=True)
    ]
    return _report(
        model,
        data.store(model.config),
        data.origins(part),
        scales=np.array(scales),
        deviations=np.array(data.deviations),
        linear=linear,
        rival=rival,
        facts={"data": data.hash[:12], "part": part},
        progress=progress,
    )


def evaluate_sources(
    model: "ForecastModel", sources: Sequence[str], *, settings: Mapping[str, Any], rival: bool, progress: Progress
) -> tuple[ForecastReport, list[dict[str, Any]]]:
    """The figures of a model on the values of files that training and validation have not seen, and
    some series of them, as ``report.forecasts_page`` draws them.

    The values of a file continue the series of the training: by their times, or without times one
    behind the other.
    """
    request = ForecastRequest.of_training(model.folder)
    if request is None:
        raise UsageError(
            "the folder lacks training/plan.json, which says how its series are read; copy the whole folder"
        )
    config, encoding = request.data.replace(**settings), model.encoding
    table = read_series(sources, config=config, columns=encoding.columns, grid=encoding.grid, progress=progress)
    timed, season, horizon = encoding.columns.time is not None, encoding.season, encoding.horizon
    series: list[Series] = []
    scales: list[float] = []
    deviations: list[float] = []
    origins: list[tuple[range, int]] = []
    strange = 0
    for later in table.series:
        stored = model.history.get(later.name)
        if stored is None:
            # Of a series that training has not seen, the first half is history.
            strange += 1
            begin = len(later.values) // 2
            known = later.values[:begin]
            whole, scale, deviation = later, seasonal_error(known, season), float(np.nanstd(known)) if begin else 0.0
        else:
            whole, scale, deviation = continued(stored.series, later, timed=timed), stored.scale, stored.deviation
            begin = (max(stored.seen, later.start) if timed else stored.series.stop) - whole.start
        end = later.stop - whole.start if timed else len(whole.values)
        series.append(whole)
        scales.append(scale)
        deviations.append(deviation)
        origins.append(
            (range(begin, max(end - horizon, begin) + 1, config.stride or horizon) if begin < end else range(0), end)
        )
    notes = list(table.notes)
    if strange:
        notes.append(f"{strange:,} series that training does not have were judged from their middle on")
    which = np.concatenate([np.full(len(some), number, np.int64) for number, (some, _) in enumerate(origins)])
    found = Origins(
        which,
        np.concatenate([np.array(some, np.int64) for some, _ in origins]),
        np.concatenate([np.full(len(some), end, np.int64) for some, end in origins]),
    )
    if not len(found):
        raise UsageError("no value is later than those of training and validation; give later rows")
    linear = None
    if rival:
        data, why = ForecastRequest.data_of_training(
            model, lambda request: read_data(request, encoding=encoding, progress=Progress())
        )
        if data is None:
            notes.append(f"{RIDGE} was not compared: {why}")
        else:
            linear = fitted_linear(data, data.store(model.config))
    store = SeriesStore(series, encoding, context=model.config.context_window, patch=model.config.patch)
    figures = _report(
        model,
        store,
        found,
        scales=np.array(scales),
        deviations=np.array(deviations),
        linear=linear,
        rival=rival,
        facts={"data": table.hash[:12]},
        notes=notes,
        progress=progress,
    )
    return figures, drawn_series(model, store, found)


def _report(
    model: "ForecastModel",
    store: SeriesStore,
    origins: Origins,
    *,
    scales: NDArray[np.float64],
    deviations: NDArray[np.float64],
    linear: Linear | None,
    rival: bool,
    facts: Mapping[str, str],
    notes: Sequence[str] = (),
    progress: Progress,
) -> ForecastReport:
    encoding = store.encoding
    quantiles: list[NDArray[np.float64]] = []
    straight: list[NDArray[np.float64]] = []
    with progress.stage("forecasting", total=len(origins), unit="forecasts") as advance:
        for windows in store.parts(*origins):
            quantiles.append(model.quantiles_of(windows))
            if linear is not None:
                straight.append(windows.restored(linear.predict(windows.row)))
            advance(windows.rows)
    rivals = {NAIVE: naive(store, origins.which, origins.origins)}
    if encoding.season > 1:
        rivals[SEASONAL] = naive(store, origins.which, origins.origins, season=encoding.season)
    if linear is not None and rival:
        rivals[RIDGE] = np.concatenate(straight)
    more = list(notes)
    if rival:
        fitted, refused = forecast_fitted(
            _histories(store, origins),
            horizon=encoding.horizon,
            season=encoding.season,
            instead=rivals[NAIVE],
            methods=fitted_rivals(),
            progress=progress,
        )
        rivals |= fitted
        more += [*refused, *filter(None, [missing_rivals()])]
    first = store.begins[origins.which] + origins.origins
    future = first[:, None] + np.arange(encoding.horizon)
    inside = np.arange(encoding.horizon) + origins.origins[:, None] < origins.stops[:, None]
    starts = np.array([each.start for each in store.series], np.int64)
    return evaluate_forecasts(
        Forecasted(
            truth=np.where(inside, store.values[future], np.nan),
            last=store.latest[first - 1],
            scale=np.nan_to_num(scales[origins.which], nan=0.0),
            deviation=deviations[origins.which],
            series=origins.which,
            origins=starts[origins.which] + origins.origins,
        ),
        np.concatenate(quantiles),
        levels=encoding.levels,
        rivals=rivals,
        model=f"{model.config.cell} forecaster",
        notes=more,
        facts={"model": model.model_hash[:8], **facts, "forecasts": str(len(origins))},
    )


def shown_series(model: "ForecastModel", data: ForecastData, part: str) -> list[dict[str, Any]]:
    """The last forecast of some series of a part, as ``report.forecasts_page`` draws it."""
    origins = data.origins(part)
    last = np.flatnonzero(np.diff(origins.which, append=-1))
    return drawn_series(model, data.store(model.config), origins.take(last))


def drawn_series(model: "ForecastModel", store: SeriesStore, origins: Origins) -> list[dict[str, Any]]:
    """Some forecasts, evenly spread, as ``report.forecasts_page`` draws them."""
    encoding, horizon = store.encoding, store.encoding.horizon
    found: list[dict[str, Any]] = []
    some = spread(origins, most=MOST_SHOWN)
    quantiles = model.quantiles_of(store.windows(*some))
    for which, origin, stop, own in zip(*(part.tolist() for part in some), quantiles, strict=True):
        series, begin = store.series[which], store.begins[which]
        before = min(origin, max(3 * horizon, 2 * encoding.season))
        steps = series.start + origin + np.arange(-before, horizon)
        truth = store.values[begin + origin : begin + min(origin + horizon, stop)]
        found.append(
            {
                "series": series.name,
                "times": encoding.grid.labels(steps),
                "history": store.filled[begin + origin - before : begin + origin].tolist(),
                "truth": truth.tolist(),
                "quantiles": own.tolist(),
                "levels": list(encoding.levels),
            }
        )
    return found


def _histories(store: SeriesStore, origins: Origins) -> NDArray[np.float64]:
    """The values before each origin ``[N, T]``, NaN in front of a series."""
    size = min(int(origins.origins.max(initial=1)), _FITTED_HISTORY)
    places = origins.origins[:, None] + np.arange(-size, 0)
    flat = store.begins[origins.which][:, None] + places
    return np.where(places >= 0, store.filled[np.maximum(flat, 0)], np.nan)
