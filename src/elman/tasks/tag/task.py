"""Tagging words as a task: parts of speech, names, or any tag for each word."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.config import Config
from elman.models.registry import entry
from elman.progress import Progress
from elman.storage.folder import read_config
from elman.tasks.job import Job
from elman.tasks.network_task import NetworkTask
from elman.tasks.request import Request
from elman.tasks.tag.plan import TagPlan
from elman.tasks.tag.request import TagRequest
from elman.training.plan import Plan


class TagTask(NetworkTask):
    """Tag the words of sentences."""

    name = "tag"
    request = TagRequest
    default_kind = "lstm"
    comparison = "elman.studies.compare_tags:TagComparison"
    cell_kind = "tagger"
    jobs = "elman.tasks.tag.job"
    model = "elman.tasks.tag.model:Tagger"
    table = "elman.report.tags_page:tags_table"
    page = "elman.report.tags_page:write_tags_page"
    examples = "sentences"
    commands = 'elman predict {folder} "..."   elman evaluate {folder} DATA   elman info {folder}'

    def starts(self, folders: Sequence[str]) -> tuple[Path | None, dict[str, Any]]:
        models = [folder for folder in folders if entry(read_config(Path(folder))[0]).task == "language"]
        start, more = super().starts([folder for folder in folders if folder not in models])
        return start, {**more, **({"language_models": tuple(models)} if models else {})}

    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> Job:
        from elman.tasks.tag.continuing import continued_job, is_tagger

        if start is not None and is_tagger(start):
            assert isinstance(request, TagRequest)
            return continued_job(request, folder=folder, start=start, progress=progress)
        return super().prepare(request, folder=folder, start=start, progress=progress)

    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        from elman.tasks.tag.continuing import continued_job

        assert isinstance(request, TagRequest) and isinstance(plan, TagPlan)
        if request.continues is not None:
            start = Path(request.continues)
            return continued_job(request, folder=folder, start=start, plan=plan, progress=progress)
        known = {"config": config, "plan": plan, "data_hash": data_hash}
        return super().resume(request, folder=folder, progress=progress, **known)

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        for name, figures in card.get("figures", {}).items():
            yield f"{name}: {', '.join(_shown(figures))}"


def _shown(figures: Mapping[str, float]) -> list[str]:
    return [
        f"{name.replace('_', ' ')} {value:,}"
        if isinstance(value, int)
        else f"{name.replace('_', ' ')} {100 * value:.2f}%"
        for name, value in figures.items()
    ]
