"""A quick estimate of how well an n-gram predicts a text: interpolated Kneser-Ney with one discount
an order.

It works on hashes of n-grams and keeps nothing. The models that people use are in the room
``models``.
"""

import numpy as np
from numpy.typing import NDArray

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(31)

_Hashes = NDArray[np.uint64]


def quick_nats(train: NDArray[np.integer], test: NDArray[np.integer], *, order: int, vocab_size: int) -> float:
    """Minus the natural log-probability of ``test`` under an n-gram of ``train``, each one stream.

    >>> text = np.array([2, 3, 1] * 100)
    >>> quick_nats(text, text, order=2, vocab_size=4) / len(text) < 0.1
    True
    """
    order = min(order, len(train), len(test))
    seen, asked = _hashes(train, order), _hashes(test, order)
    probs = np.full(len(test), 1 / vocab_size)
    for n in range(1, order + 1):
        # The n-grams of the test text end at token n - 1 and later; the tokens before keep theirs.
        probs[n - 1 :] = _interpolated(seen, asked, n, probs[n - 1 :])
    return float(-np.log(probs).sum())


def _interpolated(seen: list[_Hashes], asked: list[_Hashes], n: int, lower: NDArray[np.float64]) -> NDArray[np.float64]:
    keys, begins, counts = _counted(seen, n)
    contexts, which = np.unique(_contexts(seen, n, begins), return_inverse=True)
    totals, kinds = np.bincount(which, weights=counts), np.bincount(which)
    once, twice = np.count_nonzero(counts == 1), np.count_nonzero(counts == 2)
    discount = once / (once + 2 * twice) if once else 0.5
    here = _contexts(asked, n, np.arange(len(asked[n - 1])))
    count = _looked_up(keys, counts, asked[n - 1])
    total, kind = _looked_up(contexts, totals, here), _looked_up(contexts, kinds, here)
    divisor = np.maximum(total, 1)
    mixed = np.maximum(count - discount, 0) / divisor + discount * kind / divisor * lower
    return np.where(total > 0, mixed, lower)


def _counted(seen: list[_Hashes], n: int) -> tuple[_Hashes, NDArray[np.int64], NDArray[np.int64]]:
    """The different n-grams, a place where each begins, and its count; below the highest order
    the number of different tokens before it.
    """
    if n == len(seen):
        return np.unique(seen[n - 1], return_index=True, return_counts=True)
    after = 1 + np.unique(seen[n], return_index=True)[1]
    keys, index, counts = np.unique(seen[n - 1][after], return_index=True, return_counts=True)
    return keys, after[index], counts


def _contexts(hashes: list[_Hashes], n: int, begins: NDArray[np.int64]) -> _Hashes:
    return hashes[n - 2][begins] if n > 1 else np.zeros(len(begins), np.uint64)


def _looked_up(keys: _Hashes, values: NDArray, wanted: _Hashes) -> NDArray:
    """The values of keys, and 0 of others."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)


def _hashes(ids: NDArray[np.integer], order: int) -> list[_Hashes]:
    """For each n the hashes of all n-grams, by the place where they begin."""
    tokens = ids.astype(np.uint64) + np.uint64(1)
    hashes = [tokens]
    for n in range(2, order + 1):
        before = hashes[-1][:-1]
        hashes.append((before ^ (before >> _SHIFT)) * _FACTOR + tokens[n - 1 :])
    return hashes
