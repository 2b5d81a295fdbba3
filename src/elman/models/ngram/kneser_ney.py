"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998; estimated as in Heafield et al. 2013).

    p(w | h) = (a(hw) - D(a(hw))) / a(h.) + g(h) p(w | h')        h' is h without its first token
    g(h)     = (D1 N1(h.) + D2 N2(h.) + D3 N3+(h.)) / a(h.)       what the discounts took off

``a`` are the adjusted counts of counts.py, ``a(h.)`` their sum over the words after h, ``Nk(h.)`` how many of
those words have ``a = k``. Below the empty context lies the uniform distribution 1/V over all types.
"""

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.counts import OrderCounts
from elman.models.ngram.tables import NgramTables

FIXED_DISCOUNTS = (0.5, 1.0, 1.5)
"""For counts 1, 2, and 3 or more, where a small text or a cut vocabulary gives no discounts of its own."""


def closed_form_discounts(adjusted: NDArray[np.int64]) -> tuple[float, float, float] | None:
    """D1, D2 and D3+ of one order from how many of its n-grams have adjusted counts 1, 2, 3 and 4.

    ``Dk = k - (k+1) Y t(k+1) / t(k)`` with ``Y = t1 / (t1 + 2 t2)``. None where that is undefined or not
    in ``0 < Dk <= k``; a discount of 0 would leave unseen words without any probability.

    >>> closed_form_discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4]))       # t = 4, 2, 1, 1; Y = 1/2
    (0.5, 1.25, 1.0)
    >>> closed_form_discounts(np.array([1, 1, 3])) is None              # t2 = 0
    True
    """
    t = [int((adjusted == k).sum()) for k in range(5)]
    if 0 in t[1:4]:
        return None
    y = t[1] / (t[1] + 2 * t[2])
    found = (1 - 2 * y * t[2] / t[1], 2 - 3 * y * t[3] / t[2], 3 - 4 * y * t[4] / t[3])
    return found if all(0 < amount <= k for k, amount in enumerate(found, start=1)) else None


def estimate(orders: list[OrderCounts], *, vocab_size: int) -> NgramTables:
    """The tables of a model from counts of orders 1 to N; there must be at least one token.

    >>> unigrams = OrderCounts(
    ...     keys=np.arange(3), counts=np.array([0, 2, 2]), suffixes=np.zeros(3, dtype=np.int64)
    ... )
    >>> tables = estimate([unigrams], vocab_size=3)      # fixed discounts: g = (1 + 1) / 4, (2 - 1) / 4 + g / 3
    >>> np.exp(tables.log_probs[0]).round(4)
    array([0.1667, 0.4167, 0.4167], dtype=float32)
    """
    discounts, fixed = np.empty((len(orders), 3)), np.empty(len(orders), dtype=np.bool_)
    log_probs, backoffs = [], []
    lower = np.array([1.0 / vocab_size])
    contexts = 1
    for n, level in enumerate(orders, start=1):
        amounts = closed_form_discounts(level.counts)
        fixed[n - 1], discounts[n - 1] = amounts is None, amounts or FIXED_DISCOUNTS
        taken = np.concatenate(([0.0], discounts[n - 1]))[np.minimum(level.counts, 3)]
        parents = level.keys // vocab_size
        total = np.bincount(parents, weights=level.counts, minlength=contexts)
        freed = np.bincount(parents, weights=taken, minlength=contexts)
        # A context without words takes nothing from the order below: backoff 1.
        backoff = np.divide(freed, total, out=np.ones(contexts), where=total > 0)
        lower = (level.counts - taken) / total[parents] + backoff[parents] * lower[level.suffixes]
        log_probs.append(np.minimum(np.log(lower), 0.0).astype(np.float32))
        if n > 1:
            backoffs.append(np.log(backoff).astype(np.float32))
        # From order 2 on, every n-gram may be a context; at order 1, `<s>` as well.
        contexts = len(level.keys) + (n == 1)
    return NgramTables(
        keys=tuple(level.keys for level in orders[1:]),
        log_probs=tuple(log_probs),
        backoffs=tuple(backoffs),
        discounts=discounts,
        fixed=fixed,
    )
