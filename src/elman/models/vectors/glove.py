"""GloVe (Pennington, Socher and Manning 2014): weighted least squares on the logarithms of counts.

For each pair of words with count x, in an order drawn once,

    d = w.c + a + b - ln x    f = min(1, x / limit)^power    gradients: f d c, f d w, f d, f d

followed by an AdaGrad step for each number, whose sums of squares begin at one. A word's vector in
the end is w + c. Where several threads work, pairs are sorted into parts of words by parts of
contexts, and no two threads share a row.
"""

import numpy as np
from numpy.typing import NDArray

from elman.models.vectors.cooccurrence import PairCounts
from elman.models.vectors.lanes import (
    LANES,
    first_lane,
    fused,
    inverse_root,
    limited,
    load,
    prefetch,
    spread,
    store,
    total,
)
from elman.models.vectors.skipgram import fast

LARGEST_GRADIENT = 100.0


def parted_pairs(pairs: PairCounts, *, parts: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of all pairs in the order of training, and where each group of them begins.

    Group ``a * parts + b`` has the pairs whose word is ``a`` and context is ``b``, modulo
    ``parts``, in random order.
    """
    rows = words_of(pairs)
    group = (rows % parts) * parts + pairs.columns % parts
    order = np.random.default_rng(seed).permutation(len(rows))
    order = order[np.argsort(group[order], kind="stable")]
    return order, np.searchsorted(group[order], np.arange(parts * parts + 1))


def words_of(pairs: PairCounts) -> NDArray[np.int32]:
    """The word of each pair, whose context is ``pairs.columns``."""
    return np.repeat(np.arange(len(pairs.starts) - 1, dtype=np.int32), np.diff(pairs.starts))


def pair_weights(counts: NDArray[np.float32], limit: float, power: float) -> NDArray[np.float32]:
    """What each pair weighs: f of its count.

    >>> pair_weights(np.array([1, 16, 20], np.float32), 16, 0.75).tolist()
    [0.125, 1.0, 1.0]
    """
    return (np.minimum(counts / limit, 1) ** power).astype(np.float32)


@fast
def train_glove(words, contexts, logs, weights, left, right, left_squares, right_squares, rate):
    """One pass over pairs, whose counts are known by their logarithms and weights.

    Rows are ``[V, D + LANES]``, D padded to a multiple of LANES; behind D stands the bias, and then
    zeros.
    """
    bias, pairs = left.shape[1] - LANES, len(words)
    largest, eta, zero = spread(np.float32(LARGEST_GRADIENT)), spread(np.float32(rate)), spread(np.float32(0))
    for pair in range(pairs):
        word, context = words[pair], contexts[pair]
        # The rows come from far away while earlier pairs are trained.
        ahead = min(pair + _AHEAD, pairs - 1)
        for matrix in (left, left_squares):
            prefetch(matrix, words[ahead])
        for matrix in (right, right_squares):
            prefetch(matrix, contexts[ahead])
        a = b = zero
        for i in range(0, bias, 2 * LANES):
            a = fused(load(left, word, i), load(right, context, i), a)
        for i in range(LANES, bias, 2 * LANES):
            b = fused(load(left, word, i), load(right, context, i), b)
        score = total(a + b) + left[word, bias] + right[context, bias]
        gain = spread(weights[pair] * (score - logs[pair]))
        for i in range(0, bias, LANES):
            x, y = load(left, word, i), load(right, context, i)
            _descend(left, left_squares, word, i, x, limited(gain * y, largest) * eta)
            _descend(right, right_squares, context, i, y, limited(gain * x, largest) * eta)
        step = limited(gain, largest) * eta * first_lane()
        _descend(left, left_squares, word, bias, load(left, word, bias), step)
        _descend(right, right_squares, context, bias, load(right, context, bias), step)


_AHEAD = 3


@fast
def _descend(matrix, squares, row, column, value, step):
    """An AdaGrad step, by the squares of the steps before."""
    square = load(squares, row, column)
    store(matrix, row, column, value - step * inverse_root(square))
    store(squares, row, column, fused(step, step, square))
