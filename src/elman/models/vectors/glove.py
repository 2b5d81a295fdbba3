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
from elman.models.vectors.skipgram import fast

LARGEST_GRADIENT = 100.0


def parted_pairs(pairs: PairCounts, *, parts: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The places of all pairs in the order of training, and where each group of them begins.

    Group ``a * parts + b`` has the pairs whose word is ``a`` and context is ``b``, modulo ``parts``,
    in random order.
    """
    rows = words_of(pairs)
    group = (rows % parts) * parts + pairs.columns % parts
    order = np.random.default_rng(seed).permutation(len(rows))
    order = order[np.argsort(group[order], kind="stable")]
    return order, np.searchsorted(group[order], np.arange(parts * parts + 1))


def words_of(pairs: PairCounts) -> NDArray[np.int32]:
    """The word of each pair, whose context is ``pairs.columns``."""
    return np.repeat(np.arange(len(pairs.starts) - 1, dtype=np.int32), np.diff(pairs.starts))


@fast
def train_glove(words, contexts, counts, left, right, left_squares, right_squares, rate, limit, power):
    """One pass over pairs; rows are ``[V, D + 1]``, the last column being the bias."""
    size = left.shape[1] - 1
    largest, eta = np.float32(LARGEST_GRADIENT), np.float32(rate)
    for pair in range(len(words)):
        word, context, count = words[pair], contexts[pair], counts[pair]
        score = left[word, size] + right[context, size] - np.float32(np.log(count))
        for i in range(size):
            score += left[word, i] * right[context, i]
        if count < limit:
            score *= np.float32((count / limit) ** power)
        for i in range(size):
            one = min(max(score * right[context, i], -largest), largest) * eta
            two = min(max(score * left[word, i], -largest), largest) * eta
            left[word, i] -= one / np.sqrt(left_squares[word, i])
            right[context, i] -= two / np.sqrt(right_squares[context, i])
            left_squares[word, i] += one * one
            right_squares[context, i] += two * two
        step = min(max(score, -largest), largest) * eta
        left[word, size] -= step / np.sqrt(left_squares[word, size])
        right[context, size] -= step / np.sqrt(right_squares[context, size])
        left_squares[word, size] += step * step
        right_squares[context, size] += step * step
