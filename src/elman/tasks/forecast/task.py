"""Forecasting as a task: the last values of time series to quantiles of the next ones."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.models.registry import resolve
from elman.progress import Progress, counted
from elman.tasks.forecast.request import ForecastRequest
from elman.tasks.network_task import NetworkTask
from elman.tasks.task import Evaluation


class ForecastTask(NetworkTask):
    """Forecast time series."""

    name = "forecast"
    request = ForecastRequest
    default_kind = "gru"
    cell_kind = "forecaster"
    jobs = "elman.tasks.forecast.job"
    model = "elman.tasks.forecast.model:ForecastModel"
    table = "elman.report.forecasts_page:forecasts_table"
    examples = "rows"
    reading = ("format", "encoding")

    def evaluate(
        self,
        folder: Path,
        sources: Sequence[str],
        *,
        settings: Mapping[str, Any],
        report: Path | None = None,
        progress: Progress,
    ) -> Evaluation:
        from elman.report.forecasts_page import write_forecasts_page
        from elman.tasks.forecast.evaluation import evaluate_sources

        self.check_reading(settings)
        found, shown = evaluate_sources(self.load(folder), sources, settings=settings, rival=True, progress=progress)
        values = found.to_json()
        words = resolve(self.table)(values)
        if report is not None:
            words += f"\nreport: {write_forecasts_page(report, values, shown)[0]}"
        return Evaluation(values, words)

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        from elman.report.forecasts_page import forecasts_table

        for name, values in card.get("figures", {}).items():
            sizes = f"{counted(values['forecasts'], 'forecast')} of {counted(values['horizon'], 'step')}"
            yield f"{name} ({sizes}, {values['series']:,} series)"
            yield from forecasts_table(values).splitlines()
            yield ""

    def next_steps(self, folder: str) -> str:
        return f"elman predict {folder}   elman evaluate {folder} LATER.csv   elman info {folder}"
