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
        from elman.tasks.caption.evaluation import evaluate_sources

        self.check_reading({"report": report} if report is not None else {})
        values = evaluate_sources(self.load(folder), sources, settings, progress=progress).to_json()
        return Evaluation(values, resolve(self.table)(values))

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        for name, values in card.get("figures", {}).items():
            yield f"{name} ({values['pictures']:,} of {values['of']:,} pictures)"
            yield from resolve(self.table)(values).splitlines()
            yield ""

    def next_steps(self, folder: str) -> str:
        return f"elman predict {folder} PICTURE.png   elman evaluate {folder} CAPTIONS   elman info {folder}"
