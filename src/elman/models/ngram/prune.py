"""Leaving out n-grams that hardly matter: relative-entropy pruning (Stolcke 1998).

Without the n-gram hw its probability is what the shorter context gives, and the rest of h is made
larger or smaller so that all still sums to 1. What that costs is the relative entropy between the
distributions before and after:

    D = -P(h) (p(w|h) (log p(w|h') + log b' - log p(w|h)) + (log b' - log b) (1 - sum over all kept v of p(v|h)))

with the rests b before and b' after. An n-gram goes if the perplexity of the training text rises by
a smaller share than the limit: ``exp(D) - 1``. It stays as long as a longer one needs it, at its
beginning or its end.

What ``worth_keeping`` finds can be taken out of a Kneser-Ney model as well
(``kneser_ney.estimate``): then shares stay as they are and their context's rest takes over what is
lost, which is nearly the same and keeps few different values.

P(h) is how often h occurred. The lower orders of a Kneser-Ney model say something else (in how many
contexts), and histories weighted by them lose more (Chelba, Brants, Neveitt and Xu 2010).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.backoff_form import suffixes_of
from elman.models.ngram.counts import OrderCounts

_LEAST = 1e-12


def prune(tables: BackoffTables, shares: Sequence[NDArray[np.float64]], limit: float) -> BackoffTables:
    """The tables without what is not ``worth_keeping``; what stays keeps its probability, and rests
    are made anew.
    """
    return _without(tables, worth_keeping(tables, shares, limit), suffixes_of(tables))


def worth_keeping(
    tables: BackoffTables, shares: Sequence[NDArray[np.float64]], limit: float
) -> list[NDArray[np.bool_]]:
    """Which n-grams of orders 2 to N stay.

    Args:
        shares: for the contexts of orders 1 to N-1, the share of the text's tokens that follow
            them.
        limit: for example 1e-7.
    """
    return _kept(tables, _losses(tables, shares), suffixes_of(tables), limit)


def prune_to(tables: BackoffTables, shares: Sequence[NDArray[np.float64]], ngrams: int) -> BackoffTables:
    """The tables with at most so many n-grams of orders 2 to N, those that matter most; ``shares``
    as for ``prune``.
    """
    if sum(map(len, tables.keys)) <= ngrams:
        return tables
    losses, suffixes = _losses(tables, shares), suffixes_of(tables)
    # Logarithms of limits: one with which few enough stay, and one with which too many do.
    few, many = 0.0, -60.0
    kept = [np.zeros(len(own), np.bool_) for own in tables.keys]
    while few - many > 1e-3:
        middle = 0.5 * (few + many)
        found = _kept(tables, losses, suffixes, float(np.exp(middle)))
        if sum(map(np.count_nonzero, found)) > ngrams:
            many = middle
        else:
            few, kept = middle, found
    return _without(tables, kept, suffixes)


def _losses(tables: BackoffTables, shares: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """For each n-gram of orders 2 to N, by which share the perplexity rises without it."""
    size = len(tables.log10_probs[0])
    probs = [10.0 ** each.astype(np.float64) for each in tables.log10_probs]
    found = []
    for n, (own, suffixes) in enumerate(zip(tables.keys, suffixes_of(tables), strict=True), start=2):
        p, parents, lower = probs[n - 1], own // size, probs[n - 2][suffixes]
        contexts = len(shares[n - 2])
        left = np.maximum(1.0 - np.bincount(parents, weights=p, minlength=contexts), _LEAST)[parents]
        free = np.maximum(1.0 - np.bincount(parents, weights=lower, minlength=contexts), _LEAST)[parents]
        before, after = np.log(left / free), np.log((left + p) / (free + lower))
        loss = -shares[n - 2][parents] * (p * (np.log(lower) + after - np.log(p)) + (after - before) * left)
        found.append(np.expm1(loss))
    return found


def _kept(
    tables: BackoffTables, losses: Sequence[NDArray[np.float64]], suffixes: Sequence[NDArray[np.int64]], limit: float
) -> list[NDArray[np.bool_]]:
    """Which n-grams cost the limit or more, or are needed by longer ones that stay."""
    size = len(tables.log10_probs[0])
    kept = [loss >= limit for loss in losses]
    for n in range(len(kept) - 1, 0, -1):
        above = np.flatnonzero(kept[n])
        kept[n - 1][tables.keys[n][above] // size] = True
        kept[n - 1][suffixes[n][above]] = True
    return kept


def context_shares(orders: Sequence[OrderCounts], vocab_size: int) -> list[NDArray[np.float64]]:
    """For the contexts of orders 1 to N-1, the share of the text's tokens that follow each, as
    ``prune`` needs them.
    """
    total = float(orders[0].raw.sum())
    sizes = [vocab_size + 1, *(len(level.keys) for level in orders[1:])]
    return [
        np.bincount(level.keys // vocab_size, weights=level.raw, minlength=size) / total
        for level, size in zip(orders[1:], sizes, strict=False)
    ]


def _without(
    tables: BackoffTables, kept: Sequence[NDArray[np.bool_]], suffixes: Sequence[NDArray[np.int64]]
) -> BackoffTables:
    """The tables with only the kept n-grams; places and rests anew."""
    size = len(tables.log10_probs[0])
    # The contexts that are still there, by their old places, and new places by old ones.
    old = places = np.arange(size + 1)
    new_keys, new_probs, new_rests = [], [tables.log10_probs[0]], []
    below = 10.0 ** tables.log10_probs[0].astype(np.float64)
    below_places = np.arange(size)
    contexts = size + 1
    for n, (own, stays) in enumerate(zip(tables.keys, kept, strict=True), start=2):
        which = np.flatnonzero(stays)
        parents, words = places[own[which] // size], own[which] % size
        new_keys.append(parents * size + words)
        new_probs.append(tables.log10_probs[n - 1][which])
        p = 10.0 ** new_probs[-1].astype(np.float64)
        lower = below[below_places[suffixes[n - 2][which]]]
        left = 1.0 - np.bincount(parents, weights=p, minlength=contexts)
        free = 1.0 - np.bincount(parents, weights=lower, minlength=contexts)
        rest = tables.log10_backoffs[n - 2][old].astype(np.float64)
        # What lost nothing keeps its rest to the last bit: where both are small, it could not be
        # found again.
        lost = (np.bincount(own[~stays] // size, minlength=len(tables.log10_backoffs[n - 2])) > 0)[old]
        has = np.bincount(parents, minlength=contexts) > 0
        rest[lost] = 0.0
        both = lost & has
        rest[both] = np.log10(np.maximum(left[both], _LEAST) / np.maximum(free[both], _LEAST))
        new_rests.append(rest.astype(np.float32))
        old = which
        places = np.full(len(own), -1)
        places[which] = np.arange(len(which))
        below, below_places, contexts = p, places, len(which)
    return BackoffTables(keys=tuple(new_keys), log10_probs=tuple(new_probs), log10_backoffs=tuple(new_rests))
