"""Expected counts: a language model's predictions along a text, summed for each n-gram.

    E(hw) = sum of p(w | all that was read) over the positions after h, without tiny ones

A count says which word came; an expected count says how likely each word was, so a few positions
tell a lot. The tiny probabilities are not lost: their sum is the remainder of the context, ``n(h)``
less all its E, and goes to the shorter context.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram.chunks import chunks
from elman.models.ngram.counts import distinct, line_starts, shifted
from elman.text.tokenizer import EOS_ID

SMALL = 0.004
"""Smaller probabilities count for n-grams of two tokens only ..."""
EVERY = 8
"""... and are sampled at one position in this many, which stands for the others."""
_LEAST_SUM = 0.02
"""N-grams of three or more tokens with a smaller sum are left out; pruning would remove them
anyway."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Predictions:
    """A model's predictions along a text."""

    ids: NDArray[np.int64]
    """The text's tokens."""
    documents: NDArray[np.int64]
    """Where documents begin in them; a line ends there too."""
    positions: NDArray[np.integer]
    """Positions of likely words, in any order: before which token; ..."""
    words: NDArray[np.integer]
    """... which word ..."""
    probs: NDArray[np.floating]
    """... and how likely. Those below SMALL at one place in EVERY only."""
    unigrams: NDArray[np.float64]
    """The probability of every type, however small, summed over all positions."""


def joined(texts: Sequence[Predictions]) -> Predictions:
    """Several texts as one."""
    starts = np.cumsum([0, *(len(text.ids) for text in texts)])
    return Predictions(
        ids=np.concatenate([text.ids for text in texts]),
        documents=np.concatenate([text.documents + start for text, start in zip(texts, starts, strict=False)]),
        positions=np.concatenate([text.positions + start for text, start in zip(texts, starts, strict=False)]),
        words=np.concatenate([text.words for text in texts]),
        probs=np.concatenate([text.probs for text in texts]),
        unigrams=np.sum([text.unigrams for text in texts], axis=0),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpectedCounts:
    """The sums, for n-grams of orders 1 to N."""

    keys: tuple[NDArray[np.int64], ...]
    """Orders 2 to N, as in BackoffTables: all n-grams that were likely somewhere, and all contexts
    of the text."""
    sums: tuple[NDArray[np.float64], ...]
    """E(hw), orders 1 to N."""
    visits: tuple[NDArray[np.float64], ...]
    """n(h): how many tokens followed each context of 1 to N-1 tokens; at order 1, `<s>` last."""


def expected_counts(text: Predictions, *, order: int) -> ExpectedCounts:
    """Sum up the predictions.

    >>> ids, documents = np.array([2, 1]), np.array([0, 2])                    # one line: "2 </s>"
    >>> said = {"positions": np.array([0, 1, 1]), "words": np.array([2, 1, 2]), "probs": np.array([0.7, 0.5, 0.4])}
    >>> text = Predictions(ids=ids, documents=documents, **said, unigrams=np.ones(3))
    >>> counts = expected_counts(text, order=2)
    >>> counts.keys[0] // 3, counts.keys[0] % 3, counts.sums[1], counts.visits[0]  # after 2: 1 and 2; after <s>: 2
    (array([2, 2, 3]), array([1, 2, 2]), array([0.5, 0.4, 0.7]), array([0., 0., 1., 1.]))
    """
    size = len(text.unigrams)
    starts = line_starts(text.ids, text.documents, EOS_ID)
    keys, sums, visits = [], [text.unigrams], []
    # The node just before each token: -1 reaches out of the line.
    contexts, nodes = shifted(text.ids, starts, first=size), size + 1
    for n in range(2, order + 1):
        visits.append(np.bincount(contexts[contexts >= 0], minlength=nodes).astype(np.float64))
        said, total = _summed(text, contexts, whole=n == 2)
        if n > 2:
            said, total = said[total >= _LEAST_SUM], total[total >= _LEAST_SUM]
        # The text's own n-grams are the contexts of the next order.
        here = np.flatnonzero(contexts >= 0) if n < order else np.empty(0, np.int64)
        own = contexts[here] * size + text.ids[here]
        all_keys, _, _, ranks = distinct(np.concatenate([own, said]))
        keys.append(all_keys)
        sums.append(np.bincount(ranks[len(own) :], weights=total, minlength=len(all_keys)).astype(np.float64))
        ends = np.full(len(text.ids), -1)
        ends[here] = ranks[: len(own)]
        contexts, nodes = shifted(ends, starts, first=-1), len(all_keys)
    return ExpectedCounts(keys=tuple(keys), sums=tuple(sums), visits=tuple(visits))


def _summed(
    text: Predictions, contexts: NDArray[np.int64], *, whole: bool
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The predicted n-grams' keys and the sums of their probabilities; ``whole``: small ones
    too.
    """
    size = len(text.unigrams)
    keys: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    sums: list[NDArray[np.float64]] = [np.empty(0)]
    for some in chunks(len(text.positions)):
        before, probs = contexts[text.positions[some]], text.probs[some]
        small = probs < SMALL
        taken = (before >= 0) if whole else (before >= 0) & ~small
        distinct_keys, _, _, ranks = distinct(before[taken] * size + text.words[some][taken])
        keys.append(distinct_keys)
        weights = np.where(small, EVERY * probs, probs)[taken]
        sums.append(np.bincount(ranks, weights=weights, minlength=len(distinct_keys)).astype(np.float64))
    distinct_keys, _, _, ranks = distinct(np.concatenate(keys))
    return distinct_keys, np.bincount(ranks, weights=np.concatenate(sums), minlength=len(distinct_keys)).astype(
        np.float64
    )
