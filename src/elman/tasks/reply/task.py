"""Replies as a task: which reply fits a message."""

from collections.abc import Iterable, Mapping
from typing import Any

from elman.tasks.network_task import NetworkTask
from elman.tasks.reply.request import ReplyRequest


class ReplyTask(NetworkTask):
    """Choose replies to messages."""

    name = "reply"
    request = ReplyRequest
    default_kind = "lstm"
    cell_kind = "dual-encoder"
    jobs = "elman.tasks.reply.job"
    model = "elman.tasks.reply.model:ReplyModel"
    table = "elman.evaluation.replies:replies_table"
    examples = "dialogues"
    reading = ("format", "encoding")

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        from elman.evaluation.replies import replies_table

        for name, values in card.get("figures", {}).items():
            yield from f"{name}: {replies_table(values)}".splitlines()

    def next_steps(self, folder: str) -> str:
        return f'elman reply {folder} "..." --replies FILE   elman evaluate {folder} DIALOGUES   elman info {folder}'
