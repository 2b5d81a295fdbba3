"""Text classification as a task."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.cells.registry import CELLS
from elman.config import Config
from elman.errors import UsageError
from elman.models.classifier_config import ClassifierConfig
from elman.models.registry import entry, is_known
from elman.progress import Progress
from elman.storage.folder import read_config
from elman.tasks.classify.plan import ClassifyPlan
from elman.tasks.classify.request import ClassifyRequest
from elman.tasks.job import Job
from elman.tasks.request import Request
from elman.tasks.task import Evaluation, Task
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.tasks.classify.model import TextClassifier


class ClassifyTask(Task):
    """Label texts."""

    name = "classify"
    request = ClassifyRequest
    default_kind = "lstm"

    def kind_of(self, model: str) -> tuple[str, dict[str, Any]]:
        if not (is_known(model) and model in CELLS):
            raise UsageError(f"--model is {model!r}; for a classifier it must be a cell: {', '.join(CELLS)}")
        return "classifier", {"cell": model}

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

    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan, data_hash: str, progress: Progress
    ) -> Job:
        from elman.tasks.classify.job import resumed_job

        assert isinstance(request, ClassifyRequest)
        assert isinstance(config, ClassifierConfig) and isinstance(plan, ClassifyPlan)
        return resumed_job(request, folder=folder, config=config, plan=plan, progress=progress)

    def load(self, folder: Path, *, progress: Progress | None = None, torch: bool = False) -> "TextClassifier":
        from elman.tasks.classify.model import load

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
        from elman.report.labels_page import labels_table, write_labels_page
        from elman.tasks.classify.model import load

        values = load(folder).evaluate(*sources, progress=progress, **settings).to_json()
        words = labels_table(values)
        if report is not None:
            files = write_labels_page(report, values)
            words += f"\nreport: {files[0]}"
        return Evaluation(values, words)

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        for name, figures in card.get("figures", {}).items():
            scores = figures["scores"]
            low, high = (100 * scores["accuracy"][bound] for bound in ("low", "high"))
            yield (
                f"{name}: accuracy {100 * scores['accuracy']['value']:.1f}% ({low:.1f} to {high:.1f}), "
                f"macro F1 {100 * scores['macro_f1']['value']:.1f}; {figures['verdict']}"
            )

    def next_steps(self, folder: str) -> str:
        return f'elman predict {folder} "..."   elman evaluate {folder} DATA   elman info {folder}'
