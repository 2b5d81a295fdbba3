"""Converts between the two forms of n-gram tables: interpolated summands, and ARPA's whole
probabilities.
"""

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.assemble import OrderEntries, assemble
from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.chunks import Allocate
from elman.models.ngram.tables import NgramTables

_SMALLEST = 1e-38
"""Lower probabilities, which only damaged tables have, are raised to this, so that logarithms are
finite."""


def from_backoff(
    tables: BackoffTables, *, small: bool = False, quantise: int | None = None, allocate: Allocate = np.zeros
) -> NgramTables:
    """ARPA's numbers, kept as they are."""
    order = len(tables.log10_probs)

    def wide(numbers: NDArray[np.float32]) -> NDArray[np.float64]:
        return numbers.astype(np.float64)

    orders = [
        OrderEntries(keys, lambda some, own=log10_probs: wide(own[some]))
        for keys, log10_probs in zip(tables.keys, tables.log10_probs[1:], strict=True)
    ]
    return assemble(
        wide(tables.log10_probs[0]),
        orders,
        [wide(each) for each in tables.log10_backoffs],
        discounts=np.zeros((order, 3)),
        fixed=np.zeros(order, np.bool_),
        interpolated=False,
        small=small,
        quantise=quantise,
        allocate=allocate,
        closed=all((own >= 0).all() for own in suffixes_of(tables)),
    )


def to_backoff(tables: NgramTables) -> BackoffTables:
    """The whole probability of each n-gram as log10."""
    size = tables.vocab_size
    keys = list(tables.plain_keys())
    values = [tables.values(n, np.arange(tables.rows[n - 1].entries)) for n in range(2, tables.order + 1)]
    remainders = [tables.remainders(n, np.arange(tables.rows[n - 1].nodes)) for n in range(1, tables.order)]
    if not tables.interpolated:
        logs = [tables.unigrams, *values]
        return BackoffTables(
            keys=tuple(keys),
            log10_probs=tuple(each.astype(np.float32) for each in logs),
            log10_backoffs=tuple(each.astype(np.float32) for each in remainders),
        )
    probs = [tables.unigrams]
    plain = BackoffTables(keys=tuple(keys), log10_probs=(tables.unigrams.astype(np.float32),), log10_backoffs=())
    for own_keys, own_values, remainder, lower in zip(keys, values, remainders, suffixes_of(plain), strict=True):
        probs.append(own_values + remainder[own_keys // size] * probs[-1][lower])
    return BackoffTables(
        keys=tuple(keys),
        log10_probs=tuple(_log10(each) for each in probs),
        log10_backoffs=tuple(_log10(each) for each in remainders),
    )


def _log10(probs: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.minimum(np.log10(np.maximum(probs, _SMALLEST)), 0.0).astype(np.float32)


def suffixes_of(tables: BackoffTables) -> list[NDArray[np.int64]]:
    """For each n-gram of orders 2 to N, the index of its suffix without the first token in the
    order below, or -1.

    >>> tables = BackoffTables(
    ...     keys=(np.array([1, 7]),),
    ...     log10_probs=(np.zeros(3, np.float32), np.zeros(2, np.float32)),
    ...     log10_backoffs=(np.zeros(4, np.float32),),
    ... )
    >>> suffixes_of(tables)
    [array([1, 1])]
    """
    size = len(tables.log10_probs[0])
    suffixes = []
    for n, own in enumerate(tables.keys, start=2):
        contexts, words = own // size, own % size
        if n == 2:
            suffixes.append(words)
            continue
        below, before = tables.keys[n - 3], suffixes[-1][contexts]
        wanted = np.where(before >= 0, before * size + words, -1)
        indices = np.searchsorted(below, wanted)
        there = indices < len(below)
        there[there] = below[indices[there]] == wanted[there]
        suffixes.append(np.where(there, indices, -1))
    return suffixes
