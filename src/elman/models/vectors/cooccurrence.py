"""How often words stand near each other, counted block by block.

A pair of words at distance d counts ``weights[d - 1]``, in both directions. Pairs are kept in one
table of 16 bytes a slot, which grows with the different pairs and not with the text.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.models.vectors.sampling import compiled, scrambled

_EMPTY = -1
_MOST_FULL = 0.6


class PairCounts(NamedTuple):
    """Counts of pairs as the rows of a symmetric sparse matrix X."""

    starts: NDArray[np.int64]
    """Row v lies from ``starts[v]`` to ``starts[v + 1]``."""
    columns: NDArray[np.int32]
    """The other words, rising in each row."""
    counts: NDArray[np.float32]
    """Their weighted counts."""


def distance_weights(distance: str, window: int) -> NDArray[np.float64]:
    """What a pair at distances 1 to ``window`` counts.

    >>> distance_weights("harmonic", 2).tolist(), distance_weights("shrink", 2).tolist()
    ([1.0, 0.5], [1.0, 0.5])
    """
    steps = np.arange(1, window + 1)
    if distance == "harmonic":
        return 1 / steps
    # A window that is drawn from 1 to its width holds a pair so often.
    return (window + 1 - steps) / window if distance == "shrink" else np.ones(window)


class PairCounter:
    """Counts pairs of words.

    >>> counter = PairCounter(3, np.ones(2))
    >>> counter.add(np.array([0, 1, 2, -1, 0, 1], np.int32))  # -1 ends a sentence
    >>> pairs = counter.pairs()
    >>> pairs.starts.tolist(), pairs.columns.tolist(), pairs.counts.tolist()
    ([0, 2, 4, 6], [1, 2, 0, 2, 0, 1], [2.0, 1.0, 2.0, 1.0, 1.0, 1.0])
    """

    def __init__(self, vocab: int, weights: NDArray[np.float64]) -> None:
        self._vocab, self._weights, self._used = vocab, weights, 0
        self._keys, self._values = _empty_table(1 << 12)

    def add(self, ids: NDArray[np.int32]) -> None:
        """Count the pairs of a block of words."""
        most = self._used + len(ids) * len(self._weights)
        if most > _MOST_FULL * len(self._keys):
            keys, values = _empty_table(1 << int(2 * most / _MOST_FULL).bit_length())
            _move(self._keys, self._values, keys, values)
            self._keys, self._values = keys, values
        self._used += _count(ids, self._weights, self._vocab, self._keys, self._values)

    def pairs(self) -> PairCounts:
        """The counts so far."""
        filled = self._keys != _EMPTY
        keys, values = self._keys[filled], self._values[filled]
        order = np.argsort(keys)
        firsts, seconds = np.divmod(keys[order], self._vocab)
        starts = np.zeros(self._vocab + 1, np.int64)
        both = np.bincount(firsts, minlength=self._vocab) + np.bincount(
            seconds[firsts != seconds], minlength=self._vocab
        )
        np.cumsum(both, out=starts[1:])
        columns, counts = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
        _mirror(firsts, seconds, values[order], starts[:-1].copy(), columns, counts)
        return PairCounts(starts, columns, counts)


def _empty_table(slots: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    return np.full(slots, _EMPTY, np.int64), np.zeros(slots)


@compiled
def _count(ids, weights, vocab, keys, values):
    new = 0
    for place in range(len(ids)):
        word = ids[place]
        if word < 0:
            continue
        for step in range(1, min(len(weights), len(ids) - 1 - place) + 1):
            other = ids[place + step]
            if other < 0:
                break
            # A word beside itself is a pair in both directions too.
            weight = 2 * weights[step - 1] if word == other else weights[step - 1]
            key = np.int64(min(word, other)) * vocab + max(word, other)
            slot = _slot(key, keys)
            if keys[slot] == _EMPTY:
                keys[slot] = key
                new += 1
            values[slot] += weight
    return new


@compiled
def _move(old_keys, old_values, keys, values):
    for at in range(len(old_keys)):
        if old_keys[at] != _EMPTY:
            slot = _slot(old_keys[at], keys)
            keys[slot], values[slot] = old_keys[at], old_values[at]


@compiled
def _slot(key, keys):
    """Where a key is, or where it may go."""
    last = len(keys) - 1
    slot = np.int64(scrambled(np.uint64(key)) & np.uint64(last))
    while keys[slot] != _EMPTY and keys[slot] != key:
        slot = (slot + 1) & last
    return slot


@compiled
def _mirror(firsts, seconds, values, ends, columns, counts):
    """Both directions of each pair. Smaller columns come first: pairs are sorted, and those in
    which a word is second have smaller partners."""
    for pair in range(len(firsts)):
        first, second = firsts[pair], seconds[pair]
        if first != second:
            columns[ends[second]], counts[ends[second]] = first, values[pair]
            ends[second] += 1
        columns[ends[first]], counts[ends[first]] = second, values[pair]
        ends[first] += 1
