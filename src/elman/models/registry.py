"""Every kind of language model, by name: one line each, nothing imported until asked for."""

import dataclasses
import importlib
from typing import Any

from elman.errors import MissingExtra, UsageError
from elman.machine import NO_TORCH


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


_NETWORK = ("elman.models.shape:NeuralConfig", "elman.models.neural:NeuralModel", "elman.training.trainer:fit")

MODELS: dict[str, Entry] = {
    "lstm": Entry(*_NETWORK, preset=(("cell", "lstm"),)),
    "gru": Entry(*_NETWORK, preset=(("cell", "gru"),)),
    "rnn": Entry(*_NETWORK, preset=(("cell", "rnn"),)),
    "rnn-relu": Entry(*_NETWORK, preset=(("cell", "rnn-relu"),)),
    "mingru": Entry(*_NETWORK, preset=(("cell", "mingru"),)),
    "minlstm": Entry(*_NETWORK, preset=(("cell", "minlstm"),)),
    "rglru": Entry(*_NETWORK, preset=(("cell", "rglru"),)),
    "feed-forward": Entry(*_NETWORK, preset=(("cell", "feed-forward"),)),
    "conv": Entry(*_NETWORK, preset=(("cell", "conv"),)),
    "transformer": Entry(*_NETWORK, preset=(("cell", "transformer"),)),
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
    """The entry of a kind of model.

    Raises:
        UsageError: no such kind.
    """
    found = MODELS.get(name)
    if found is None:
        raise UsageError(f"model {name!r} is not known; choose one of: {', '.join(MODELS)}")
    return found


def trainable() -> list[str]:
    """The kinds that can be trained from text."""
    return [name for name, found in MODELS.items() if found.fit is not None]


def resolve(dotted: str) -> Any:
    """Import what ``module:attribute`` names.

    >>> resolve("elman.metrics:Tally").__name__
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
