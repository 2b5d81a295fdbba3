"""Frequencies of types, and their ranks."""

import numpy as np
from numpy.typing import NDArray

_SLICE = 1 << 20
"""Tokens counted at a time."""


def count_types(ids: NDArray[np.integer], vocab_size: int) -> NDArray[np.int64]:
    """How often each of the V types occurs in ``ids[N]``, read in slices of bounded memory.

    >>> count_types(np.array([2, 0, 2], np.uint16), 4).tolist()
    [1, 0, 2, 0]
    """
    counts = np.zeros(vocab_size, np.int64)
    for start in range(0, len(ids), _SLICE):
        counts += np.bincount(np.asarray(ids[start : start + _SLICE], np.int64), minlength=vocab_size)
    return counts


def rank_types(counts: NDArray[np.integer]) -> NDArray[np.int32]:
    """The rank of each type, 0 for the most frequent; of equally frequent ones the lower id comes
    first.

    >>> rank_types(np.array([1, 0, 2, 1])).tolist()
    [1, 3, 0, 2]
    """
    ranks = np.empty(len(counts), np.int32)
    ranks[np.argsort(-np.asarray(counts, np.int64), kind="stable")] = np.arange(len(counts), dtype=np.int32)
    return ranks


def is_ranking(ranks: NDArray[np.integer]) -> bool:
    """Whether ``ranks[V]`` holds each of 0 .. V - 1 once.

    >>> is_ranking(np.array([1, 0, 2])), is_ranking(np.array([1, 1, 2]))
    (True, False)
    """
    if not len(ranks) or ranks.min() < 0 or ranks.max() >= len(ranks):
        return False
    return bool((np.bincount(ranks, minlength=len(ranks)) == 1).all())
