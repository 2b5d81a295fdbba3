"""Translation as a task: a text to another one, learned from pairs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.models.registry import resolve
from elman.progress import Progress
from elman.tasks.network_task import NetworkTask
from elman.tasks.translate.request import TranslateRequest


class TranslateTask(NetworkTask):
    """Translate texts."""

    name = "translate"
    request = TranslateRequest
    default_kind = "lstm"
    cell_kind = "translator"
    jobs = "elman.tasks.translate.job"
    model = "elman.tasks.translate.model:Translator"
    table = "elman.report.translations_page:translations_table"
    page = "elman.tasks.translate.evaluation:write_report"
    examples = "pairs"
    heading = "{name} ({sentences:,} of {pairs:,} pairs)"
    commands = 'elman predict {folder} "..."   elman evaluate {folder} PAIRS   elman info {folder}'

    def measured(
        self, model: Any, sources: Sequence[str], settings: Mapping[str, Any], progress: Progress
    ) -> tuple[dict[str, Any], Callable[[Path], list[Path]]]:
        from elman.tasks.translate.evaluation import evaluate_sources

        evaluated = evaluate_sources(model, sources, settings, progress=progress)
        values = evaluated.report.to_json()
        return values, lambda folder: resolve(self.page)(folder, model, evaluated, progress=progress)
