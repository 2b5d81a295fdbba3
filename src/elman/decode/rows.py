"""Operations on all rows of a state, for models with and without batches."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.models.protocol import LanguageModel, State
from elman.notation import LogProbs, TokenIds
from elman.text.tokenizer import EOS_ID

CHUNK = 1024
"""Tokens given to ``model.score`` at a time, over all rows together."""


def row_log_probs(model: LanguageModel, state: State) -> LogProbs:
    """``model.log_probs`` of every row of a state, ``[B, V]``, whether or not the model is
    batchable.
    """
    if model.batchable or state.batch == 1:
        return model.log_probs(state)
    return np.concatenate([model.log_probs(state.take([row])) for row in range(state.batch)])


def row_advance(model: LanguageModel, ids: Sequence[int] | NDArray[np.int64], state: State) -> State:
    """``model.advance`` of every row of a state by ``ids[B]``, whether or not the model is
    batchable.
    """
    tokens = np.asarray(ids, dtype=np.int64)
    if model.batchable or state.batch == 1:
        return model.advance(tokens, state)
    return State.stack([model.advance(tokens[row : row + 1], state.take([row])) for row in range(state.batch)])


def row_score(model: LanguageModel, rows: Sequence[TokenIds], state: State) -> tuple[list[LogProbs], State]:
    """``model.score`` of rows of different lengths: one array per row, and the states after.

    All rows together take ``CHUNK`` tokens at a time, so memory does not grow with the text.
    """
    if not model.batchable and len(rows) > 1:
        single = [row_score(model, [ids], state.take([row])) for row, ids in enumerate(rows)]
        return [scores for (scores,), _ in single], State.stack([after for _, after in single])
    longest = max((len(ids) for ids in rows), default=0)
    width = max(CHUNK // max(len(rows), 1), 1)
    scores = [np.empty(len(ids), dtype=np.float32) for ids in rows]
    for start in range(0, longest, width):
        parts = [ids[start : start + width] for ids in rows]
        lengths = np.array([len(part) for part in parts], dtype=np.int64)
        padded = np.full((len(rows), int(lengths.max())), EOS_ID, dtype=np.int64)
        for row, part in enumerate(parts):
            padded[row, : len(part)] = part
        log_probs, state = model.score(padded, lengths, state)
        for row, length in enumerate(lengths.tolist()):
            scores[row][start : start + length] = log_probs[row, :length]
    return scores, state
