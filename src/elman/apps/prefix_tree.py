"""Scores of many lines that begin alike, as a tree of prefixes: what they share is computed once.

The rows are sorted, so that rows with a common prefix are neighbours. At each depth the prefixes
that several rows share are scored together, each from the state of its parent. Where a row goes on
alone, the rest of it is scored in one call.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.decode.rows import row_score, score_apart
from elman.models.protocol import LanguageModel, State
from elman.notation import LogProbs, TokenIds

_STATE_BYTES = 1 << 26
"""Bytes of states kept at a time."""
_MOST_ROWS = 1024
_NOTHING = -1


def tree_log_probs(
    model: LanguageModel, rows: Sequence[TokenIds], begun: State, which: Sequence[int] | None = None
) -> list[LogProbs]:
    """The log-probability of each token of each row (nats).

    Args:
        rows: token ids; equal rows cost nothing more.
        begun: states in which rows begin, as a batch.
        which: the state in which each row begins; default: the first.

    >>> from elman.models.ngram.query import fit_ngram
    >>> from elman.text.tokenizer import Tokenizer, TokenizerConfig
    >>> words = Tokenizer.fit(["a b c"], config=TokenizerConfig(pretokenized=True))
    >>> model = fit_ngram(words.encode("a b c").ids, np.array([0, 3]), words)
    >>> lines = [words.encode(line).ids for line in ("a b c", "a b", "a b c")]
    >>> found = tree_log_probs(model, lines, model.start())
    >>> [len(row) for row in found], bool((found[0][:2] == found[1]).all())
    ([3, 2, 3], True)
    """
    starts = [0] * len(rows) if which is None else list(which)
    numbers: dict[tuple[int, bytes], int] = {}
    same = [numbers.setdefault((start, row.tobytes()), len(numbers)) for start, row in zip(starts, rows, strict=True)]
    first = list(dict(zip(reversed(same), reversed(range(len(rows))), strict=True)).values())[::-1]
    order = sorted(first, key=lambda row: (starts[row], rows[row].tolist()))
    size = sum(part[:1].nbytes for part in begun.parts.values())
    step = max(min(_STATE_BYTES // max(size, 1), _MOST_ROWS), 1)
    found: dict[int, LogProbs] = {}
    for begin in range(0, len(order), step):
        some = order[begin : begin + step]
        scores = _sorted_scores(model, [rows[row] for row in some], begun, np.array([starts[row] for row in some]))
        found |= zip((same[row] for row in some), scores, strict=True)
    return [found[number] for number in same]


def _sorted_scores(
    model: LanguageModel, rows: Sequence[TokenIds], begun: State, starts: NDArray[np.int64]
) -> list[LogProbs]:
    """As ``tree_log_probs``, for different rows that are sorted by start and tokens."""
    ids = np.full((len(rows), max(map(len, rows)) + 1), _NOTHING, np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
    # The tokens that a row has in common with the one before; -1 if even their start differs.
    common = np.full(len(rows) + 1, -1)
    differs = (ids[1:] != ids[:-1]) | (ids[1:] == _NOTHING)
    common[1:-1] = np.where(starts[1:] == starts[:-1], differs.argmax(axis=1), -1)
    before, shared = common[:-1], np.maximum(common[:-1], common[1:]).clip(0)
    scores = np.zeros(ids.shape, np.float32)
    new = before < 0
    states, node = begun.take(starts[new]), np.cumsum(new) - 1
    alone, reached = [], []
    for depth in range(int(shared.max()) + 1):
        tails = np.flatnonzero(shared == depth)
        if len(tails):
            alone.append(tails)
            reached.append(states.take(node[tails]))
        inner = np.flatnonzero(shared > depth)
        if not len(inner):
            break
        heads = inner[before[inner] <= depth]
        found, states = row_score(model, list(ids[heads, depth, None]), states.take(node[heads]))
        node[inner] = np.cumsum(before[inner] <= depth) - 1
        scores[inner, depth] = np.concatenate(found)[node[inner]]
    order = np.concatenate(alone)
    tails = [rows[row][shared[row] :] for row in order.tolist()]
    for row, tail in zip(
        order.tolist(), score_apart(model, tails, State.stack(reached), range(len(tails))), strict=True
    ):
        scores[row, shared[row] : shared[row] + len(tail)] = tail
    return [scores[number, : len(row)] for number, row in enumerate(rows)]
