"""Forecasting as a task: the last values of time series to quantiles of the next ones."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.config import Config
from elman.errors import UsageError
from elman.models.forecaster_config import ForecasterConfig
from elman.progress import Progress
from elman.tasks.forecast.plan import ForecastPlan
from elman.tasks.forecast.request import ForecastRequest
from elman.tasks.job import Job
from elman.tasks.request import Request
from elman.tasks.task import Evaluation, Task
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.tasks.forecast.model import ForecastModel


class ForecastTask(Task):
    """Forecast time series."""

    name = "forecast"
    request = ForecastRequest
    default_kind = "gru"
    cell_kind = "forecaster"

    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> Job:
        from elman.tasks.forecast.job import new_job

        assert isinstance(request, ForecastRequest)
        return new_job(request, folder=folder, start=start, progress=progress)

    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        from elman.tasks.forecast.job import resumed_job

        assert isinstance(request, ForecastRequest)
        assert isinstance(config, ForecasterConfig) and isinstance(plan, ForecastPlan)
        return resumed_job(request, folder=folder, config=config, plan=plan, progress=progress)

    def load(self, folder: Path, *, progress: Progress | None = None, torch: bool = False) -> "ForecastModel":
        from elman.tasks.forecast.model import load

        return load(folder)

    def evaluate(
        self,
        folder: Path,
        sources: Sequence[str],
        *,
        settings: Mapping[str, Any],
        report: Path | None = None,
        progress: Progress,
    ) -> Evaluation:
        from elman.report.forecasts_page import forecasts_table, write_forecasts_page
        from elman.tasks.forecast.evaluation import evaluate_sources
        from elman.tasks.forecast.model import load

        strange = sorted(set(settings) - {"format", "encoding"})
        if strange:
            raise UsageError(f"--{strange[0].replace('_', '-')} does not apply to forecast; leave it out")
        found, shown = evaluate_sources(load(folder), sources, settings=settings, rival=True, progress=progress)
        values = found.to_json()
        words = forecasts_table(values)
        if report is not None:
            words += f"\nreport: {write_forecasts_page(report, values, shown)[0]}"
        return Evaluation(values, words)

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        from elman.report.forecasts_page import forecasts_table

        for name, values in card.get("figures", {}).items():
            sizes = f"{values['forecasts']:,} forecasts of {values['horizon']} steps, {values['series']:,} series"
            yield f"{name} ({sizes})"
            yield from forecasts_table(values).splitlines()
            yield ""

    def next_steps(self, folder: str) -> str:
        return f"elman predict {folder}   elman evaluate {folder} LATER.csv   elman info {folder}"
