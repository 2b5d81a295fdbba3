"""Operations on all rows of a state, for models with and without batches."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.models.protocol import LanguageModel, State
from elman.notation import LogProbs, TokenIds
from elman.text.tokenizer import EOS_ID

CHUNK = 1024
"""Tokens given to ``model.score`` at a time, over all rows together."""
_ROWS = 64
"""Rows that are scored together; of short ones, as many as have ``CHUNK`` tokens."""


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


def row_score(
    model: LanguageModel,
    rows: Sequence[TokenIds],
    state: State,
    *,
    chunk: int | None = None,
    between: Callable[[], None] = lambda: None,
) -> tuple[list[LogProbs], State]:
    """``model.score`` of rows of different lengths: one array per row, and the states after.

    All rows together take ``chunk`` tokens at a time (default: ``CHUNK``), so memory does not grow
    with the text; ``between`` is called before each time but the first.
    """
    chunk = chunk or CHUNK
    together = chunk if model.batchable else 1
    if len(rows) > together:
        groups = [range(len(rows))[start : start + together] for start in range(0, len(rows), together)]
        found: list[LogProbs] = []
        states: list[State] = []
        for group in groups:
            if found:
                between()
            some, after = row_score(
                model, [rows[row] for row in group], state.take(list(group)), chunk=chunk, between=between
            )
            found += some
            states.append(after)
        return found, State.stack(states)
    longest = max((len(ids) for ids in rows), default=0)
    width = max(chunk // max(len(rows), 1), 1)
    if len(rows) == 1 and 0 < longest <= width:
        log_probs, state = model.score(np.array([rows[0]], np.int64), np.array([longest]), state)
        return [log_probs[0].astype(np.float32)], state
    scores = [np.empty(len(ids), dtype=np.float32) for ids in rows]
    for start in range(0, longest, width):
        if start:
            between()
        parts = [ids[start : start + width] for ids in rows]
        lengths = np.array([len(part) for part in parts], dtype=np.int64)
        padded = np.full((len(rows), int(lengths.max())), EOS_ID, dtype=np.int64)
        for row, part in enumerate(parts):
            padded[row, : len(part)] = part
        log_probs, state = model.score(padded, lengths, state)
        for row, length in enumerate(lengths.tolist()):
            scores[row][start : start + length] = log_probs[row, :length]
    return scores, state


def score_apart(
    model: LanguageModel, rows: Sequence[TokenIds], begun: State | None = None, which: Sequence[int] | None = None
) -> list[LogProbs]:
    """The scores of each row by itself. Rows of similar length are scored together, equal ones
    once.

    Args:
        begun: states in which rows begin, as a batch; default: a document start.
        which: the state in which each row begins; default: the first.
    """
    begun = model.start() if begun is None else begun
    starts = [0] * len(rows) if which is None else which
    first: dict[tuple[int, bytes], int] = {}
    same = [
        first.setdefault((start, ids.tobytes()), row) for row, (start, ids) in enumerate(zip(starts, rows, strict=True))
    ]
    scores: dict[int, LogProbs] = {}
    for group in _similar(model, rows, first.values()):
        found, _ = row_score(model, [rows[row] for row in group], begun.take([starts[row] for row in group]))
        scores |= zip(group, found, strict=True)
    return [scores[row] for row in same]


def states_after(model: LanguageModel, rows: Sequence[TokenIds]) -> State:
    """The state after each row from a document start, as a batch."""
    states, order = [], []
    for group in _similar(model, rows, range(len(rows))):
        start = model.start().take([0] * len(group))
        states.append(row_score(model, [rows[row] for row in group], start)[1])
        order += group
    return State.stack(states).take(np.argsort(order))


def _similar(model: LanguageModel, rows: Sequence[TokenIds], chosen: Iterable[int]) -> Iterator[list[int]]:
    """Rows of similar length, the longest first; rows that begin alike are neighbours."""
    longest_first = sorted(chosen, key=lambda row: (-len(rows[row]), rows[row].tobytes()))
    begin = 0
    while begin < len(longest_first):
        longest = len(rows[longest_first[begin]])
        most = max(_ROWS, CHUNK // max(longest, 1)) if model.batchable else 1
        group = [row for row in longest_first[begin : begin + most] if len(rows[row]) >= longest // 2]
        yield group
        begin += len(group)
