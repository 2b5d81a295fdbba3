"""Between the two forms of n-gram tables: shares that add up, and ARPA's whole probabilities."""

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.assemble import Order, assemble
from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.tables import NgramTables

_SMALLEST = 1e-38
"""Probabilities below, which only damaged tables have, become this much: a logarithm must not be infinite."""


def from_backoff(tables: BackoffTables) -> NgramTables:
    """ARPA's numbers, kept as they are."""
    order = len(tables.log10_probs)

    def wide(numbers: NDArray[np.float32]) -> NDArray[np.float64]:
        return numbers.astype(np.float64)

    orders = [
        Order(keys, lambda some, own=log10_probs: wide(own[some]))
        for keys, log10_probs in zip(tables.keys, tables.log10_probs[1:], strict=True)
    ]
    return assemble(
        wide(tables.log10_probs[0]),
        orders,
        [wide(each) for each in tables.log10_backoffs],
        discounts=np.zeros((order, 3)),
        fixed=np.zeros(order, np.bool_),
        interpolated=False,
        closed=_is_closed(tables),
    )


def to_backoff(tables: NgramTables) -> BackoffTables:
    """The whole probability of each n-gram as log10."""
    size = tables.vocab_size
    keys = list(tables.plain_keys())
    values = [tables.values(n, np.arange(tables.rows[n - 1].entries)) for n in range(2, tables.order + 1)]
    rests = [tables.rests(n, np.arange(tables.rows[n - 1].nodes)) for n in range(1, tables.order)]
    if not tables.interpolated:
        logs = [tables.unigrams, *values]
        return BackoffTables(
            keys=tuple(keys),
            log10_probs=tuple(each.astype(np.float32) for each in logs),
            log10_backoffs=tuple(each.astype(np.float32) for each in rests),
        )
    probs = [tables.unigrams]
    # Without its first token, each n-gram is this place of the order below; `<s>` is no type and has none.
    suffixes = np.full(size + 1, 0)
    for own_keys, own_values, rest in zip(keys, values, rests, strict=True):
        contexts, words = own_keys // size, own_keys % size
        lower = words if len(probs) == 1 else np.searchsorted(keys[len(probs) - 2], suffixes[contexts] * size + words)
        probs.append(own_values + rest[contexts] * probs[-1][lower])
        suffixes = lower
    return BackoffTables(
        keys=tuple(keys),
        log10_probs=tuple(_log10(each) for each in probs),
        log10_backoffs=tuple(_log10(each) for each in rests),
    )


def _log10(probs: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.minimum(np.log10(np.maximum(probs, _SMALLEST)), 0.0).astype(np.float32)


def _is_closed(tables: BackoffTables) -> bool:
    """Whether each n-gram is there without its first token, too."""
    size = len(tables.log10_probs[0])
    suffixes = np.zeros(size + 1, np.int64)
    for n, own in enumerate(tables.keys, start=2):
        contexts, words = own // size, own % size
        if n == 2:
            suffixes = words
            continue
        wanted, below = suffixes[contexts] * size + words, tables.keys[n - 3]
        places = np.searchsorted(below, wanted)
        if len(own) and (len(below) == 0 or (below[np.minimum(places, len(below) - 1)] != wanted).any()):
            return False
        suffixes = places
    return True
