"""Answers as a task: which part of a passage answers a question, or that none does."""

from elman.tasks.answer.request import AnswerRequest
from elman.tasks.network_task import NetworkTask


class AnswerTask(NetworkTask):
    """Answer questions about passages."""

    name = "answer"
    request = AnswerRequest
    default_kind = "lstm"
    cell_kind = "reader"
    jobs = "elman.tasks.answer.job"
    model = "elman.tasks.answer.model:PassageReader"
    table = "elman.evaluation.answers:answers_table"
    examples = "questions"
    reading = ("rival",)
    heading = "{name}"
    commands = 'elman answer DOCS "..." --model {folder}   elman evaluate {folder} DATA   elman info {folder}'
