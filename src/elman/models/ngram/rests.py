"""Backoffs that make the probabilities after every context sum to 1.

b(h) = (1 - sum of p(w|h)) / (1 - sum of p(w|h'))       over the words w that are stored after h; h' is h without
                                                        its first token
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.forms import suffixes_of

_LEAST = 1e-12


def with_rests(keys: Sequence[NDArray[np.int64]], probs: Sequence[NDArray[np.floating]]) -> BackoffTables:
    """The model of n-grams with their whole probabilities.

    Args:
        keys: orders 2 to N, as in BackoffTables; what an n-gram ends with must be stored as well.
        probs: orders 1 to N; those of order 1 sum to 1, those stored after a context to at most 1.

    >>> bigrams = np.array([0 * 2 + 1])                            # "0 1" only
    >>> tables = with_rests([bigrams], [np.array([0.25, 0.75]), np.array([0.5])])
    >>> 10 ** tables.log10_backoffs[0]                              # what is left, 0.5, goes to 0, which had 0.25
    array([2., 1., 1.], dtype=float32)
    """
    size = len(probs[0])
    logs = [np.log10(each).astype(np.float32) for each in probs]
    plain = BackoffTables(keys=tuple(keys), log10_probs=(logs[0],), log10_backoffs=())
    rests = []
    # As the float32 numbers of the file say, or the sums would be off by their rounding.
    below = 10.0 ** logs[0].astype(np.float64)
    for own_keys, own_logs, suffixes in zip(keys, logs[1:], suffixes_of(plain), strict=True):
        assert not (suffixes < 0).any(), "an n-gram whose end is not stored"
        contexts = size + 1 if not rests else len(below)
        parents, own = own_keys // size, 10.0 ** own_logs.astype(np.float64)
        left = 1.0 - np.bincount(parents, weights=own, minlength=contexts)
        free = 1.0 - np.bincount(parents, weights=below[suffixes], minlength=contexts)
        rest = np.ones(contexts)
        has = np.bincount(parents, minlength=contexts) > 0
        rest[has] = np.maximum(left[has], _LEAST) / np.maximum(free[has], _LEAST)
        rests.append(np.log10(rest).astype(np.float32))
        below = own
    return BackoffTables(keys=tuple(keys), log10_probs=tuple(logs), log10_backoffs=tuple(rests))
