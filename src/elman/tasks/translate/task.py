"""Translation as a task: a text to another one, learned from pairs."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.models.registry import resolve
from elman.progress import Progress
from elman.tasks.network_task import NetworkTask
from elman.tasks.task import Evaluation
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
    examples = "pairs"

    def evaluate(
        self,
        folder: Path,
        sources: Sequence[str],
        *,
        settings: Mapping[str, Any],
        report: Path | None = None,
        progress: Progress,
    ) -> Evaluation:
        from elman.tasks.translate.evaluation import evaluate_sources, write_report

        model = self.load(folder)
        evaluated = evaluate_sources(model, sources, settings, progress=progress)
        values = evaluated.report.to_json()
        words = resolve(self.table)(values)
        if report is not None:
            words += f"\nreport: {write_report(report, model, evaluated, progress=progress)[0]}"
        return Evaluation(values, words)

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        from elman.report.translations_page import translations_table

        for name, values in card.get("figures", {}).items():
            yield f"{name} ({values['sentences']:,} of {values['pairs']:,} pairs)"
            yield from translations_table(values).splitlines()
            yield ""

    def next_steps(self, folder: str) -> str:
        return f'elman predict {folder} "..."   elman evaluate {folder} PAIRS   elman info {folder}'
