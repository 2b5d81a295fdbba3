"""Trace: what a model knew before each token of a stretch of text, in one pass.

``score`` says only how likely the tokens were that came. What wraps a model (a cache, a
temperature) needs the hidden vectors, or the probabilities of all types, at every place; a model
that can give them for a whole stretch at once has a method ``trace``, and any other model is
followed step by step.
"""

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from elman.models.protocol import LanguageModel, State
from elman.notation import Lengths, LogProbs, TokenIds


class Trace(NamedTuple):
    """What was known along ``ids[B, T]``; at padding the scores are 0 and the rest is anything."""

    scores: LogProbs
    """As ``score`` gives them, ``[B, T]`` (nats)."""
    features: NDArray[np.float32] | None
    """What ``features`` gives before each token, ``[B, T, H]``; None for models that have none."""
    log_probs: LogProbs | None
    """What ``log_probs`` gives before each token, ``[B, T, V]`` (nats); None where nobody asked."""
    state: State
    """After each row's last real token."""


@runtime_checkable
class Traceable(Protocol):
    """A language model that follows a whole stretch at once."""

    def trace(self, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
        """As ``score``, with the features and, if ``whole``, all log-probabilities before each
        token.
        """
        ...


def trace(model: LanguageModel, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
    """What ``model`` knew before each token: its own ``trace`` where it has one, else
    ``step_trace``.

    Args:
        ids: ``[B, T]``; positions from ``lengths[B]`` on are padding.
        whole: whether to keep all log-probabilities; B T V numbers, so keep T small.
    """
    if isinstance(model, Traceable):
        return model.trace(ids, lengths, state, whole=whole)
    return step_trace(model, ids, lengths, state, whole=whole)


def step_trace(model: LanguageModel, ids: TokenIds, lengths: Lengths, state: State, *, whole: bool = False) -> Trace:
    """As ``trace``, by the chain of ``log_probs`` and ``advance``: the slow twin of every
    ``trace``.
    """
    batch, time = np.shape(ids)
    scores = np.zeros((batch, time), np.float32)
    kept = np.zeros((batch, time, model.tokenizer.size), np.float32) if whole else None
    first = model.features(state)
    seen = None if first is None else np.zeros((batch, time, first.shape[1]), np.float32)
    for place in range(int(np.max(lengths, initial=0))):
        rows = np.flatnonzero(np.asarray(lengths) > place)
        here = state.take(rows)
        log_probs = model.log_probs(here)
        scores[rows, place] = log_probs[np.arange(len(rows)), ids[rows, place]]
        if kept is not None:
            kept[rows, place] = log_probs
        if seen is not None:
            seen[rows, place] = model.features(here)
        advanced = model.advance(ids[rows, place], here)
        # Rows that have ended keep the state they ended with.
        order = np.arange(batch)
        order[rows] = batch + np.arange(len(rows))
        state = State.stack([state, advanced]).take(order)
    return Trace(scores, seen, kept, state)
