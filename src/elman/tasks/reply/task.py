"""Replies as a task: which reply fits a message."""

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
    heading = "{name}"
    commands = 'elman reply {folder} "..." --replies FILE   elman evaluate {folder} DIALOGUES   elman info {folder}'
