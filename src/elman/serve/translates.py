"""Translates: a translator at work."""

import dataclasses
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, Self, runtime_checkable

from elman.serve.ability import Ability, ServedModel
from elman.serve.metrics import Metrics
from elman.tasks.translate.attention import Attention
from elman.tasks.translate.translation import Translation


@runtime_checkable
class TranslationModel(ServedModel, Protocol):
    """A model that turns texts into others."""

    def predictions(self, texts: Iterable[str], **options: Any) -> Iterator[Translation]:
        """Translations of texts, in their order."""
        ...

    def attention(self, sources: Sequence[str], targets: Sequence[str]) -> Iterator[Attention]:
        """Where it looks in each source while it writes a target."""
        ...


@dataclasses.dataclass(frozen=True)
class Translates(Ability):
    """A translator at work. Requests take turns."""

    verb = "translates"
    infinitive = "translate"
    routes = ("translate",)
    views = ("translate",)

    name: str
    model: TranslationModel
    turn: threading.Lock

    @classmethod
    def of(cls, name: str, model: Any, metrics: Metrics) -> Self | None:
        if not isinstance(model, TranslationModel):
            return None
        list(model.predictions(["a"]))  # no first request waits for compilation
        return cls(name, model, threading.Lock())
