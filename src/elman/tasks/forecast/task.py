"""Forecasting as a task: the last values of time series to quantiles of the next ones."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.models.registry import resolve
from elman.progress import Progress
from elman.tasks.forecast.request import ForecastRequest
from elman.tasks.network_task import NetworkTask


class ForecastTask(NetworkTask):
    """Forecast time series."""

    name = "forecast"
    request = ForecastRequest
    default_kind = "gru"
    cell_kind = "forecaster"
    jobs = "elman.tasks.forecast.job"
    model = "elman.tasks.forecast.model:ForecastModel"
    table = "elman.report.forecasts_page:forecasts_table"
    page = "elman.report.forecasts_page:write_forecasts_page"
    examples = "rows"
    reading = ("format", "encoding")
    heading = "{name} (forecasts: {forecasts:,}, steps of each: {horizon}, series: {series:,})"
    commands = "elman predict {folder}   elman evaluate {folder} LATER.csv   elman info {folder}"

    def measured(
        self, model: Any, sources: Sequence[str], settings: Mapping[str, Any], progress: Progress
    ) -> tuple[dict[str, Any], Callable[[Path], list[Path]]]:
        from elman.tasks.forecast.evaluation import evaluate_sources

        found, shown = evaluate_sources(model, sources, settings=settings, rival=True, progress=progress)
        values = found.to_json()
        return values, lambda folder: resolve(self.page)(folder, values, shown)
