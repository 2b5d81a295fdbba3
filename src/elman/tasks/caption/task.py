"""Captions as a task: a text about a picture, learned from pictures with captions."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.models.registry import resolve
from elman.progress import Progress
from elman.tasks.caption.request import CaptionRequest
from elman.tasks.network_task import NetworkTask
from elman.tasks.task import Evaluation


class CaptionTask(NetworkTask):
    """Write captions of pictures."""

    name = "caption"
    request = CaptionRequest
    default_kind = "lstm"
    cell_kind = "captioner"
    jobs = "elman.tasks.caption.job"
    model = "elman.tasks.caption.model:Captioner"
    table = "elman.report.translations_page:translations_table"
    examples = "captions"

    def evaluate(
        self,
        folder: Path,
        sources: Sequence[str],
        *,
        settings: Mapping[str, Any],
        report: Path | None = None,
        progress: Progress,
    ) -> Evaluation:
        from elman.tasks.caption.evaluation import evaluate_sources, write_report

        model = self.load(folder)
        evaluated = evaluate_sources(model, sources, settings, progress=progress)
        values = evaluated.report.to_json()
        words = resolve(self.table)(values)
        if report is not None:
            words += f"\nreport: {write_report(report, model, evaluated)[0]}"
        return Evaluation(values, words)

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        for name, values in card.get("figures", {}).items():
            yield f"{name} ({values['pictures']:,} of {values['of']:,} pictures)"
            yield from resolve(self.table)(values).splitlines()
            yield ""

    def next_steps(self, folder: str) -> str:
        return f"elman predict {folder} PICTURE.png   elman evaluate {folder} CAPTIONS   elman info {folder}"
