"""The figures of a tagger on tagged sentences."""

from collections.abc import Callable, Sequence

import numpy as np

from elman.data.tagged import TaggedSentence
from elman.metrics.spans import SpanCounts
from elman.metrics.tags import TagCounts


def figures_of(
    sentences: Sequence[TaggedSentence],
    found: Sequence[Sequence[str]],
    *,
    scheme: str | None,
    is_known: Callable[[str], bool],
) -> dict[str, float]:
    """Accuracy of all words and of unknown ones; where tags mark spans, also precision, recall and
    F1.

    Args:
        found: the predicted tags of each sentence.
        is_known: whether training had a word.

    Returns:
        Shares by the names of ``TagCounts.figures`` and ``SpanCounts.figures``, and the number of
        words.
    """
    truth, words = [each.tags for each in sentences], [each.words for each in sentences]
    unknown = [[not is_known(word) for word in own] for own in words]
    every = TagCounts.count(truth, found, unknown=unknown).figures()
    names = ["accuracy", "unknown_accuracy"]
    if scheme is not None:
        every |= SpanCounts.count(words, truth, found, scheme=scheme).figures()
        names = ["f1", "precision", "recall", "accuracy"]
    names = [name for name in names if name in every]
    ones = np.ones(len(sentences), np.int64)
    return {**{name: float(every[name](ones)) for name in names}, "words": sum(map(len, words))}
