"""Tempered: a language model with sharper or flatter predictions.

    p(w) ~ p_model(w) ^ (1 / temperature)

A temperature above 1 flattens the distribution, one below 1 sharpens it. Guo et al. (2017), "On
calibration of modern neural networks".
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.errors import ModelError, UsageError
from elman.models.composite import build_parts, check_part, join_arrays, join_states, part_configs, split_states
from elman.models.protocol import LanguageModel, State
from elman.models.trace import Trace, trace
from elman.notation import Lengths, LogProbs, TokenIds
from elman.text.tokenizer import Tokenizer

_NUMBERS = 1 << 23
"""About this many log-probabilities at a time."""


@dataclass(frozen=True, kw_only=True)
class TemperedConfig(Config):
    """A temperature for a model."""

    temperature: float
    """Above 0; 1 changes nothing."""
    parts: list
    """The model inside, ``[{"model": ..., "config": {...}}]``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.01 <= self.temperature <= 100:
            raise UsageError(f"the temperature is {self.temperature:g}; it must be from 0.01 to 100")
        if len(self.parts) != 1:
            raise UsageError(f"a temperature belongs to one model, not to {len(self.parts)}")
        check_part(self.parts[0])


class Tempered:
    """A language model at another temperature, itself a language model.

    Raises:
        UsageError: a temperature that is not from 0.01 to 100.

    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.tokenizer import TokenizerConfig
    >>> words = Tokenizer.fit(["a a b"], config=TokenizerConfig(pretokenized=True))
    >>> model = fit_ngram(words.encode("a a b").ids, np.array([0, 3]), words)
    >>> flat = Tempered(model, temperature=100)
    >>> np.exp(flat.log_probs(flat.start())).round(2)
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """

    def __init__(self, model: LanguageModel, *, temperature: float) -> None:
        stand_in = [{"model": "", "config": {}}]
        self.temperature = TemperedConfig(temperature=temperature, parts=stand_in).temperature
        self.model = model
        self.tokenizer = model.tokenizer
        self.batchable = model.batchable
        self.exact = True
        self.forgets_lines = model.forgets_lines
        self.stepwise: bool = getattr(model, "stepwise", False)
        names = ["tempered", self.temperature, model.model_hash]
        self.model_hash = hashlib.sha256(json.dumps(names).encode()).hexdigest()

    @property
    def config(self) -> TemperedConfig:
        """The configuration for ``from_arrays``."""
        return TemperedConfig(temperature=self.temperature, parts=part_configs([self.model]))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The weights of the model inside, under ``"0."``."""
        return join_arrays([self.model])

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], tokenizer: Tokenizer, config: TemperedConfig
    ) -> "Tempered":
        """The model that ``to_arrays`` was called on.

        Raises:
            FolderError: the arrays are damaged or do not fit the configuration.
        """
        (model,) = build_parts(arrays, tokenizer, config.parts)
        return cls(model, temperature=config.temperature)

    def start(self, batch: int = 1) -> State:
        """A document start of the model inside."""
        return self._outer(self.model.start(batch))

    def log_probs(self, state: State) -> LogProbs:
        """Natural log-probabilities of every type as the next token, ``[B, V]``."""
        return self._tempered(self.model.log_probs(self._inner(state)))

    def advance(self, ids: TokenIds, state: State) -> State:
        """The state after one more token per row."""
        return self._outer(self.model.advance(ids, self._inner(state)))

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        """Log-probability of each given token ``[B, T]``, and the state after each row's last real
        one.

        It computes all types for each token, in blocks, so it takes longer than the model's own
        ``score``.
        """
        inner = self._inner(state)
        batch, time = np.shape(ids)
        width = max(_NUMBERS // (max(batch, 1) * self.tokenizer.size), 1)
        scores = np.zeros((batch, time), np.float32)
        for start in range(0, time, width):
            left = np.clip(np.asarray(lengths) - start, 0, width)
            block = trace(self.model, ids[:, start : start + width], left, inner, whole=True)
            scores[:, start : start + width] = self._chosen(block, ids[:, start : start + width], left)[0]
            inner = block.state
        return scores, self._outer(inner)

    def trace(self, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
        """As ``score``, with the model's own features and, if ``whole``, all log-probabilities."""
        inner_trace = trace(self.model, ids, lengths, self._inner(state), whole=True)
        scores, log_probs = self._chosen(inner_trace, ids, lengths)
        return Trace(scores, inner_trace.features, log_probs if whole else None, self._outer(inner_trace.state))

    def features(self, state: State) -> NDArray[np.float32] | None:
        """The hidden vectors of the model inside, ``[B, H]``."""
        return self.model.features(self._inner(state))

    def describe(self) -> dict[str, Any]:
        """Name, parameters of the model inside, and the temperature."""
        about = self.model.describe()
        size = f"{about['name']} ({about['size']}) at {self.temperature:g}"
        return {"name": "tempered", "parameters": about["parameters"], "size": size, "parts": [about]}

    def _chosen(self, inner_trace: Trace, ids: TokenIds, lengths: Lengths) -> tuple[LogProbs, LogProbs]:
        assert inner_trace.log_probs is not None
        real = np.arange(np.shape(ids)[1]) < np.asarray(lengths)[:, None]
        log_probs = self._tempered(inner_trace.log_probs)
        chosen = np.take_along_axis(log_probs, np.where(real, ids, 0)[..., None], axis=2)[..., 0]
        return np.where(real, chosen, np.float32(0)), log_probs

    def _tempered(self, log_probs: LogProbs) -> LogProbs:
        if self.temperature == 1:
            return log_probs
        scaled = log_probs * np.float32(1 / self.temperature)
        return scaled - log_sum(scaled)

    def _inner(self, state: State) -> State:
        if state.model_hash != self.model_hash:
            raise ModelError("this state belongs to another model; begin with this model's start()")
        return split_states(state, [self.model])[0]

    def _outer(self, inner: State) -> State:
        return State(self.model_hash, join_states([inner]))


def log_sum(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """log of the sum of exp over the last axis, which is kept, ``[.., 1]`` (nats).

    >>> log_sum(np.log([[0.25, 0.5]])).round(3)
    array([[-0.288]], dtype=float32)
    """
    largest = values.max(axis=-1, keepdims=True)
    sums = np.exp(values - largest).sum(axis=-1, keepdims=True, dtype=np.float64)
    return (largest + np.log(sums)).astype(np.float32)
