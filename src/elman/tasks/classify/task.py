"""Text classification as a task."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from elman.errors import UsageError
from elman.models.registry import entry
from elman.progress import Progress
from elman.storage.folder import read_config
from elman.tasks.classify.request import ClassifyRequest
from elman.tasks.job import Job
from elman.tasks.network_task import NetworkTask
from elman.tasks.request import Request


class ClassifyTask(NetworkTask):
    """Label texts."""

    name = "classify"
    request = ClassifyRequest
    default_kind = "lstm"
    cell_kind = "classifier"
    jobs = "elman.tasks.classify.job"
    model = "elman.tasks.classify.model:TextClassifier"
    table = "elman.report.labels_page:labels_table"
    page = "elman.report.labels_page:write_labels_page"
    commands = 'elman predict {folder} "..."   elman evaluate {folder} DATA   elman info {folder}'

    def model_of(self, folder: Path) -> str:
        kind, values = read_config(folder)
        if entry(kind).task != "language":
            raise UsageError(
                f"{folder} is a {kind}; a classifier can only start from a language model that is a network"
            )
        return str(values.get("cell", kind))

    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> Job:
        from elman.tasks.classify.job import new_job

        assert isinstance(request, ClassifyRequest)
        return new_job(request, folder=folder, start=start, progress=progress)

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        for name, figures in card.get("figures", {}).items():
            scores = figures["scores"]
            low, high = (100 * scores["accuracy"][bound] for bound in ("low", "high"))
            yield (
                f"{name}: accuracy {100 * scores['accuracy']['value']:.1f}% ({low:.1f} to {high:.1f}), "
                f"macro F1 {100 * scores['macro_f1']['value']:.1f}; {figures['verdict']}"
            )
