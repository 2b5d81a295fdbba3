"""Mixture: a weighted sum of language models.

    p(w | state) = sum over k of weight_k p_k(w | state_k)

Each model has its own state; the mixture's state holds them all, the k-th one's parts under
``"k."``. The models need the same token strings; different ids are translated.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.errors import FolderError, ModelError, UsageError
from elman.models.composite import build_parts, check_part, join_arrays, join_states, part_configs, split_states
from elman.models.protocol import LanguageModel, State
from elman.models.trace import Trace, trace
from elman.notation import Lengths, LogProbs, TokenIds
from elman.text.tokenizer import Tokenizer


def fit_weights(log_probs: Sequence[NDArray[np.floating]], *, tolerance: float = 1e-7) -> NDArray[np.float64]:
    """The mixture weights that make a validation text most probable, by expectation maximisation.

    The likelihood is concave in the weights, so the maximum is unique and the start does not
    matter.

    Args:
        log_probs: for each model, the log-probability it gave each token of the text, ``[N]``
            (nats).
        tolerance: stop when no weights could gain more than this per token (nats).

    Returns:
        One weight per model, none negative, their sum 1.

    Raises:
        ModelError: there is no token, or one with probability 0 in every model.

    >>> fit_weights([np.log([0.5, 0.5]), np.log([0.1, 0.1])]).round(3)
    array([1., 0.])
    """
    nats = np.stack([np.asarray(part, dtype=np.float64) for part in log_probs])
    assert nats.ndim == 2, "one row of log-probabilities per model"
    best = nats.max(axis=0)
    if nats.shape[1] == 0:
        raise ModelError("mixture weights need at least one token of validation text; give some with --tune FILE")
    if not np.isfinite(best).all():
        raise ModelError("no part of the mixture gives the validation text a probability; leave the faulty part out")
    likelihood = np.exp(nats - best)
    weights = np.full(len(nats), 1.0 / len(nats))
    for _ in range(10_000):
        gains = likelihood @ (1.0 / (weights @ likelihood)) / nats.shape[1]
        # The logarithm is concave, so no weights can gain more than log(max(gains)).
        if math.log(gains.max()) < tolerance:
            break
        weights = weights * gains
        weights /= weights.sum()
    return weights


@dataclass(frozen=True, kw_only=True)
class MixtureConfig(Config):
    """The configuration of a mixture."""

    weights: list
    """One number per part."""
    parts: list
    """For each part its kind and its configuration, ``{"model": ..., "config": {...}}``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for part in self.parts:
            check_part(part)
        if not all(isinstance(weight, (int, float)) and 0 <= weight <= 1 for weight in self.weights):
            raise UsageError("the mixture weights must be numbers from 0 to 1")


