"""GLEU: how well a text was corrected, from 0 to 100.

N-grams of the correction count if the reference has them; those that it shares with the source
alone are taken off (Napoles et al., "Ground truth for grammatical error correction metrics", 2015,
in the form without tuned weights of "GLEU without tuning", 2016). Words are what stands between
blanks.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.metrics.tags import SentenceFigure

ORDER = 4
DRAWS = 500
"""With several references, one is drawn for each sentence so many times, and the figures are
averaged."""


def gleu(source: Sequence[str], predicted: Sequence[str], *references: Sequence[str], seed: int = 1) -> float:
    """GLEU of a text with one or several references of each sentence.

    >>> round(gleu(["he go home now"], ["he goes home now"], ["he goes home now"]), 1)
    100.0
    >>> gleu(["he go home now"], ["he go home now"], ["he goes home now"])
    0.0
    """
    counts = np.array([_counts(source, predicted, each) for each in references])
    if len(references) == 1:
        return float(_score(counts[0].sum(axis=0)))
    rng, sentences = np.random.default_rng(seed), np.arange(len(predicted))
    drawn = (counts[rng.integers(len(references), size=len(predicted)), sentences] for _ in range(DRAWS))
    return float(np.mean([_score(each.sum(axis=0)) for each in drawn]))


def gleu_figure(source: Sequence[str], predicted: Sequence[str], reference: Sequence[str]) -> SentenceFigure:
    """GLEU as a figure of weighted sentences, for intervals."""
    counts = _counts(source, predicted, reference)
    return lambda weights: _score(weights @ counts)


def _counts(source: Sequence[str], predicted: Sequence[str], reference: Sequence[str]) -> NDArray[np.float64]:
    """Of each sentence ``[S, 2 + 2 ORDER]``: both lengths, then the n-grams that count, and all of
    them."""
    rows = []
    for given, made, wanted in zip(source, predicted, reference, strict=True):
        texts = [text.split() for text in (given, made, wanted)]
        row = [len(texts[1]), len(texts[2])]
        for size in range(1, ORDER + 1):
            before, found, right = (_ngrams(words, size) for words in texts)
            wrong = Counter({ngram: count for ngram, count in before.items() if ngram not in right})
            row += [max((found & right).total() - (found & wrong).total(), 0), found.total()]
        rows.append(row)
    return np.array(rows, np.float64)


def _ngrams(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[place : place + size]) for place in range(len(words) - size + 1))


def _score(sums: NDArray[Any]) -> NDArray[np.float64]:
    """GLEU of summed counts ``[.., 2 + 2 ORDER]``; 0 if one of them is."""
    some = np.maximum(sums, 1)
    precisions = np.log(some[..., 2::2] / some[..., 3::2]).mean(axis=-1)
    brevity = np.minimum(0, 1 - some[..., 1] / some[..., 0])
    return np.where((sums > 0).all(axis=-1), 100 * np.exp(brevity + precisions), 0.0)
