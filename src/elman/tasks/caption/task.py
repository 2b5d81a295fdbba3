"""Captions as a task: a text about a picture, learned from pictures with captions."""

from collections.abc import Iterable, Mapping
from typing import Any

from elman.models.registry import resolve
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
    examples = "captions"

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        for name, values in card.get("figures", {}).items():
            yield f"{name} ({values['pictures']:,} of {values['of']:,} pictures)"
            yield from resolve(self.table)(values).splitlines()
            yield ""

    def next_steps(self, folder: str) -> str:
        return f"elman predict {folder} PICTURE.png   elman evaluate {folder} CAPTIONS   elman info {folder}"
