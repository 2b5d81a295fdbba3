"""A language model's predictions along an existing or generated text.

Many rows are read at once. Likely words are kept, and only sums per type for the others, so a text
of a million tokens takes a few hundred megabytes.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from elman.decode.rows import row_advance, row_log_probs
from elman.models.ngram.counts import line_starts
from elman.models.ngram.expected_counts import EVERY, SMALL, Predictions
from elman.models.protocol import LanguageModel, State
from elman.progress import Progress
from elman.text.tokenizer import EOS_ID

LEAST = 0.001
"""Smaller probabilities are kept as sums over the whole text only."""
_ROWS = 512
_NUMBERS = 1 << 23
"""About this many probabilities at a time."""

Probs = NDArray[np.float32]
Follow = Callable[[int, Probs], tuple[NDArray[np.int64], NDArray[np.bool_]]]
"""From a time and the probabilities of all types per row to the next token of each unfinished row
(longest rows first), and whether the state is reset after it."""


def predictions(
    model: LanguageModel,
    ids: NDArray[np.integer],
    documents: NDArray[np.integer],
    *,
    most: int,
    progress: Progress | None = None,
) -> Predictions:
    """A model's predictions along a text, given the document so far.

    Args:
        ids: the text's tokens.
        documents: where documents begin in them.
        most: the most tokens to read, spread over the text.
    """
    begins = np.zeros(len(ids) + 1, np.bool_)
    begins[np.asarray(documents)] = True
    starts = np.flatnonzero(line_starts(np.asarray(ids), np.asarray(documents), EOS_ID))
    rows = max(min(_rows(model), most), 1)
    wanted = np.linspace(0, len(ids), rows, endpoint=False).astype(np.int64)
    cuts = np.unique(starts[np.minimum(np.searchsorted(starts, wanted), len(starts) - 1)])
    lengths = np.minimum(np.diff(cuts, append=len(ids)), -(-most // len(cuts)))
    by_length = np.argsort(-lengths, kind="stable")
    cuts, lengths = cuts[by_length], lengths[by_length]

    def follow(time: int, probs: Probs) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        positions = cuts[lengths > time] + time
        return np.asarray(ids[positions], dtype=np.int64), begins[positions + 1]

    return _walk(model, lengths, follow, "asking the model about its text", progress)


def make_up(model: LanguageModel, *, tokens: int, seed: int, progress: Progress | None = None) -> Predictions:
    """A model's predictions along generated lines, each by itself; about ``tokens`` tokens."""
    draw = np.random.default_rng(seed)
    rows = max(min(_rows(model), tokens), 1)

    def follow(time: int, probs: Probs) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        heights = np.cumsum(probs, axis=1, dtype=np.float64)
        ids = (heights <= draw.random((rows, 1)) * heights[:, -1:]).sum(axis=1)
        return ids, ids == EOS_ID

    return _walk(model, np.full(rows, -(-tokens // rows)), follow, "making up text", progress)


def _rows(model: LanguageModel) -> int:
    return min(_ROWS, max(_NUMBERS // model.tokenizer.size, 1)) if model.batchable else 1


def _walk(
    model: LanguageModel, lengths: NDArray[np.int64], follow: Follow, name: str, progress: Progress | None
) -> Predictions:
    size, fresh = model.tokenizer.size, model.start()
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    text = np.zeros(offsets[-1], np.int64)
    unigrams = np.zeros(size)
    positions, words, likely = [], [], []
    state = fresh.take(np.zeros(len(lengths), np.int64))
    with (progress or Progress()).stage(name, total=int(lengths.sum()), unit="tokens") as advance:
        for time in range(int(lengths.max(initial=0))):
            live = int((lengths > time).sum())
            if live < state.batch:
                state = state.take(np.arange(live))
            probs = np.exp(row_log_probs(model, state))
            unigrams += probs.sum(axis=0)
            here = offsets[:live] + time
            likely_cells = np.flatnonzero(probs.reshape(-1) >= (SMALL if time % EVERY else LEAST))
            positions.append(here[likely_cells // size].astype(np.uint32))
            words.append((likely_cells % size).astype(np.uint32))
            likely.append(probs.reshape(-1)[likely_cells])
            ids, ends = follow(time, probs)
            text[here] = ids
            state = row_advance(model, ids, state)
            if ends.any():
                order = np.where(ends, live, np.arange(live))
                state = State.stack([state, fresh]).take(order)
            advance(live)
    none = [np.empty(0, np.uint32)]
    return Predictions(
        ids=text,
        documents=offsets[:-1],
        positions=np.concatenate(positions or none),
        words=np.concatenate(words or none),
        probs=np.concatenate(likely or [np.empty(0, np.float32)]),
        unigrams=unigrams,
    )
