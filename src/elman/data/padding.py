"""Batches of sequences of different lengths: buckets, padding, and the order of results."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError
from elman.notation import Lengths, TokenIds

_POOL_BATCHES = 20
"""Most batches filled from one random pool of rows."""
WINDOW = 4096
"""Items of a stream sorted by length together."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def buckets(
    lengths: Lengths, *, batch: int | None = None, batch_tokens: int | None = None, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """The rows of each batch of one epoch: every row once, rows of similar length together.

    Rows are shuffled and dealt into pools of up to 20 batches. Each pool is sorted by length and
    cut into batches, and all batches are shuffled. Only the arguments decide, so training goes on
    from an epoch and the number of a batch.

    Args:
        lengths: the length of each row, ``[N]``.
        batch: rows of one batch; the number of batches is the same in every epoch.
        batch_tokens: most tokens of one batch, padding included, instead of ``batch``. A longer row
            is alone, and an empty row counts as one token.

    Raises:
        UsageError: not one of ``batch`` and ``batch_tokens``, or below 1.

    >>> batches = buckets(np.array([3, 9, 3, 9]), batch=2, seed=0, epoch=0)
    >>> sorted(sorted(rows.tolist()) for rows in batches)
    [[0, 2], [1, 3]]
    """
    _check_batch(batch, batch_tokens)
    lengths = np.maximum(np.asarray(lengths, np.int64), 1)
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    batches: list[NDArray[np.int64]] = []
    for pool in _pools(order, lengths, batch, batch_tokens):
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[start:end] for start, end in _cuts(lengths[pool], batch, batch_tokens)]
    return [batches[number] for number in rng.permutation(len(batches))]


def by_length(lengths: Lengths, size: int) -> list[NDArray[np.int64]]:
    """The numbers of rows in batches of ``size``, the shortest first.

    >>> [batch.tolist() for batch in by_length(np.array([3, 1, 2]), 2)]
    [[1, 2], [0]]
    """
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]


def longest_first(lengths: Lengths, size: Callable[[int], int]) -> Iterator[NDArray[np.int64]]:
    """The numbers of rows in batches, the longest first.

    Args:
        size: from the length of a batch's longest row to its number of rows, at least 1.

    >>> [batch.tolist() for batch in longest_first(np.array([3, 1, 2]), lambda longest: 6 // longest)]
    [[0, 2], [1]]
    """
    order, start = np.argsort(-lengths, kind="stable"), 0
    while start < len(order):
        stop = start + size(int(lengths[order[start]]))
        yield order[start:stop]
        start = stop


def pad(rows: Sequence[NDArray[np.int64]], *, fill: int) -> tuple[TokenIds, Lengths]:
    """Rows of ids as one array ``[B, T]``, filled up on the right, and their lengths ``[B]``.

    T is the longest length, and 1 if all rows are empty, so that a network always has a step.

    >>> ids, lengths = pad([np.array([5, 6, 7]), np.array([8])], fill=0)
    >>> ids.tolist(), lengths.tolist()
    ([[5, 6, 7], [8, 0, 0]], [3, 1])
    """
    lengths = np.array([len(row) for row in rows], np.int64)
    ids = np.full((len(rows), max(1, int(lengths.max(initial=0)))), fill, np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
    return ids, lengths


def in_order(
    items: Iterable[Item],
    process: Callable[[list[Item]], Sequence[Result]],
    *,
    length: Callable[[Item], int],
    batch: int | None = None,
    batch_tokens: int | None = None,
    window: int = WINDOW,
) -> Iterator[Result]:
    """Process a stream in batches of similar length, and yield the results in the stream's order.

    No more than ``window`` items and their results are in memory.

    Args:
        process: turns a batch of items into as many results.
        length: the length of an item.
        batch: items of one batch.
        batch_tokens: most tokens of one batch, padding included, instead of ``batch``.
        window: items that are read and sorted together; their results follow.

    Raises:
        UsageError: not one of ``batch`` and ``batch_tokens``, or a value below 1.

    >>> words = ["one", "to", "three", "a"]
    >>> list(in_order(words, lambda batch: [word.upper() for word in batch], length=len, batch=2))
    ['ONE', 'TO', 'THREE', 'A']
    """
    _check_batch(batch, batch_tokens)
    if window < 1:
        raise UsageError.of("window", window, "at least 1")
    return _in_order(iter(items), process, length, batch, batch_tokens, window)


def _in_order(
    items: Iterator[Item],
    process: Callable[[list[Item]], Sequence[Result]],
    length: Callable[[Item], int],
    batch: int | None,
    batch_tokens: int | None,
    window: int,
) -> Iterator[Result]:
    while held := list(islice(items, window)):
        lengths = np.maximum(np.array([length(item) for item in held], np.int64), 1)
        order = np.argsort(lengths, kind="stable")
        results: dict[int, Result] = {}
        for start, end in _cuts(lengths[order], batch, batch_tokens):
            numbers = order[start:end].tolist()
            answers = process([held[number] for number in numbers])
            results.update(zip(numbers, answers, strict=True))
        yield from (results[number] for number in range(len(held)))


def _check_batch(batch: int | None, batch_tokens: int | None) -> None:
    if (batch is None) == (batch_tokens is None):
        raise UsageError("give one of batch (rows) and batch_tokens (tokens, padding included)")
    size = batch if batch_tokens is None else batch_tokens
    if size is None or size < 1:
        raise UsageError(f"a batch of {size} is too small; it must be at least 1")


def _pools(
    order: NDArray[np.int64], lengths: NDArray[np.int64], batch: int | None, batch_tokens: int | None
) -> list[NDArray[np.int64]]:
    """Shuffled rows, cut into pools of whole batches."""
    sizes = np.ones(len(order), np.int64) if batch_tokens is None else lengths[order]
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    size = batch or batch_tokens or 1
    # At least four pools if there are enough batches, so that rows are mixed differently in each
    # epoch.
    pool = size * min(max(total // (4 * size), 1), _POOL_BATCHES)
    bounds = np.unique(np.searchsorted(ends, np.arange(pool, total, pool), side="left") + 1)
    return [rows for rows in np.split(order, bounds) if len(rows)]


def _cuts(lengths: NDArray[np.int64], batch: int | None, batch_tokens: int | None) -> Iterator[tuple[int, int]]:
    """Starts and ends of batches of rows whose lengths increase."""
    start, total = 0, len(lengths)
    sizes = lengths.tolist()
    while start < total:
        if batch is not None:
            end = start + batch
        else:
            assert batch_tokens is not None
            end = start + 1
            while end < total and (end + 1 - start) * sizes[end] <= batch_tokens:
                end += 1
        end = min(end, total)
        yield start, end
        start = end
