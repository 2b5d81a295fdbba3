"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998; estimated as in Heafield et
al. 2013).

    p(w | h) = share(hw) + rest(h) p(w | h')                      h' is h without its first token
    share(hw) = (a(hw) - D(a(hw))) / a(h.)
    rest(h)   = (D1 N1(h.) + D2 N2(h.) + D3 N3+(h.)) / a(h.)      what the discounts took off

``a`` are the adjusted counts of counts.py, ``a(h.)`` their sum over the words after h, ``Nk(h.)``
how many of those words have ``a = k``. Below the empty context lies the uniform distribution 1/V
over all types. What pruning takes out of the tables adds its whole ``a(hw) / a(h.)`` to the rest of
its context, so that sums stay 1.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.assemble import Order, assemble
from elman.models.ngram.chunks import Allocate, chunks
from elman.models.ngram.counts import OrderCounts
from elman.models.ngram.tables import NgramTables

FIXED_DISCOUNTS = (0.5, 1.0, 1.5)
"""For counts 1, 2, and 3 or more, where a small text or a cut vocabulary gives no discounts of its
own."""


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
    found = (1 - 2 * y * t[2] / t[1], 2 - 3 * y * t[3] / t[2], 3 - 4 * y * t[4] / t[3])
    return found if all(0 < amount <= k for k, amount in enumerate(found, start=1)) else None


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
        keep: or, for orders 2 to N, which n-grams are kept; with each one its beginning and its end
            must be.
        small, quantise, allocate: see ``tables.assemble``.

    >>> unigrams = OrderCounts(keys=np.arange(3), counts=np.array([0, 2, 2]), raw=np.array([0, 2, 2]))
    >>> tables = estimate([unigrams], vocab_size=3)      # fixed discounts: rest = (1 + 1) / 4, (2 - 1) / 4 + rest / 3
    >>> tables.unigrams.round(4)
    array([0.1667, 0.4167, 0.4167])
    """
    discounts, fixed = np.zeros((len(orders), 3)), np.zeros(len(orders), dtype=np.bool_)
    for n, level in enumerate(orders):
        amounts = closed_form_discounts(level.counts)
        fixed[n], discounts[n] = amounts is None, amounts or FIXED_DISCOUNTS
    shares, rest = _unigram_shares(orders[0], discounts[0])
    unigrams = np.minimum(shares + rest / vocab_size, 1.0)
    packed: list[Order] = []
    rests: list[NDArray[np.float64]] = []
    # Of the contexts: how many there were, and the new place of each that was kept; all were, where
    # there is None.
    contexts, places, kept_contexts = vocab_size + 1, None, vocab_size + 1
    for n, level in enumerate(orders[1:], start=2):
        stays = _stays(level, least[n - 1] if least else 1, keep[n - 2] if keep else None)
        taken = np.concatenate([[0.0], discounts[n - 1]])
        total, freed = allocate(contexts, np.float64), allocate(contexts, np.float64)
        for some in chunks(len(level.keys)):
            parents, counts = level.keys[some] // vocab_size, level.counts[some]
            off = np.where(stays(some), taken[np.minimum(counts, 3)], counts)
            # Contexts come in order, so that those of a part are few and near each other.
            first, last = int(parents[0]), int(parents[-1]) + 1
            total[first:last] += np.bincount(parents - first, weights=counts)
            freed[first:last] += np.bincount(parents - first, weights=off)
        # A context without words takes nothing from the order below: its rest is 1.
        rest = allocate(kept_contexts, np.float64)
        for some in chunks(contexts):
            found = np.divide(freed[some], total[some], out=np.ones(some.stop - some.start), where=total[some] > 0)
            if places is None:
                rest[some] = found
            else:
                still = places[some] >= 0
                rest[places[some][still]] = np.minimum(found[still], 1.0)
        rests.append(rest)
        contexts = len(level.keys)
        kept, keys, places = _kept(level, stays, places, vocab_size, allocate)
        kept_contexts = len(keys)
        packed.append(Order(keys, _shares(level, kept, taken, total, vocab_size)))
    return assemble(
        unigrams,
        packed,
        rests,
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


def _unigram_shares(level: OrderCounts, discounts: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    taken = np.concatenate([[0.0], discounts])[np.minimum(level.counts, 3)]
    total = level.counts.sum()
    return (level.counts - taken) / total, float(taken.sum() / total)


def _shares(
    level: OrderCounts,
    kept: NDArray[np.int64] | None,
    taken: NDArray[np.float64],
    total: NDArray[np.float64],
    vocab_size: int,
) -> Callable[[slice], NDArray[np.float64]]:
    """The shares of some of the n-grams that were kept."""

    def shares(some: slice) -> NDArray[np.float64]:
        which = some if kept is None else kept[some]
        counts = level.counts[which]
        return (counts - taken[np.minimum(counts, 3)]) / total[level.keys[which] // vocab_size]

    return shares


def _kept(
    level: OrderCounts,
    stays: "_Stays",
    places: NDArray[np.int64] | None,
    vocab_size: int,
    allocate: Allocate,
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64], NDArray[np.int64] | None]:
    """Which n-grams stay, their keys with contexts renumbered, and each one's new place (-1: it
    went).
    """
    count = sum(int(stays(some).sum()) for some in chunks(len(level.keys)))
    if count == len(level.keys) and places is None:
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
        # What is kept has a context that is, so that none of these is -1.
        context = old // vocab_size if places is None else places[old // vocab_size]
        keys[done:end] = context * vocab_size + old % vocab_size
        done = end
    return kept, keys, after
