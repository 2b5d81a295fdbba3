"""AnswersQuestions: an index or a reader at work, apart or together."""

import dataclasses
import threading
from typing import Any, Protocol, Self, runtime_checkable

from elman.apps import answer
from elman.apps.ranking.index import Index
from elman.serve.ability import Ability, ServedModel
from elman.serve.metrics import Metrics

_MANY = 32
"""Passages that are read at first, more than a network's interpreter computes before it loads
compiled kernels."""


class AnswersQuestions(Ability):
    """Answers to questions; base of such abilities."""

    infinitive = "answer questions"


@runtime_checkable
class DocumentModel(ServedModel, Protocol):
    """A model that has documents to rank."""

    index: Index


@dataclasses.dataclass(frozen=True)
class RanksDocuments(AnswersQuestions):
    """An index at work. It is only read, so any thread may ask it."""

    verb = "ranks documents"
    infinitive = "rank documents"
    routes = ("answer", "rank")
    views = ("rank", "answer")

    name: str
    model: DocumentModel

    @classmethod
    def of(cls, name: str, model: Any, metrics: Metrics) -> Self | None:
        return cls(name, model) if isinstance(model, DocumentModel) else None


@runtime_checkable
class PassageModel(answer.AnswersQuestions, ServedModel, Protocol):
    """A reader of passages."""


@dataclasses.dataclass(frozen=True)
class ReadsPassages(AnswersQuestions):
    """A reader at work. Requests take turns."""

    verb = "reads passages"
    infinitive = "read passages"
    routes = ("answer",)
    views = ("answer",)

    name: str
    model: PassageModel
    turn: threading.Lock

    @classmethod
    def of(cls, name: str, model: Any, metrics: Metrics) -> Self | None:
        if not isinstance(model, PassageModel):
            return None
        for _ in model.predictions([("a", "a")] * _MANY):
            pass  # no first request waits for compilation
        return cls(name, model, threading.Lock())
