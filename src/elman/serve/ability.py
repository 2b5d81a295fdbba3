"""Ability: what a route needs of a model."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from elman.apps.summarize import SentenceVectors
from elman.serve.metrics import Metrics


@runtime_checkable
class ServedModel(Protocol):
    """What every served model has."""

    @property
    def model_hash(self) -> str:
        """Hex digest of the model as it is used."""
        ...

    def describe(self) -> dict[str, Any]:
        """For tables and model cards."""
        ...


class Ability(ABC):
    """One ability of one model."""

    verb: ClassVar[str]
    """What a model with this ability does, such as "predicts labels"."""
    infinitive: ClassVar[str]
    """The same after "can"."""
    routes: ClassVar[tuple[str, ...]]
    """The routes ``/v1/ROUTE`` that need it."""
    optional_routes: ClassVar[tuple[str, ...]] = ()
    """Those that a server has only if it is told to."""
    views: ClassVar[tuple[str, ...]] = ()
    """The views of the page that need it."""
    name: str
    """The model's name."""
    model: Any

    @property
    def sentence_vectors(self) -> SentenceVectors | None:
        """What compares the sentences of a text; None if the model has no vectors of texts."""
        return None

    @property
    def own_views(self) -> tuple[str, ...]:
        """The views that this very model can fill."""
        return self.views

    @classmethod
    @abstractmethod
    def of(cls, name: str, model: Any, metrics: Metrics) -> Self | None:
        """The ability of a model, ready to use; None if the model lacks it."""

    @cached_property
    def hash(self) -> str:
        """Hex digest of the model."""
        return self.model.model_hash

    def describe(self) -> dict[str, Any]:
        """Facts about the model for ``/v1/models``."""
        return {**self.model.describe(), "hash": self.hash}

    @property
    def waiting(self) -> int:
        """Calls that wait for the model's worker, if it has one."""
        return 0

    def close(self) -> None:  # noqa: B027 (most have no worker)
        """Stop the worker."""
