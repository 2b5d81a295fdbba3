"""The models that a server offers, by name."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.api import Model
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.serve.batching import Batcher
from elman.serve.errors import Problem
from elman.serve.metrics import Metrics


@dataclasses.dataclass(frozen=True)
class Served:
    """One model at work."""

    name: str
    model: Model
    batcher: Batcher
    created: int
    """When it was loaded, in seconds since 1970."""

    def card(self) -> dict[str, Any]:
        """What /v1/models says of it, in OpenAI's shape and a little more."""
        tokenizer = self.model.lm.tokenizer
        about = {**self.model.lm.describe(), "level": tokenizer.config.level, "vocabulary": tokenizer.size}
        about["hash"] = self.model.lm.model_hash
        return {"id": self.name, "object": "model", "created": self.created, "owned_by": "elman", "elman": about}


_MANY = 128
"""More rows than a network's interpreter computes before it loads compiled kernels."""


def warmed(lm: LanguageModel) -> LanguageModel:
    """The model after a first batch, so that nobody's first key waits until something is compiled or loaded."""
    state = lm.start(_MANY if lm.batchable else 1)
    lm.log_probs(lm.advance(np.zeros(state.batch, np.int64), state))
    return lm


class LoadedModels:
    """Models by name; the first one answers who names none."""

    def __init__(self, models: Mapping[str, Model], metrics: Metrics) -> None:
        assert models, "a server without models"
        self.served = {
            name: Served(name, model, Batcher(warmed(model.lm), observe=metrics.step_rows.observe), int(time.time()))
            for name, model in models.items()
        }

    def find(self, name: str | None) -> Served:
        """The model of that name.

        Raises:
            Problem: there is none.
        """
        if name is None:
            return next(iter(self.served.values()))
        # A path as it was typed for `elman serve` is a name, too: other tools find the tokenizer by it.
        found = self.served.get(name) or self.served.get(default_name(name))
        if found is None:
            raise Problem(
                404, f"there is no model {name[:60]!r} here; the models are: {', '.join(self.served)}",
                param="model", code="model_not_found",
            )  # fmt: skip
        return found

    def close(self) -> None:
        """Stop all workers."""
        for served in self.served.values():
            served.batcher.close()


def default_name(path: str) -> str:
    """The name of a model that lies there.

    >>> default_name("models/lstm/"), default_name("news.arpa.gz")
    ('lstm', 'news')
    """
    return Path(path).name.removesuffix(".gz").removesuffix(".arpa") or path


def parse_names(words: Sequence[str]) -> dict[str, str]:
    """Paths by name, from ``PATH`` or ``NAME=PATH``.

    >>> parse_names(["models/lstm/", "small=news.arpa.gz"])
    {'lstm': 'models/lstm/', 'small': 'news.arpa.gz'}

    Raises:
        UsageError: two of the same name.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not equals or "/" in name or not name or Path(word).exists():
            name, path = default_name(word), word
        if name in found:
            raise UsageError(f"{found[name]} and {path} would both be called {name!r}; give one of them as NAME=MODEL")
        found[name] = path
    return found
