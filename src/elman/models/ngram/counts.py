"""Counting the n-grams of lines, and the adjusted counts of Kneser-Ney.

Each line is read as ``<s> w1 ... wm </s>``: n-grams never cross a line, `<s>` only begins them,
`</s>` only ends them. An n-gram is named by its index in the sorted table of its order. Its key is
``context * V + word``, where ``context`` is the index of its first n-1 tokens in the table below,
so the words seen after one context are one contiguous range. At order 1 the index is the token id,
and `<s>` is node V.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.progress import Progress


@dataclass(frozen=True, kw_only=True, eq=False)
class OrderCounts:
    """The distinct n-grams of one order, sorted by key."""

    keys: NDArray[np.int64]
    """``context * V + word``, strictly rising. At order 1, where the context is empty, every token
    id."""
    counts: NDArray[np.int64]
    """Adjusted counts: distinct left neighbours, `<s>` among them; occurrences at the highest order
    and for n-grams that begin with `<s>`, which have no left neighbour."""
    raw: NDArray[np.int64]
    """Plain occurrences."""


def count_ngrams(
    ids: NDArray[np.integer],
    documents: NDArray[np.integer],
    *,
    order: int,
    vocab_size: int,
    eos_id: int,
    progress: Progress | None = None,
) -> list[OrderCounts]:
    """Count a token stream's n-grams of orders 1 to ``order``.

    Args:
        ids: tokens, each in ``0 .. vocab_size-1``; may be memory-mapped. A line ends with
            ``eos_id``.
        documents: where documents begin in ``ids``; a line ends there too.

    Returns:
        One OrderCounts per order, the lowest first.

    >>> two_lines = np.array([2, 3, 1, 2, 1])
    >>> unigrams, bigrams = count_ngrams(two_lines, np.array([0, 5]), order=2, vocab_size=4, eos_id=1)
    >>> bigrams.keys // 4, bigrams.keys % 4, bigrams.counts
    (array([2, 2, 3, 4]), array([1, 3, 1, 2]), array([1, 1, 1, 2]))
    >>> unigrams.counts
    array([0, 2, 1, 1])
    """
    tokens = np.asarray(ids).astype(np.int64)
    assert tokens.size == 0 or (tokens.min() >= 0 and tokens.max() < vocab_size), "token id out of range"
    with (progress or Progress()).stage("counting n-grams", total=order * len(tokens), unit="tokens") as advance:
        finished = []
        levels = _levels(tokens, line_starts(tokens, documents, eos_id), order, vocab_size)
        below = next(levels)
        advance(len(tokens))
        for level in levels:
            neighbours = np.bincount(level.suffixes, minlength=len(below.counts))
            # Nodes from `bos` on begin with `<s>`: no left neighbour, so they keep their
            # occurrences.
            neighbours[below.bos :] = below.counts[below.bos :]
            finished.append(OrderCounts(keys=below.keys, counts=neighbours, raw=below.counts))
            below = level
            advance(len(tokens))
        finished.append(OrderCounts(keys=below.keys, counts=below.counts, raw=below.counts))
    return finished


@dataclass(frozen=True, kw_only=True, eq=False)
class _Level:
    keys: NDArray[np.int64]
    counts: NDArray[np.int64]
    suffixes: NDArray[np.int64]
    """The index, in the order below, of the n-gram without its first token (0 at order 1)."""
    bos: int
    """The first index whose n-gram begins with `<s>`; they come last, for V, the node of `<s>`, is
    the largest."""


def _levels(tokens: NDArray[np.int64], line_starts: NDArray[np.bool_], order: int, vocab_size: int) -> Iterator[_Level]:
    """Each order's distinct n-grams with their occurrences, the lowest first."""
    unigrams = np.bincount(tokens, minlength=vocab_size)
    bos = vocab_size
    yield _Level(
        keys=np.arange(vocab_size), counts=unigrams, suffixes=np.zeros(vocab_size, dtype=np.int64), bos=vocab_size
    )
    # ends[t]: the index of the n-gram that ends at t; context[t]: the node just before t; -1
    # reaches out of the line.
    ends = tokens
    context = shifted(ends, line_starts, first=bos)
    for _ in range(2, order + 1):
        positions = np.flatnonzero(context >= 0)
        keys, some_occurrence, counts, ranks = distinct(context[positions] * vocab_size + tokens[positions])
        suffixes = ends[positions[some_occurrence]]
        bos = int(np.searchsorted(keys, bos * vocab_size))
        yield _Level(keys=keys, counts=counts, suffixes=suffixes, bos=bos)
        ends = np.full(len(tokens), -1, dtype=np.int64)
        ends[positions] = ranks
        context = shifted(ends, line_starts, first=-1)


def line_starts(tokens: NDArray[np.integer], documents: NDArray[np.integer], eos_id: int) -> NDArray[np.bool_]:
    """Which tokens begin a line: the first of a document, and what follows `</s>`."""
    starts = np.zeros(len(tokens) + 1, dtype=np.bool_)
    starts[0] = True
    starts[1:] = tokens == eos_id
    starts[np.asarray(documents, dtype=np.int64)] = True
    return starts[:-1]


def shifted(values: NDArray[np.int64], line_starts: NDArray[np.bool_], *, first: int) -> NDArray[np.int64]:
    """``values`` one position earlier, and ``first`` at line starts."""
    before = np.empty_like(values)
    before[1:] = values[:-1]
    before[line_starts] = first
    return before


def distinct(
    keys: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The distinct keys in rising order, one occurrence of each, their counts, and each position's
    rank.

    np.unique would do, but asks for a stable sort, which is several times slower.
    """
    if len(keys) == 0:
        return keys, keys, keys, keys
    by_key = np.argsort(keys)
    in_order = keys[by_key]
    changes = np.empty(len(keys), dtype=np.bool_)
    changes[0] = True
    np.not_equal(in_order[1:], in_order[:-1], out=changes[1:])
    first = np.flatnonzero(changes)
    ranks = np.empty(len(keys), dtype=np.int64)
    ranks[by_key] = np.cumsum(changes) - 1
    return in_order[first], by_key[first], np.diff(first, append=len(keys)), ranks
