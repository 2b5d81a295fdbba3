"""Expected counts and plain counts as one back-off model, mixed with weights fitted to a validation
text.

    p(w|h) = a (E(hw) + R(h) p(w|h')) / n(h)               the language model's predictions
           + c (discounted(hw) + remainder(h) p(w|h'))     Kneser-Ney over the counted text
           + (1 - a - c) p(w|h')                           h' is h without its first token

R(h) is n(h) less all E(hw), which are scaled down where their sum is larger. The weights a and c
depend on the order and on the binary logarithm of n(h), since few visits deserve little trust. They
are fitted by expectation maximisation (Jelinek and Mercer 1980).
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
from elman.models.ngram.prune import context_probs

_BUCKETS = 12
_ROUNDS = 40
_FIRST = (0.4, 0.4, 0.2)
_TRUST = 5.0
"""Pseudo-counts for the initial weights, so that a few tokens cannot decide."""

Floats = NDArray[np.float64]


class _Layer(NamedTuple):
    """The n-grams of one order, and their contexts."""

    keys: NDArray[np.int64]
    expected: Floats
    """E(hw) / n(h)."""
    discounted: Floats
    expected_remainder: Floats
    """R(h) / n(h), for each context."""
    remainder: Floats
    bucket: NDArray[np.int64]
    """The bucket of each context, by n(h); -1: the language model never read it."""


class Interpolation:
    """Two sources of counts over the union of their n-grams.

    Args:
        expected: a language model's expected counts, orders 1 to N.
        orders: plain counts, orders 1 to N.
    """

    def __init__(self, expected: ExpectedCounts, orders: Sequence[OrderCounts]) -> None:
        size = self.vocab_size = len(expected.sums[0])
        counted = estimate(list(orders), vocab_size=size)
        keys, (expected_at, counted_at) = union([expected.keys, tuple(level.keys for level in orders[1:])], size)
        self.weights = np.tile(_FIRST, (len(keys), _BUCKETS, 1))
        """a, c and 1 - a - c, for orders 2 to N and each bucket."""
        self.unigram_weight = 0.5
        """The language model's weight among the unigrams."""
        self.context_probs: list[Floats] = []
        """The probability of each context of orders 1 to N-1, as pruning needs it: the mean of both
        texts' frequencies."""
        self._unigrams = expected.sums[0] / expected.sums[0].sum(), counted.unigrams
        self._layers: list[_Layer] = []
        contexts = size + 1
        at_context = np.arange(contexts), np.arange(contexts)
        counted_probs = context_probs(orders, size)
        for n, (own, at_expected, at_counted) in enumerate(zip(keys, expected_at, counted_at, strict=True), start=2):
            visits, remainder = np.zeros(contexts), np.ones(contexts)
            visits[at_context[0]] = expected.visits[n - 2]
            remainder[at_context[1]] = counted.remainders(n - 1, np.arange(len(at_context[1])))
            discounted, sums = np.zeros(len(own)), np.zeros(len(own))
            discounted[at_counted] = counted.values(n, np.arange(len(at_counted)))
            sums[at_expected] = expected.sums[n - 1]
            parents = own // size
            total = np.bincount(parents, weights=sums, minlength=contexts)
            read = np.maximum(np.maximum(visits, total), 1.0)
            bucket = np.minimum(np.log2(np.maximum(visits, 1.0)).astype(np.int64), _BUCKETS - 1)
            bucket[visits == 0] = -1
            self._layers.append(_Layer(own, sums / read[parents], discounted, 1.0 - total / read, remainder, bucket))
            mean_probs = 0.5 * visits / expected.sums[0].sum()
            mean_probs[at_context[1]] += 0.5 * counted_probs[n - 2]
            self.context_probs.append(mean_probs)
            contexts, at_context = len(own), (at_expected, at_counted)

    def fit(self, ids: NDArray[np.integer], starts: NDArray[np.bool_]) -> float:
        """Fit the weights to a text; returns its perplexity, each line alone.

        Args:
            ids: the text's tokens.
            starts: which of them begin a line.
        """
        tokens = np.asarray(ids).astype(np.int64)
        levels = self._along(tokens, starts)
        unigrams = np.stack([each[tokens] for each in self._unigrams], axis=1)
        nats = 0.0
        for _ in range(_ROUNDS):
            # Up the orders: the three terms' probabilities, and the part of the shorter context in
            # them.
            first = np.array([self.unigram_weight, 1.0 - self.unigram_weight])
            probs = unigrams @ first
            steps = []
            for mixture, (bucket, own, down) in zip(self.weights, levels, strict=True):
                weights = _weights(mixture, bucket)
                parts = weights * (own + down * probs[:, None])
                handed = (weights * down).sum(axis=1) * probs
                probs = parts.sum(axis=1)
                steps.append((bucket, parts / probs[:, None], handed / probs))
            nats = -float(np.log(probs).mean())
            # And down again: how likely the token came from this order or below, and from which
            # term.
            reached = np.ones(len(tokens))
            for mixture, (bucket, parts, handed) in zip(self.weights[::-1], steps[::-1], strict=True):
                known = bucket >= 0
                for column in range(3):
                    credit = (reached * parts[:, column])[known]
                    mixture[:, column] = np.bincount(bucket[known], weights=credit, minlength=_BUCKETS)
                mixture += _TRUST * np.array(_FIRST)
                mixture /= mixture.sum(axis=1, keepdims=True)
                reached *= handed
            credit = reached @ (unigrams * first / (unigrams @ first)[:, None])
            self.unigram_weight = float((credit[0] + 0.5 * _TRUST) / (credit.sum() + _TRUST))
        return float(np.exp(nats))

    def tables(self) -> BackoffTables:
        """The model as one table."""
        said, counted = self._unigrams
        probs, remainders = [self.unigram_weight * said + (1.0 - self.unigram_weight) * counted], []
        keys = [layer.keys for layer in self._layers]
        plain = BackoffTables(keys=tuple(keys), log10_probs=(np.zeros(self.vocab_size, np.float32),), log10_backoffs=())
        for mixture, layer, ends in zip(self.weights, self._layers, suffixes_of(plain), strict=True):
            parents = layer.keys // self.vocab_size
            weights = _weights(mixture, layer.bucket)
            down = weights[:, 0] * layer.expected_remainder + weights[:, 1] * layer.remainder + weights[:, 2]
            own = weights[parents, 0] * layer.expected + weights[parents, 1] * layer.discounted
            probs.append(own + down[parents] * probs[-1][ends])
            remainders.append(down)
        return BackoffTables(
            keys=tuple(keys),
            log10_probs=tuple(np.minimum(np.log10(each), 0.0).astype(np.float32) for each in probs),
            log10_backoffs=tuple(np.log10(each).astype(np.float32) for each in remainders),
        )

    def _along(
        self, tokens: NDArray[np.int64], starts: NDArray[np.bool_]
    ) -> list[tuple[NDArray[np.int64], Floats, Floats]]:
        """For each order: the context's bucket, the three terms' own probabilities, and their
        remainders.
        """
        levels = []
        contexts = shifted(tokens, starts, first=self.vocab_size)
        for layer in self._layers:
            there = contexts >= 0
            wanted = np.where(there, contexts * self.vocab_size + tokens, -1)
            indices = np.minimum(np.searchsorted(layer.keys, wanted), max(len(layer.keys) - 1, 0))
            hit = np.zeros(len(tokens), np.bool_)
            hit[there] = layer.keys[indices[there]] == wanted[there] if len(layer.keys) else False
            own, down = np.zeros((len(tokens), 3)), np.ones((len(tokens), 3))
            own[hit, 0], own[hit, 1] = layer.expected[indices[hit]], layer.discounted[indices[hit]]
            down[there, 0], down[there, 1] = layer.expected_remainder[contexts[there]], layer.remainder[contexts[there]]
            levels.append((np.where(there, layer.bucket[contexts], -1), own, down))
            contexts = shifted(np.where(hit, indices, -1), starts, first=-1)
        return levels


