"""Trace: a model's predictions and hidden vectors before each token of a text, in one pass.

``score`` gives only the log-probabilities of the actual tokens. Wrappers of a model (a cache, a
temperature) need hidden vectors, or the probabilities of all types, at every position. Models that
can give them for a whole text at once have a method ``trace``; others are followed step by step.
"""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from elman.models.protocol import LanguageModel, State
from elman.notation import Lengths, LogProbs, TokenIds


class Trace(NamedTuple):
    """Results along ``ids[B, T]``; at padding scores are 0, and other arrays undefined."""

    scores: LogProbs
    """The scores of ``score``, ``[B, T]`` (nats)."""
    features: NDArray[np.float32] | None
    """The ``features`` before each token, ``[B, T, H]``; None for models without them."""
    log_probs: LogProbs | None
    """The ``log_probs`` before each token, ``[B, T, V]`` (nats); None unless requested."""
    state: State
    """The state after each row's last real token."""


@runtime_checkable
class Traceable(Protocol):
    """A language model that traces a whole text at once."""

    def trace(self, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
        """As ``score``, with the features and, if ``whole``, all log-probabilities before each
        token.
        """
        ...


def trace(model: LanguageModel, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
    """Trace a text with the model's own ``trace`` if it has one, else with ``step_trace``.

    Args:
        ids: ``[B, T]``; positions from ``lengths[B]`` on are padding.
        whole: whether to keep all log-probabilities; B T V numbers, so keep T small.
    """
    if isinstance(model, Traceable):
        return model.trace(ids, lengths, state, whole=whole)
    return step_trace(model, ids, lengths, state, whole=whole)


def step_trace(model: LanguageModel, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
    """The reference of every ``trace``: the chain of ``log_probs`` and ``advance``."""
    batch, time = np.shape(ids)
    scores = np.zeros((batch, time), np.float32)
    kept = np.zeros((batch, time, model.tokenizer.size), np.float32) if whole else None
    first = model.features(state)
    seen = None if first is None else np.zeros((batch, time, first.shape[1]), np.float32)
    for position in range(int(np.max(lengths, initial=0))):
        rows = np.flatnonzero(np.asarray(lengths) > position)
        here = state.take(rows)
        log_probs = model.log_probs(here)
        scores[rows, position] = log_probs[np.arange(len(rows)), ids[rows, position]]
        if kept is not None:
            kept[rows, position] = log_probs
        if seen is not None:
            seen[rows, position] = model.features(here)
        advanced = model.advance(ids[rows, position], here)
        # Finished rows keep their last state.
        order = np.arange(batch)
        order[rows] = batch + np.arange(len(rows))
        state = State.stack([state, advanced]).take(order)
    return Trace(scores, seen, kept, state)
