"""Every kind of language model, by name: one line each, nothing imported until asked for."""

import dataclasses
import importlib
from typing import Any

from elman.cells.plugins import import_plugins
from elman.cells.registry import CELLS, HOW_TO_ADD
from elman.errors import MissingExtra, UsageError
from elman.system.machine import NO_TORCH


@dataclasses.dataclass(frozen=True)
class Entry:
    """Dotted names ``module:attribute`` of what makes up one kind of model."""

    config: str
    """The Config dataclass."""
    model: str
    """The LanguageModel class, with ``from_arrays(arrays, tokenizer, config)`` and ``to_arrays()``."""
    fit: str | None = None
    """``fit(run) -> model``, see ``elman.training.run``; None for what is made of other models."""
    preset: tuple[tuple[str, Any], ...] = ()
    """Fields of the config that this name fixes."""
    mapped: bool = False
    """Whether its arrays are used where they lie in the file, and never written to."""


_NETWORK = ("elman.models.network_config:NeuralConfig", "elman.models.neural:NeuralModel", "elman.training.trainer:fit")

_OTHERS: dict[str, Entry] = {
    "ngram": Entry(
        "elman.models.ngram.query:NgramConfig",
        "elman.models.ngram.query:NgramModel",
        "elman.training.count:fit",
        mapped=True,
    ),
    "mixture": Entry("elman.models.combine:MixtureConfig", "elman.models.combine:Mixture"),
    "cache": Entry("elman.models.cache:CacheConfig", "elman.models.cache:NeuralCache"),
    "dynamic": Entry("elman.models.dynamic:DynamicConfig", "elman.models.dynamic:DynamicEvaluation"),
    "inference": Entry("elman.inference.model:InferenceConfig", "elman.inference.model:InferenceModel"),
    "tempered": Entry("elman.models.temperature:TemperedConfig", "elman.models.temperature:Tempered"),
}


def entry(name: str) -> Entry:
    """The entry of a kind of model; every registered cell is one.

    Raises:
        UsageError: no such kind.
    """
    if not is_known(name):
        raise UsageError(f"model {name!r} is not known; choose one of: {list_kinds()}")
    return _OTHERS[name] if name in _OTHERS else Entry(*_NETWORK, preset=(("cell", name),))


def is_known(name: str) -> bool:
    """Whether there is such a kind; an unknown name first lets modules register their cells."""
    if name not in _OTHERS and name not in CELLS:
        import_plugins()
    return name in _OTHERS or name in CELLS


def known() -> list[str]:
    """Every kind there is."""
    return [*CELLS, *_OTHERS]


def list_kinds() -> str:
    """Every kind, for an error, and how there can be more."""
    return f"{', '.join(known())}; {HOW_TO_ADD}"


def trainable() -> list[str]:
    """The kinds that can be trained from text, cells that somebody else registers among them."""
    import_plugins()
    return [name for name in known() if entry(name).fit is not None]


def resolve(dotted: str) -> Any:
    """Import what ``module:attribute`` names.

    >>> resolve("elman.metrics.language:Tally").__name__
    'Tally'
    """
    module, _, attribute = dotted.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtra(NO_TORCH) from error


def kind_of(model: Any) -> str:
    """The name under which a model is registered; what it calls itself to people may say more."""
    return getattr(model, "kind", None) or model.describe()["name"]


def is_network(name: str) -> bool:
    """Whether this kind is trained by gradients (so by torch) rather than counted."""
    return entry(name).fit == _NETWORK[2]