class Mixture:
    """A weighted sum of language models, itself a language model.

    Token ids are the first model's.

    Args:
        models: at least one; all with the same token strings.
        weights: one per model, none negative, their sum 1; default all equal.

    Raises:
        ModelError: the token strings differ.
        UsageError: no models, or invalid weights.
    """

    def __init__(self, models: Sequence[LanguageModel], *, weights: Sequence[float] | None = None) -> None:
        if not models:
            raise UsageError("a mixture of no models was asked for; give at least one")
        self.models = tuple(models)
        self.weights = _checked_weights(weights, len(models))
        self.tokenizer = models[0].tokenizer
        # A weight of 0 is allowed: that model adds exp(-inf) = 0.
        with np.errstate(divide="ignore"):
            self._log_weights = np.log(np.array(self.weights))
        self._translations = [_translation(self.tokenizer.tokens, model.tokenizer.tokens) for model in models]
        self.batchable = all(model.batchable for model in models)
        self.exact = all(model.exact for model in models)
        self.forgets_lines = all(model.forgets_lines for model in models)
        self.stepwise = all(getattr(model, "stepwise", False) for model in models)
        self.model_hash = self._hash_of([model.model_hash for model in models])

    @property
    def weights_hash(self) -> str:
        """The hash of the mixture of the networks that elman's engine computes here in their own
        precision; ``model_hash`` where there is none.
        """
        return self._hash_of([_weights_hash(model) for model in self.models])

    def _hash_of(self, hashes: Sequence[str]) -> str:
        names = ["mixture", list(self.weights), list(hashes), self.tokenizer.hash]
        return hashlib.sha256(json.dumps(names).encode()).hexdigest()

    @property
    def config(self) -> MixtureConfig:
        """The configuration for ``from_arrays``.

        Raises:
            ModelError: the models have different tokenizers, so one folder cannot hold them.
        """
        if any(model.tokenizer.hash != self.tokenizer.hash for model in self.models):
            raise ModelError(
                "the models of this mixture split text or number their types differently, so one folder cannot hold "
                "them; train them on the same text with the same settings, or mix them when used, with --mix"
            )
        return MixtureConfig(weights=list(self.weights), parts=part_configs(self.models))

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The weights of all parts, the k-th one's under ``"k."``."""
        return join_arrays(self.models)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], tokenizer: Tokenizer, config: MixtureConfig) -> "Mixture":
        """The mixture that ``to_arrays`` was called on.

        Raises:
            FolderError: the arrays are damaged or do not fit the configuration.
        """
        models = build_parts(arrays, tokenizer, config.parts)
        try:
            return cls(models, weights=config.weights)
        except UsageError as error:
            raise FolderError(f"{error}; the folder is damaged") from error

    def start(self, batch: int = 1) -> State:
        """A document start of every part."""
        return self._joined([model.start(batch) for model in self.models])

    def log_probs(self, state: State) -> LogProbs:
        """Natural log-probabilities of every type as the next token, ``[B, V]``."""
        log_probs_of_models = []
        for model, own, part in zip(self.models, self._translations, self._parts(state), strict=True):
            log_probs = model.log_probs(part)
            log_probs_of_models.append(log_probs if own is None else log_probs[:, own])
        return self._mixed(log_probs_of_models)

    def advance(self, ids: TokenIds, state: State) -> State:
        """The state after one more token per row."""
        advanced = []
        for model, own, part in zip(self.models, self._translations, self._parts(state), strict=True):
            advanced.append(model.advance(ids if own is None else own[ids], part))
        return self._joined(advanced)

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        """Log-probability of each given token ``[B, T]``, and the state after each row's last real
        one.
        """
        real = np.arange(np.shape(ids)[1]) < np.asarray(lengths)[:, None]
        ids = np.where(real, ids, 0)
        log_probs_of_models, after = [], []
        for model, own, part in zip(self.models, self._translations, self._parts(state), strict=True):
            log_probs, final = model.score(ids if own is None else own[ids], lengths, part)
            log_probs_of_models.append(log_probs)
            after.append(final)
        return np.where(real, self._mixed(log_probs_of_models), np.float32(0.0)), self._joined(after)

    def trace(self, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
        """As ``score``, with the features of the first part that has any and, if ``whole``, all
        log-probabilities.
        """
        real = np.arange(np.shape(ids)[1]) < np.asarray(lengths)[:, None]
        ids = np.where(real, ids, 0)
        scores, kept, after = [], [], []
        features = None
        for model, own, part in zip(self.models, self._translations, self._parts(state), strict=True):
            own_ids = ids if own is None else own[ids]
            if whole or (features is None and model.features(part) is not None):
                prediction = trace(model, own_ids, lengths, part, whole=whole)
                features = prediction.features if features is None else features
                if prediction.log_probs is not None:
                    kept.append(prediction.log_probs if own is None else prediction.log_probs[..., own])
                prediction = (prediction.scores, prediction.state)
            else:
                prediction = model.score(own_ids, lengths, part)
            scores.append(prediction[0])
            after.append(prediction[1])
        mixed = np.where(real, self._mixed(scores), np.float32(0.0))
        return Trace(mixed, features, self._mixed(kept) if whole else None, self._joined(after))

    def features(self, state: State) -> NDArray[np.float32] | None:
        """The hidden vectors of the first part that has any, ``[B, H]``."""
        for model, part in zip(self.models, self._parts(state), strict=True):
            vectors = model.features(part)
            if vectors is not None:
                return vectors
        return None

    def describe(self) -> dict[str, Any]:
        """Name, parameters of all models together, and the models with their weights."""
        parts = [model.describe() for model in self.models]
        return {
            "name": "mixture",
            "parameters": sum(part["parameters"] for part in parts),
            "size": " + ".join(f"{w:.2f} {part['name']}" for w, part in zip(self.weights, parts, strict=True)),
            "parts": parts,
            "weights": list(self.weights),
        }

    def _mixed(self, log_probs: list[LogProbs]) -> LogProbs:
        weighted = [
            part.astype(np.float64) + log_weight for part, log_weight in zip(log_probs, self._log_weights, strict=True)
        ]
        return np.logaddexp.reduce(weighted, axis=0).astype(np.float32)

    def _joined(self, states: list[State]) -> State:
        return State(self.model_hash, join_states(states))

    def _parts(self, state: State) -> list[State]:
        if state.model_hash != self.model_hash:
            raise ModelError("this state belongs to another model; begin with this mixture's start()")
        return split_states(state, self.models)


def _weights_hash(model: LanguageModel) -> str:
    """That of a network whose own weights are there, in float32, else the model's hash."""
    whole = isinstance(model, Mixture) or getattr(model, "precision", None) == "fp32"
    return getattr(model, "weights_hash", model.model_hash) if whole else model.model_hash


def _checked_weights(weights: Sequence[float] | None, count: int) -> tuple[float, ...]:
    if weights is None:
        return (1.0 / count,) * count
    checked = tuple(float(weight) for weight in weights)
    if len(checked) != count:
        raise UsageError(f"{len(checked)} weights were given for {count} models; give one each")
    # A NaN fails the comparison too.
    if not all(weight >= 0.0 for weight in checked) or abs(sum(checked) - 1.0) > 1e-6:
        listed = ", ".join(f"{weight:g}" for weight in checked)
        raise UsageError(f"the mixture weights are {listed}; they must not be negative and must sum to 1")
    total = sum(checked)
    # Weights that were normalised once must not change when read back, for they are part of the
    # hash.
    return checked if abs(total - 1.0) < 1e-12 else tuple(weight / total for weight in checked)


def _translation(tokens: list[str], others: list[str]) -> TokenIds | None:
    """For each of ``tokens`` its id among ``others``; None where the ids are the same."""
    if tokens == others:
        return None
    ids = {token: token_id for token_id, token in enumerate(others)}
    missing = [token for token in tokens if token not in ids] or sorted(set(others) - set(tokens))
    if missing or len(tokens) != len(others):
        which = f", for instance {missing[0]!r}" if missing else ""
        raise ModelError(
            f"the models of a mixture must know the same types; these differ{which} "
            f"({len(tokens)} and {len(others)} types): train both with the same vocabulary"
        )
    return np.array([ids[token] for token in tokens], dtype=np.int64)
