"""Translation as a task: a text to another one, learned from pairs."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.config import Config
from elman.models.translator_config import TranslatorConfig
from elman.progress import Progress
from elman.storage.folder import read_config
from elman.tasks.job import Job
from elman.tasks.request import Request
from elman.tasks.task import Evaluation, Task
from elman.tasks.translate.plan import TranslatePlan
from elman.tasks.translate.request import TranslateRequest
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.tasks.translate.model import Translator


class TranslateTask(Task):
    """Translate texts."""

    name = "translate"
    request = TranslateRequest
    default_kind = "lstm"
    cell_kind = "translator"

    def model_of(self, folder: Path) -> str:
        kind, values = read_config(folder)
        return str(values.get("cell", kind))

    def prepare(self, request: Request, *, folder: Path, start: Path | None, progress: Progress) -> Job:
        from elman.tasks.translate.job import new_job

        assert isinstance(request, TranslateRequest)
        return new_job(request, folder=folder, start=start, progress=progress)

    def resume(
        self, request: Request, *, folder: Path, config: Config, plan: Plan | None, data_hash: str, progress: Progress
    ) -> Job:
        from elman.tasks.translate.job import resumed_job

        assert isinstance(request, TranslateRequest)
        assert isinstance(config, TranslatorConfig) and isinstance(plan, TranslatePlan)
        return resumed_job(request, folder=folder, config=config, plan=plan, progress=progress)

    def load(self, folder: Path, *, progress: Progress | None = None, torch: bool = False) -> "Translator":
        from elman.tasks.translate.model import load

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
        from elman.report.translations_page import translations_table
        from elman.tasks.translate.evaluation import evaluate_sources, write_report
        from elman.tasks.translate.model import load

        model = load(folder)
        evaluated = evaluate_sources(model, sources, settings, progress=progress)
        values = evaluated.report.to_json()
        words = translations_table(values)
        if report is not None:
            words += f"\nreport: {write_report(report, model, evaluated, progress=progress)[0]}"
        return Evaluation(values, words)

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        for name, figures in card.get("figures", {}).items():
            yield f"{name}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items())

    def next_steps(self, folder: str) -> str:
        return f'elman predict {folder} "..."   elman evaluate {folder} PAIRS   elman info {folder}'
