"""Tagging words as a task: parts of speech, names, or any tag for each word."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.cells.registry import CELLS
from elman.config import Config
from elman.errors import UsageError
from elman.models.registry import entry, is_known
from elman.models.tagger_config import TaggerConfig
from elman.progress import Progress
from elman.storage.folder import read_config
from elman.tasks.job import Job
from elman.tasks.request import Request
from elman.tasks.tag.plan import TagPlan
from elman.tasks.tag.request import TagRequest
from elman.tasks.task import Evaluation, Task
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.tasks.tag.model import Tagger


class TagTask(Task):
    """Tag the words of sentences."""

    name = "tag"
    request = TagRequest
    default_kind = "lstm"
    comparison = "elman.studies.compare_tags:TagComparison"

    def kind_of(self, model: str) -> tuple[str, dict[str, Any]]:
        if not (is_known(model) and model in CELLS):
            raise UsageError(f"--model is {model!r}; for a tagger it must be a cell: {', '.join(CELLS)}")
        return "tagger", {"cell": model}

    def starts(self, folders: Sequence[str]) -> tuple[Path | None, dict[str, Any]]:
        models = [folder for folder in folders if entry(read_config(Path(folder))[0]).task == "language"]
        start, more = super().starts([folder for folder in folders if folder not in models])
        return start, {**more, **({"language_models": tuple(models)} if models else {})}

    def model_of(self, folder: Path) -> str:
        kind, values = read_config(folder)
        return str(values.get("cell", kind))

    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> Job:
        from elman.tasks.tag.continuing import continued_job, is_tagger
        from elman.tasks.tag.job import new_job

        assert isinstance(request, TagRequest)
        if start is not None and is_tagger(start):
            return continued_job(request, folder=folder, start=start, progress=progress)
        return new_job(request, folder=folder, start=start, progress=progress)

    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        from elman.tasks.tag.continuing import continued_job
        from elman.tasks.tag.job import resumed_job

        assert isinstance(request, TagRequest)
        assert isinstance(config, TaggerConfig) and isinstance(plan, TagPlan)
        if request.continues is not None:
            start = Path(request.continues)
            return continued_job(request, folder=folder, start=start, plan=plan, progress=progress)
        return resumed_job(request, folder=folder, config=config, plan=plan, progress=progress)

    def load(self, folder: Path, *, progress: Progress | None = None, torch: bool = False) -> "Tagger":
        from elman.tasks.tag.model import load

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
        from elman.report.tags_page import tags_table, write_tags_page
        from elman.tasks.tag.model import load

        values = load(folder).evaluate(*sources, progress=progress, **settings).to_json()
        words = tags_table(values)
        if report is not None:
            files = write_tags_page(report, values)
            words += f"\nreport: {files[0]}"
        return Evaluation(values, words)

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        for name, figures in card.get("figures", {}).items():
            yield f"{name}: {', '.join(_shown(figures))}"

    def next_steps(self, folder: str) -> str:
        return f'elman predict {folder} "..."   elman evaluate {folder} DATA   elman info {folder}'


def _shown(figures: Mapping[str, float]) -> list[str]:
    return [
        f"{name.replace('_', ' ')} {value:,}"
        if isinstance(value, int)
        else f"{name.replace('_', ' ')} {100 * value:.2f}%"
        for name, value in figures.items()
    ]
