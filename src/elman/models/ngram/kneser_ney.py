"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998; estimated as in Heafield et
al. 2013).

    p(w | h) = discounted(hw) + remainder(h) p(w | h')                h' is h without its first token
    discounted(hw) = (a(hw) - D(a(hw))) / a(h.)
    remainder(h)   = (D1 N1(h.) + D2 N2(h.) + D3 N3+(h.)) / a(h.)

``a`` are the adjusted counts of counts.py, ``a(h.)`` their sum over the words after h, ``Nk(h.)``
how many of those words have ``a = k``. Below the empty context lies the uniform distribution 1/V
over all types. Every pruned n-gram adds its whole ``a(hw) / a(h.)`` to the remainder of its
context, so that sums stay 1.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.assemble import OrderEntries, assemble
from elman.models.ngram.chunks import Allocate, chunks
from elman.models.ngram.counts import OrderCounts
from elman.models.ngram.tables import NgramTables

FIXED_DISCOUNTS = (0.5, 1.0, 1.5)
"""Discounts of counts 1, 2, and 3 or more where a small text or a cut vocabulary gives none."""


def closed_form_discounts(adjusted: NDArray[np.int64]) -> tuple[float, float, float] | None:
    """D1, D2 and D3+ of one order from how many of its n-grams have adjusted counts 1, 2, 3 and 4.

    ``Dk = k - (k+1) Y t(k+1) / t(k)`` with ``Y = t1 / (t1 + 2 t2)``. None where that is undefined
    or not in ``0 < Dk <= k``; a discount of 0 would leave unseen words without any probability.

    >>> closed_form_discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4]))       # t = 4, 2, 1, 1; Y = 1/2
    (0.5, 1.25, 1.0)
    >>> closed_form_discounts(np.array([1, 1, 3])) is None              # t2 = 0
    True
    """
    t = [0] * 5
    for some in chunks(len(adjusted)):
        part = adjusted[some]
        for k in range(1, 5):
            t[k] += int((part == k).sum())
    if 0 in t[1:4]:
        return None
    y = t[1] / (t[1] + 2 * t[2])
    discounts = (1 - 2 * y * t[2] / t[1], 2 - 3 * y * t[3] / t[2], 3 - 4 * y * t[4] / t[3])
    return discounts if all(0 < amount <= k for k, amount in enumerate(discounts, start=1)) else None


_Stays = Callable[[slice], NDArray[np.bool_]]


def estimate(
    orders: Sequence[OrderCounts],
    *,
    vocab_size: int,
    least: Sequence[int] = (),
    keep: Sequence[NDArray[np.bool_]] = (),
    small: bool = False,
    quantise: int | None = None,
    allocate: Allocate = np.zeros,
) -> NgramTables:
    """The tables of a model from counts of orders 1 to N; there must be at least one token.

    Args:
        least: for each order, the occurrences that an n-gram needs to be kept; rising; default 1.
            All types stay.
        keep: or, for orders 2 to N, which n-grams are kept; the prefix and suffix of each must be
            kept too.
        small, quantise, allocate: see ``tables.assemble``.

    >>> counts = np.array([0, 2, 2])
    >>> unigrams = OrderCounts(keys=np.arange(3), counts=counts, raw=counts)
    >>> tables = estimate([unigrams], vocab_size=3)  # fixed discounts: 1/4 + (2/4) / 3
    >>> tables.unigrams.round(4)
    array([0.1667, 0.4167, 0.4167])
    """
    discounts, fixed = np.zeros((len(orders), 3)), np.zeros(len(orders), dtype=np.bool_)
    for n, level in enumerate(orders):
        amounts = closed_form_discounts(level.counts)
        fixed[n], discounts[n] = amounts is None, amounts or FIXED_DISCOUNTS
    discounted, remainder = _discounted_unigrams(orders[0], discounts[0])
    unigrams = np.minimum(discounted + remainder / vocab_size, 1.0)
    packed: list[OrderEntries] = []
    remainders: list[NDArray[np.float64]] = []
    # For the contexts: how many there were, and the new index of each one kept (None: all were
    # kept).
    contexts, new_indices, kept_contexts = vocab_size + 1, None, vocab_size + 1
    for n, level in enumerate(orders[1:], start=2):
        stays = _stays(level, least[n - 1] if least else 1, keep[n - 2] if keep else None)
        taken = np.concatenate([[0.0], discounts[n - 1]])
        total, freed = allocate(contexts, np.float64), allocate(contexts, np.float64)
        for some in chunks(len(level.keys)):
            parents, counts = level.keys[some] // vocab_size, level.counts[some]
            off = np.where(stays(some), taken[np.minimum(counts, 3)], counts)
            # Contexts come in order, so those of a chunk are few and near each other.
            first, last = int(parents[0]), int(parents[-1]) + 1
            total[first:last] += np.bincount(parents - first, weights=counts)
            freed[first:last] += np.bincount(parents - first, weights=off)
        # A context without words takes nothing from the order below: its remainder is 1.
        remainder = allocate(kept_contexts, np.float64)
        for some in chunks(contexts):
            freed_part = np.divide(freed[some], total[some], out=np.ones(some.stop - some.start), where=total[some] > 0)
            if new_indices is None:
                remainder[some] = freed_part
            else:
                still = new_indices[some] >= 0
                remainder[new_indices[some][still]] = np.minimum(freed_part[still], 1.0)
        remainders.append(remainder)
        contexts = len(level.keys)
        kept, keys, new_indices = _kept(level, stays, new_indices, vocab_size, allocate)
        kept_contexts = len(keys)
        packed.append(OrderEntries(keys, _discounted(level, kept, taken, total, vocab_size)))
    return assemble(
        unigrams,
        packed,
        remainders,
        discounts=discounts,
        fixed=fixed,
        interpolated=True,
        closed=True,
        small=small,
        quantise=quantise,
        allocate=allocate,
    )


def _stays(level: OrderCounts, needed: int, keep: NDArray[np.bool_] | None) -> "_Stays":
    """Which of some n-grams are kept."""
    if keep is not None:
        return lambda some: keep[some]
    return lambda some: level.raw[some] >= needed


def _discounted_unigrams(level: OrderCounts, discounts: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    taken = np.concatenate([[0.0], discounts])[np.minimum(level.counts, 3)]
    total = level.counts.sum()
    return (level.counts - taken) / total, float(taken.sum() / total)


def _discounted(
    level: OrderCounts,
    kept: NDArray[np.int64] | None,
    taken: NDArray[np.float64],
    total: NDArray[np.float64],
    vocab_size: int,
) -> Callable[[slice], NDArray[np.float64]]:
    """The discounted probabilities of some of the kept n-grams."""

    def discounted(some: slice) -> NDArray[np.float64]:
        which = some if kept is None else kept[some]
        counts = level.counts[which]
        return (counts - taken[np.minimum(counts, 3)]) / total[level.keys[which] // vocab_size]

    return discounted


def _kept(
    level: OrderCounts,
    stays: "_Stays",
    new_indices: NDArray[np.int64] | None,
    vocab_size: int,
    allocate: Allocate,
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64], NDArray[np.int64] | None]:
    """Which n-grams stay, their keys with contexts renumbered, and new indices (-1: removed)."""
    count = sum(int(stays(some).sum()) for some in chunks(len(level.keys)))
    if count == len(level.keys) and new_indices is None:
        return None, level.keys, None
    kept, keys = allocate(count, np.int64), allocate(count, np.int64)
    after = allocate(len(level.keys), np.int64)
    done = 0
    for some in chunks(len(level.keys)):
        here = stays(some)
        which = np.flatnonzero(here) + some.start
        end = done + len(which)
        after[some] = np.where(here, done + np.cumsum(here) - 1, -1)
        kept[done:end] = which
        old = level.keys[which]
        # Kept n-grams have kept contexts, so that none of these is -1.
        context = old // vocab_size if new_indices is None else new_indices[old // vocab_size]
        keys[done:end] = context * vocab_size + old % vocab_size
        done = end
    return kept, keys, after
