"""Expected counts and plain counts as one back-off model, in shares that suit a validation text.

    p(w|h) = a (E(hw) + R(h) p(w|h')) / n(h)               what the language model said, and what it left over
           + c (share(hw) + rest(h) p(w|h'))               what Kneser-Ney says of the text that was counted
           + (1 - a - c) p(w|h')                           h' is h without its first token

R(h) is n(h) less all E(hw), which are made smaller where they are more together. The shares a and c
depend on the order and on how often h was read, doubling by doubling, since few places deserve
little trust; they are found by expectation maximisation (Jelinek and Mercer 1980).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.backoff import BackoffTables
from elman.models.ngram.backoff_form import suffixes_of
from elman.models.ngram.counts import OrderCounts, shifted
from elman.models.ngram.expected_counts import ExpectedCounts
from elman.models.ngram.kneser_ney import estimate
from elman.models.ngram.prune import context_shares

_BUCKETS = 12
_ROUNDS = 40
_FIRST = (0.4, 0.4, 0.2)
_TRUST = 5.0
"""So many made-up tokens speak for the first shares, lest few real ones decide."""

Floats = NDArray[np.float64]


class _Layer(NamedTuple):
    """The n-grams of one order, and their contexts."""

    keys: NDArray[np.int64]
    expected: Floats
    """E(hw) / n(h)."""
    share: Floats
    left: Floats
    """R(h) / n(h), for each context."""
    rest: Floats
    bucket: NDArray[np.int64]
    """Of each context, by n(h); -1: never read, so that only the counts know it."""


class Interpolation:
    """Two sources of counts over the union of their n-grams.

    Args:
        expected: what a language model said, orders 1 to N.
        orders: plain counts, orders 1 to N.
    """

    def __init__(self, expected: ExpectedCounts, orders: Sequence[OrderCounts]) -> None:
        size = self.vocab_size = len(expected.sums[0])
        counted = estimate(list(orders), vocab_size=size)
        keys, (said, seen) = union([expected.keys, tuple(level.keys for level in orders[1:])], size)
        self.shares = np.tile(_FIRST, (len(keys), _BUCKETS, 1))
        """a, c and 1 - a - c, for orders 2 to N and each bucket."""
        self.unigram_share = 0.5
        """That of the language model among the unigrams."""
        self.context_shares: list[Floats] = []
        """For the contexts of orders 1 to N-1, the share of the tokens that follow each, as pruning
        needs them: half of what the model was asked about, half of what was counted."""
        self._unigrams = expected.sums[0] / expected.sums[0].sum(), counted.unigrams
        self._layers: list[_Layer] = []
        contexts = size + 1
        at_context = np.arange(contexts), np.arange(contexts)
        counted_shares = context_shares(orders, size)
        for n, (own, of_said, of_seen) in enumerate(zip(keys, said, seen, strict=True), start=2):
            visits, rest = np.zeros(contexts), np.ones(contexts)
            visits[at_context[0]] = expected.visits[n - 2]
            rest[at_context[1]] = counted.rests(n - 1, np.arange(len(at_context[1])))
            share, sums = np.zeros(len(own)), np.zeros(len(own))
            share[of_seen] = counted.values(n, np.arange(len(of_seen)))
            sums[of_said] = expected.sums[n - 1]
            parents = own // size
            total = np.bincount(parents, weights=sums, minlength=contexts)
            read = np.maximum(np.maximum(visits, total), 1.0)
            bucket = np.minimum(np.log2(np.maximum(visits, 1.0)).astype(np.int64), _BUCKETS - 1)
            bucket[visits == 0] = -1
            self._layers.append(_Layer(own, sums / read[parents], share, 1.0 - total / read, rest, bucket))
            half = 0.5 * visits / expected.sums[0].sum()
            half[at_context[1]] += 0.5 * counted_shares[n - 2]
            self.context_shares.append(half)
            contexts, at_context = len(own), (of_said, of_seen)

    def fit(self, ids: NDArray[np.integer], starts: NDArray[np.bool_]) -> float:
        """Find the shares that make a text most probable; gives its perplexity, each line alone.

        Args:
            ids: the text's tokens.
            starts: which of them begin a line.
        """
        tokens = np.asarray(ids).astype(np.int64)
        found = self._along(tokens, starts)
        unigrams = np.stack([each[tokens] for each in self._unigrams], axis=1)
        nats = 0.0
        for _ in range(_ROUNDS):
            # Down through the orders: what each of the three says, and how much of that is the
            # shorter context's.
            first = np.array([self.unigram_share, 1.0 - self.unigram_share])
            probs = unigrams @ first
            steps = []
            for shares, (bucket, own, down) in zip(self.shares, found, strict=True):
                weights = _weights(shares, bucket)
                said = weights * (own + down * probs[:, None])
                handed = (weights * down).sum(axis=1) * probs
                probs = said.sum(axis=1)
                steps.append((bucket, said / probs[:, None], handed / probs))
            nats = -float(np.log(probs).mean())
            # And up again: how likely the token got so far down, and who then said it.
            reached = np.ones(len(tokens))
            for shares, (bucket, said, handed) in zip(self.shares[::-1], steps[::-1], strict=True):
                known = bucket >= 0
                for column in range(3):
                    credit = (reached * said[:, column])[known]
                    shares[:, column] = np.bincount(bucket[known], weights=credit, minlength=_BUCKETS)
                shares += _TRUST * np.array(_FIRST)
                shares /= shares.sum(axis=1, keepdims=True)
                reached *= handed
            credit = reached @ (unigrams * first / (unigrams @ first)[:, None])
            self.unigram_share = float((credit[0] + 0.5 * _TRUST) / (credit.sum() + _TRUST))
        return float(np.exp(nats))

    def tables(self) -> BackoffTables:
        """The model as one table."""
        said, counted = self._unigrams
        probs, rests = [self.unigram_share * said + (1.0 - self.unigram_share) * counted], []
        keys = [layer.keys for layer in self._layers]
        plain = BackoffTables(keys=tuple(keys), log10_probs=(np.zeros(self.vocab_size, np.float32),), log10_backoffs=())
        for shares, layer, ends in zip(self.shares, self._layers, suffixes_of(plain), strict=True):
            parents = layer.keys // self.vocab_size
            weights = _weights(shares, layer.bucket)
            down = weights[:, 0] * layer.left + weights[:, 1] * layer.rest + weights[:, 2]
            own = weights[parents, 0] * layer.expected + weights[parents, 1] * layer.share
            probs.append(own + down[parents] * probs[-1][ends])
            rests.append(down)
        return BackoffTables(
            keys=tuple(keys),
            log10_probs=tuple(np.minimum(np.log10(each), 0.0).astype(np.float32) for each in probs),
            log10_backoffs=tuple(np.log10(each).astype(np.float32) for each in rests),
        )

    def _along(
        self, tokens: NDArray[np.int64], starts: NDArray[np.bool_]
    ) -> list[tuple[NDArray[np.int64], Floats, Floats]]:
        """For each order its context's bucket, what each of the three says, and what of the rest
        they hand down.
        """
        found = []
        contexts = shifted(tokens, starts, first=self.vocab_size)
        for layer in self._layers:
            there = contexts >= 0
            wanted = np.where(there, contexts * self.vocab_size + tokens, -1)
            places = np.minimum(np.searchsorted(layer.keys, wanted), max(len(layer.keys) - 1, 0))
            hit = np.zeros(len(tokens), np.bool_)
            hit[there] = layer.keys[places[there]] == wanted[there] if len(layer.keys) else False
            own, down = np.zeros((len(tokens), 3)), np.ones((len(tokens), 3))
            own[hit, 0], own[hit, 1] = layer.expected[places[hit]], layer.share[places[hit]]
            down[there, 0], down[there, 1] = layer.left[contexts[there]], layer.rest[contexts[there]]
            found.append((np.where(there, layer.bucket[contexts], -1), own, down))
            contexts = shifted(np.where(hit, places, -1), starts, first=-1)
        return found


def _weights(shares: Floats, bucket: NDArray[np.int64]) -> Floats:
    """The three shares of each context; the counts alone speak of one that the language model never
    read.
    """
    return np.where((bucket >= 0)[:, None], shares[bucket], [0.0, 1.0, 0.0])


def union(
    tables: Sequence[Sequence[NDArray[np.int64]]], vocab_size: int
) -> tuple[list[NDArray[np.int64]], list[list[NDArray[np.int64]]]]:
    """All n-grams that any of several tables has, orders 2 to N, and for each table where its own
    went.

    >>> keys, places = union([(np.array([1, 6]),), (np.array([2, 6]),)], 3)
    >>> keys, places[1]
    ([array([1, 2, 6])], [array([1, 2])])
    """
    keys: list[NDArray[np.int64]] = []
    places: list[list[NDArray[np.int64]]] = [[] for _ in tables]
    for order in range(len(tables[0])):
        own = []
        for of, found in zip(tables, places, strict=True):
            contexts, words = np.divmod(of[order], vocab_size)
            own.append((found[-1][contexts] if found else contexts) * vocab_size + words)
        joined = np.unique(np.concatenate(own))
        keys.append(joined)
        for mine, found in zip(own, places, strict=True):
            found.append(np.searchsorted(joined, mine))
    return keys, places
