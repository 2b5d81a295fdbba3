"""Leaving out n-grams that hardly matter: relative-entropy pruning (Stolcke 1998).

Without the n-gram hw, the shorter context gives its probability, and the backoff weight of h
changes so that all still sums to 1. The cost is the relative entropy between the distributions
before and after:

    D = -P(h) (p(w|h) (log p(w|h') + log b' - log p(w|h)) + (log b' - log b) (1 - s))

with the backoff weights b before and b' after, and s the sum of p(v|h) over all kept v. An n-gram
goes if the relative rise of the training text's perplexity, ``exp(D) - 1``, is below the limit. It
stays as long as it is the prefix or suffix of a longer one that stays.

The same choice (``worth_keeping``) can be made in a Kneser-Ney model (``kneser_ney.estimate``):
then discounted probabilities stay, and their context's remainder grows by what is lost. That is
nearly the same and keeps few distinct values.

P(h) is how often h occurred. The lower orders of a Kneser-Ney model estimate something else (the
number of contexts); pruning with them as P(h) loses more (Chelba, Brants, Neveitt and Xu 2010).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.backoff_form import suffixes_of
from elman.models.ngram.counts import OrderCounts, shifted
from elman.text.tokenizer import EOS_ID

_LEAST = 1e-12
_ROUNDS = 50
"""Of computing how often each word occurs; far more than it takes to settle."""


def prune(tables: BackoffTables, context_probs: Sequence[NDArray[np.float64]], limit: float) -> BackoffTables:
    """The tables with the n-grams ``worth_keeping``, their probabilities, and new backoff
    weights.
    """
    return _without(tables, worth_keeping(tables, context_probs, limit), suffixes_of(tables))


def worth_keeping(
    tables: BackoffTables, context_probs: Sequence[NDArray[np.float64]], limit: float
) -> list[NDArray[np.bool_]]:
    """Which n-grams of orders 2 to N stay.

    Args:
        context_probs: P(h) for the contexts of orders 1 to N-1: the share of the text's tokens that
            follow h.
        limit: for example 1e-7.
    """
    return _kept(tables, _losses(tables, context_probs), suffixes_of(tables), limit)


def prune_to(tables: BackoffTables, context_probs: Sequence[NDArray[np.float64]], ngrams: int) -> BackoffTables:
    """The tables with at most ``ngrams`` n-grams of orders 2 to N, those that matter most; see
    ``prune``.
    """
    return prune_until(tables, context_probs, lambda counts: sum(counts) <= ngrams)


def prune_until(
    tables: BackoffTables, context_probs: Sequence[NDArray[np.float64]], fits: Callable[[list[int]], bool]
) -> BackoffTables:
    """The tables with those n-grams that matter most, as many as ``fits`` accepts; see ``prune``.

    Args:
        fits: whether this many n-grams of orders 2 to N are allowed; fewer always are too.
    """
    if fits([len(own) for own in tables.keys]):
        return tables
    losses, suffixes = _losses(tables, context_probs), suffixes_of(tables)
    # Logarithms of two limits: few enough n-grams stay with one, too many with the other.
    few, many = 0.0, -60.0
    kept = [np.zeros(len(own), np.bool_) for own in tables.keys]
    while few - many > 1e-3:
        middle = 0.5 * (few + many)
        which = _kept(tables, losses, suffixes, float(np.exp(middle)))
        if fits([int(np.count_nonzero(each)) for each in which]):
            few, kept = middle, which
        else:
            many = middle
    return _without(tables, kept, suffixes)


def _losses(tables: BackoffTables, context_probs: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """For each n-gram of orders 2 to N, the relative rise of the perplexity without it."""
    size = len(tables.log10_probs[0])
    probs = [10.0 ** each.astype(np.float64) for each in tables.log10_probs]
    losses = []
    for n, (own, suffixes) in enumerate(zip(tables.keys, suffixes_of(tables), strict=True), start=2):
        p, parents, lower = probs[n - 1], own // size, probs[n - 2][suffixes]
        contexts = len(context_probs[n - 2])
        left = np.maximum(1.0 - np.bincount(parents, weights=p, minlength=contexts), _LEAST)[parents]
        free = np.maximum(1.0 - np.bincount(parents, weights=lower, minlength=contexts), _LEAST)[parents]
        before, after = np.log(left / free), np.log((left + p) / (free + lower))
        loss = -context_probs[n - 2][parents] * (p * (np.log(lower) + after - np.log(p)) + (after - before) * left)
        losses.append(np.expm1(loss))
    return losses


def _kept(
    tables: BackoffTables, losses: Sequence[NDArray[np.float64]], suffixes: Sequence[NDArray[np.int64]], limit: float
) -> list[NDArray[np.bool_]]:
    """Which n-grams cost the limit or more, or are part of longer ones that stay."""
    size = len(tables.log10_probs[0])
    kept = [loss >= limit for loss in losses]
    for n in range(len(kept) - 1, 0, -1):
        above = np.flatnonzero(kept[n])
        kept[n - 1][tables.keys[n][above] // size] = True
        kept[n - 1][suffixes[n][above]] = True
    return kept


def context_probs(orders: Sequence[OrderCounts], vocab_size: int) -> list[NDArray[np.float64]]:
    """P(h) for the contexts of orders 1 to N-1, as ``prune`` needs it: the share of tokens that
    follow each.
    """
    total = float(orders[0].raw.sum())
    sizes = [vocab_size + 1, *(len(level.keys) for level in orders[1:])]
    return [
        np.bincount(level.keys // vocab_size, weights=level.raw, minlength=size) / total
        for level, size in zip(orders[1:], sizes, strict=False)
    ]


def context_probs_in(
    tables: BackoffTables, ids: NDArray[np.integer], line_starts: NDArray[np.bool_]
) -> list[NDArray[np.float64]]:
    """P(h) for the contexts of orders 1 to N-1, as ``prune`` needs it: the share of a text's tokens
    that follow each.

    Args:
        ids: the text's tokens.
        line_starts: which of them begin a line.
    """
    size, tokens = tables.vocab_size, np.asarray(ids).astype(np.int64)
    contexts, probs = shifted(tokens, line_starts, first=size), []
    nodes = size + 1
    for own in tables.keys:
        seen = contexts >= 0
        probs.append(np.bincount(contexts[seen], minlength=nodes) / len(tokens))
        wanted = np.where(seen, contexts * size + tokens, -1)
        indices = np.minimum(np.searchsorted(own, wanted), max(len(own) - 1, 0))
        hit = seen & (own[indices] == wanted) if len(own) else np.zeros(len(tokens), np.bool_)
        contexts, nodes = shifted(np.where(hit, indices, -1), line_starts, first=-1), len(own)
    return probs


def context_probs_without_text(tables: BackoffTables) -> list[NDArray[np.float64]]:
    """As ``context_probs_in``, from the model alone: how often each context would occur in text
    that it makes up by its bigrams.
    """
    size = tables.vocab_size
    if not tables.keys:
        return []
    parents, words = np.divmod(tables.keys[0], size)
    pairs, weights = 10.0 ** tables.log10_probs[1].astype(np.float64), 10.0 ** tables.log10_backoffs[0].astype(float)
    unigrams = 10.0 ** tables.log10_probs[0].astype(np.float64)
    probs = np.append(unigrams, unigrams[EOS_ID])
    for _ in range(_ROUNDS):
        # `</s>` is followed by the next line's start.
        probs[size], ends = probs[EOS_ID], probs[EOS_ID]
        probs[EOS_ID] = 0.0
        held = probs * weights
        back = held.sum() - np.bincount(words, weights=held[parents], minlength=size)
        found = np.bincount(words, weights=probs[parents] * pairs, minlength=size) + back * unigrams
        probs[EOS_ID] = ends
        # The mean with the round before: words that follow each other in turn settle too.
        probs[:size], probs[size] = 0.5 * (probs[:size] + found / found.sum()), 0.0
    probs[size], probs[EOS_ID] = probs[EOS_ID], 0.0
    found = [probs]
    for own, log10_probs in zip(tables.keys[:-1], tables.log10_probs[1:-1], strict=True):
        found.append(found[-1][own // size] * 10.0 ** log10_probs.astype(np.float64))
    return found


def _without(
    tables: BackoffTables, kept: Sequence[NDArray[np.bool_]], suffixes: Sequence[NDArray[np.int64]]
) -> BackoffTables:
    """The tables with only the kept n-grams, with new indices and backoff weights."""
    size = len(tables.log10_probs[0])
    # The old indices of the contexts that stay, and the new index of each old one.
    old = new_indices = np.arange(size + 1)
    new_keys, new_probs, new_weights = [], [tables.log10_probs[0]], []
    below = 10.0 ** tables.log10_probs[0].astype(np.float64)
    below_indices = np.arange(size)
    contexts = size + 1
    for n, (own, stays) in enumerate(zip(tables.keys, kept, strict=True), start=2):
        which = np.flatnonzero(stays)
        parents, words = new_indices[own[which] // size], own[which] % size
        new_keys.append(parents * size + words)
        new_probs.append(tables.log10_probs[n - 1][which])
        p = 10.0 ** new_probs[-1].astype(np.float64)
        lower = below[below_indices[suffixes[n - 2][which]]]
        left = 1.0 - np.bincount(parents, weights=p, minlength=contexts)
        free = 1.0 - np.bincount(parents, weights=lower, minlength=contexts)
        backoff_weight = tables.log10_backoffs[n - 2][old].astype(np.float64)
        # Contexts that lost nothing keep their weight exactly: it could not be computed again from
        # small numbers.
        lost = (np.bincount(own[~stays] // size, minlength=len(tables.log10_backoffs[n - 2])) > 0)[old]
        has = np.bincount(parents, minlength=contexts) > 0
        backoff_weight[lost] = 0.0
        both = lost & has
        backoff_weight[both] = np.log10(np.maximum(left[both], _LEAST) / np.maximum(free[both], _LEAST))
        new_weights.append(backoff_weight.astype(np.float32))
        old = which
        new_indices = np.full(len(own), -1)
        new_indices[which] = np.arange(len(which))
        below, below_indices, contexts = p, new_indices, len(which)
    return BackoffTables(keys=tuple(new_keys), log10_probs=tuple(new_probs), log10_backoffs=tuple(new_weights))
