"""Captions as a task: a text about a picture, learned from pictures with captions."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.models.registry import resolve
from elman.progress import Progress
from elman.tasks.caption.request import CaptionRequest
from elman.tasks.network_task import NetworkTask


class CaptionTask(NetworkTask):
    """Write captions of pictures."""

    name = "caption"
    request = CaptionRequest
    default_kind = "lstm"
    cell_kind = "captioner"
    jobs = "elman.tasks.caption.job"
    model = "elman.tasks.caption.model:Captioner"
    table = "elman.report.translations_page:translations_table"
    page = "elman.tasks.caption.evaluation:write_report"
    examples = "captions"
    heading = "{name} ({pictures:,} of {of:,} pictures)"
    commands = "elman predict {folder} PICTURE.png   elman evaluate {folder} CAPTIONS   elman info {folder}"

    def measured(
        self, model: Any, sources: Sequence[str], settings: Mapping[str, Any], progress: Progress
    ) -> tuple[dict[str, Any], Callable[[Path], list[Path]]]:
        from elman.tasks.caption.evaluation import evaluate_sources

        evaluated = evaluate_sources(model, sources, settings, progress=progress)
        return evaluated.report.to_json(), lambda folder: resolve(self.page)(folder, model, evaluated)
