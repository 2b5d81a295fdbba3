"""Answers as a task: which part of a passage answers a question, or that none does."""

from collections.abc import Iterable, Mapping
from typing import Any

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

    def summary(self, card: Mapping[str, Any]) -> Iterable[str]:
        from elman.evaluation.answers import answers_table

        for name, values in card.get("figures", {}).items():
            yield from f"{name}: {answers_table(values)}".splitlines()

    def next_steps(self, folder: str) -> str:
        return f'elman answer DOCS "..." --model {folder}   elman evaluate {folder} DATA   elman info {folder}'
