"""Outcomes as a task: the columns of a row, known before, to what comes of it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.config import Config
from elman.errors import UsageError
from elman.models.outcome_config import OutcomeConfig
from elman.progress import Progress
from elman.tasks.job import Job
from elman.tasks.outcome.plan import OutcomePlan
from elman.tasks.outcome.request import OutcomeRequest
from elman.tasks.request import Request
from elman.tasks.task import Evaluation, Task
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.tasks.outcome.model import OutcomeModel


class OutcomeTask(Task):
    """Predict outcomes from columns."""

    name = "outcome"
    request = OutcomeRequest
    default_kind = "lstm"
    cell_kind = "outcome"

    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> Job:
        from elman.tasks.outcome.job import new_job

        assert isinstance(request, OutcomeRequest)
        return new_job(request, folder=folder, start=start, progress=progress)

    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        from elman.tasks.outcome.job import resumed_job

        assert isinstance(request, OutcomeRequest)
        assert isinstance(config, OutcomeConfig) and isinstance(plan, OutcomePlan)
        return resumed_job(request, folder=folder, config=config, plan=plan, progress=progress)

    def load(self, folder: Path, *, progress: Progress | None = None, torch: bool = False) -> "OutcomeModel":
        from elman.tasks.outcome.model import load

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
        from elman.evaluation.outcomes import outcomes_table
        from elman.tasks.outcome.model import load

        own = {"format", "encoding"}
        strange = sorted(set(settings) - own)
        if strange or report is not None:
            name = "report" if report is not None else strange[0]
            raise UsageError(f"--{name.replace('_', '-')} does not apply to outcome; leave it out")
        values = load(folder).evaluate(*sources, progress=progress, **settings).to_json()
        return Evaluation(values, outcomes_table(values))

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        from elman.evaluation.outcomes import outcomes_table

        for name, values in card.get("figures", {}).items():
            yield f"{name} ({values['examples']:,} rows)"
            yield from outcomes_table(values).splitlines()
            yield ""

    def next_steps(self, folder: str) -> str:
        return f'elman predict {folder} "column=value, ..."   elman evaluate {folder} ROWS.csv   elman info {folder}'
