"""How an n-gram model grows with its order, and what the growth gains.

Measured for each order: its n-grams, how many of them occur only once, their bytes, the perplexity
of a model of that order on other text, and the share of that text's n-grams never seen before.
Twice the text has nearly twice as many long n-grams, and most n-grams of new text are still unseen.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.chunks import Allocate, chunks
from elman.models.ngram.counts import OrderCounts
from elman.models.ngram.kneser_ney import estimate
from elman.models.ngram.tables import NgramTables
from elman.progress import Progress

_TABLE_BYTES = 32
"""Of an n-gram, at most, while tables are made: with what finds a word after a context."""


@dataclass(frozen=True, kw_only=True)
class Growth:
    """One order."""

    order: int
    ngrams: int
    """Different n-grams of this length."""
    once: int
    """How many of them occur only once."""
    bytes: int
    """Size of the model that ends at this order."""
    perplexity: float
    """Of that model on the validation text, each line alone, `</s>` counted."""
    unseen: float
    """Share of the validation text's n-grams of this length that are not in the training text."""

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)


def measure_growth(
    orders: list[OrderCounts],
    ids: NDArray[np.integer],
    starts: NDArray[np.bool_],
    *,
    vocab_size: int,
    eos_id: int,
    whole: NgramTables | None = None,
    most_bytes: int | None = None,
    allocate: Allocate = np.zeros,
    progress: Progress | None = None,
) -> list[Growth]:
    """Measure each order of counts on another text, up to the first whose tables would be too
    large.

    Args:
        ids: that text's tokens.
        starts: which of them begin a line.
        whole: the result of ``estimate`` for these counts, if it exists already.
        most_bytes: of the tables of an order that are made to be measured, roughly; default: any
            number. They are read here and there, which takes hours where they lie on disk and do
            not fit into memory.
        allocate: gives arrays of zeros; on disk, where they may be larger than memory.

    >>> from elman.models.ngram.counts import count_ngrams, line_starts
    >>> ids, documents = np.array([2, 3, 1, 2, 3, 1, 3, 1]), np.array([0, 8])
    >>> orders = count_ngrams(ids, documents, order=2, vocab_size=4, eos_id=1)
    >>> other = np.array([2, 1])
    >>> starts = line_starts(other, np.array([0, 2]), 1)
    >>> for growth in measure_growth(orders, other, starts, vocab_size=4, eos_id=1):
    ...     print(growth.order, growth.ngrams, growth.once, growth.unseen)
    1 3 0 0.0
    2 4 1 0.5
    """
    tokens = np.asarray(ids).astype(np.int64)
    measured = []
    # The index of the n-gram that ends at each token; -1 if it was never seen, -2 if the line is
    # too short for it.
    ends = tokens
    with (progress or Progress()).stage("measuring each order", total=len(orders)) as advance:
        for n, level in enumerate(orders, start=1):
            if n > 1:
                before = np.empty_like(ends)
                before[1:] = ends[:-1]
                before[starts] = vocab_size if n == 2 else -2
                ends = np.where(before == -2, -2, _indices(level.keys, before, tokens, vocab_size))
            possible = int((ends != -2).sum())
            new = int((ends == -1).sum()) if n > 1 else int((level.raw[tokens] == 0).sum())
            tables = whole if whole is not None and n == len(orders) else None
            size = _TABLE_BYTES * sum(len(each.raw) for each in orders[:n])
            if tables is None and most_bytes is not None and size > most_bytes:
                break
            if tables is None:
                # The last order of a model counts occurrences.
                last = OrderCounts(keys=level.keys, counts=level.raw, raw=level.raw)
                tables = estimate([*orders[: n - 1], last], vocab_size=vocab_size, allocate=allocate)
            measured.append(
                Growth(
                    order=n,
                    ngrams=sum(int((level.raw[some] > 0).sum()) for some in chunks(len(level.raw))),
                    once=sum(int((level.raw[some] == 1).sum()) for some in chunks(len(level.raw))),
                    bytes=tables.bytes,
                    perplexity=perplexity_of(tables, tokens, starts, eos_id),
                    unseen=new / max(possible, 1),
                )
            )
            advance(1)
    return measured


def _indices(
    keys: NDArray[np.int64], contexts: NDArray[np.int64], words: NDArray[np.int64], vocab_size: int
) -> NDArray[np.int64]:
    indices = np.full(len(words), -1)
    if len(keys):
        for some in chunks(len(words)):
            wanted = np.where(contexts[some] >= 0, contexts[some] * vocab_size + words[some], -1)
            candidates = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
            indices[some] = np.where(keys[candidates] == wanted, candidates, -1)
    return indices


def perplexity_of(tables: NgramTables, ids: NDArray[np.integer], starts: NDArray[np.bool_], eos_id: int) -> float:
    """Perplexity of a text, line by line, `</s>` counted; ``starts``: which tokens begin a line."""
    from elman.models.ngram.kernels import read_row

    tokens = np.asarray(ids).astype(np.int64)
    begin = np.full(tables.order - 1, -1)
    begin[:1] = tables.vocab_size
    nats = 0.0
    borders = np.flatnonzero(starts).tolist()
    # A line that its document ends without `</s>` does not lead back to `<s>` by itself.
    open_ends = [border for border in borders[1:] if tokens[border - 1] != eos_id]
    for first, end in zip([0, *open_ends], [*open_ends, len(tokens)], strict=True):
        contexts = begin.copy()
        probs = np.empty(end - first)
        read_row(
            tables.data, tables.codebooks, tables.layout, tables.unigrams, tables.interpolated, tables.closed,
            begin, eos_id, tokens[first:end], contexts, probs,
        )  # fmt: skip
        nats -= float((np.log(probs, out=probs) if tables.interpolated else probs * np.log(10.0)).sum())
    return float(np.exp(nats / max(len(tokens), 1)))
