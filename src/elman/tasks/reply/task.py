"""Replies as a task: which reply fits a message."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.config import Config
from elman.errors import UsageError
from elman.models.reply_config import ReplyConfig
from elman.progress import Progress
from elman.tasks.job import Job
from elman.tasks.reply.plan import ReplyPlan
from elman.tasks.reply.request import ReplyRequest
from elman.tasks.request import Request
from elman.tasks.task import Evaluation, Task
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.tasks.reply.model import ReplyModel


class ReplyTask(Task):
    """Choose replies to messages."""

    name = "reply"
    request = ReplyRequest
    default_kind = "lstm"
    cell_kind = "dual-encoder"

    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> Job:
        from elman.tasks.reply.job import new_job

        assert isinstance(request, ReplyRequest)
        return new_job(request, folder=folder, start=start, progress=progress)

    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        from elman.tasks.reply.job import resumed_job

        assert isinstance(request, ReplyRequest)
        assert isinstance(config, ReplyConfig) and isinstance(plan, ReplyPlan)
        return resumed_job(request, folder=folder, config=config, plan=plan, progress=progress)

    def load(self, folder: Path, *, progress: Progress | None = None, torch: bool = False) -> "ReplyModel":
        from elman.tasks.reply.model import load

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
        from elman.evaluation.replies import replies_table
        from elman.tasks.reply.model import load

        strange = sorted(set(settings) - {"format", "encoding"})
        if strange or report is not None:
            name = "report" if report is not None else strange[0]
            raise UsageError(f"--{name.replace('_', '-')} does not apply to reply; leave it out")
        values = load(folder).evaluate(*sources, progress=progress, **settings).to_json()
        return Evaluation(values, replies_table(values))

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        from elman.evaluation.replies import replies_table

        for name, values in card.get("figures", {}).items():
            yield from f"{name}: {replies_table(values)}".splitlines()

    def next_steps(self, folder: str) -> str:
        return f'elman reply {folder} "..." --replies FILE   elman evaluate {folder} DIALOGUES   elman info {folder}'