def _weights(mixture: Floats, bucket: NDArray[np.int64]) -> Floats:
    """The three weights of each context; contexts that the language model never read use the counts
    alone.
    """
    return np.where((bucket >= 0)[:, None], mixture[bucket], [0.0, 1.0, 0.0])


def union(
    tables: Sequence[Sequence[NDArray[np.int64]]], vocab_size: int
) -> tuple[list[NDArray[np.int64]], list[list[NDArray[np.int64]]]]:
    """All n-grams of several tables, orders 2 to N, and for each table its n-grams' indices among
    them.

    >>> keys, indices = union([(np.array([1, 6]),), (np.array([2, 6]),)], 3)
    >>> keys, indices[1]
    ([array([1, 2, 6])], [array([1, 2])])
    """
    keys: list[NDArray[np.int64]] = []
    indices: list[list[NDArray[np.int64]]] = [[] for _ in tables]
    for order in range(len(tables[0])):
        own = []
        for of, own_indices in zip(tables, indices, strict=True):
            contexts, words = np.divmod(of[order], vocab_size)
            own.append((own_indices[-1][contexts] if own_indices else contexts) * vocab_size + words)
        joined = np.unique(np.concatenate(own))
        keys.append(joined)
        for mine, own_indices in zip(own, indices, strict=True):
            own_indices.append(np.searchsorted(joined, mine))
    return keys, indices
