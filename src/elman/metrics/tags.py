"""Figures of tagged sentences: accuracy of words, of unknown words and of whole sentences.

Counts are kept for each sentence, since the words of a sentence are not independent: intervals and
tests draw or swap whole sentences. S is the number of sentences and K that of tags.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from elman.metrics.labels import LabelTally

TagSequences = Sequence[Sequence[str]]
"""A tag for each word of each sentence."""
SentenceFigure = Callable[[NDArray[Any]], NDArray[np.float64]]
"""From how often each sentence counts ``[.., S]`` to the figure ``[..]``."""
MOST_CELLS = 20_000_000
"""Of a table of sentences and tags."""


@dataclasses.dataclass(frozen=True, eq=False)
class TagCounts:
    """The counts of each sentence that the figures follow from.

    >>> counts = TagCounts.count([["DET", "NOUN"], ["VERB"]], [["DET", "VERB"], ["VERB"]])
    >>> accuracy = counts.figures()["accuracy"]
    >>> accuracy(np.array([1, 1])).round(3), accuracy(np.array([0, 1]))
    (np.float64(0.667), np.float64(1.0))
    """

    names: tuple[str, ...]
    """Of the tags, sorted."""
    words: NDArray[np.int64]
    """Words of each sentence ``[S]``."""
    correct: NDArray[np.int64]
    """Words with the right tag ``[S]``."""
    unknown: NDArray[np.int64]
    """Unknown words ``[S]``."""
    unknown_correct: NDArray[np.int64]
    """Unknown words with the right tag ``[S]``."""
    by_tag: LabelTally | None
    """Counts of each tag ``[S, K]``; None where that is too large a table."""
    truth: NDArray[np.int64]
    """The tag of each word ``[N]``, an index into ``names``."""
    predicted: NDArray[np.int64]
    """``[N]``."""

    @classmethod
    def count(
        cls,
        truth: TagSequences,
        predicted: TagSequences,
        *,
        unknown: Sequence[Sequence[bool]] | None = None,
    ) -> Self:
        """Count the words of each sentence.

        Args:
            truth: of S sentences.
            predicted: as long as ``truth``, sentence by sentence.
            unknown: whether training did not have the word; by default none is unknown.
        """
        lengths = [len(tags) for tags in truth]
        assert lengths == [len(tags) for tags in predicted], "a tag for each word"
        pairs = (truth, predicted)
        names = sorted({tag for part in pairs for tags in part for tag in tags})
        index = {name: place for place, name in enumerate(names)}
        true, guessed = (np.array([index[tag] for tags in part for tag in tags], np.int64) for part in pairs)
        of_word = np.repeat(np.arange(len(truth)), lengths)
        new = np.zeros(len(true), bool)
        if unknown is not None:
            new = np.array([flag for flags in unknown for flag in flags], bool)
        correct = true == guessed
        chosen = (np.ones(len(true), bool), correct, new, new & correct)
        small = len(truth) * len(names) <= MOST_CELLS
        return cls(
            tuple(names),
            *(np.bincount(of_word[words], minlength=len(truth)) for words in chosen),
            by_tag=_by_tag(of_word, true, guessed, sentences=len(truth), labels=len(names)) if small else None,
            truth=true,
            predicted=guessed,
        )

    @property
    def total(self) -> LabelTally:
        """The counts of all words ``[K]``."""
        return LabelTally.count(self.truth, self.predicted, labels=len(self.names))

    def figures(self) -> dict[str, SentenceFigure]:
        """Functions of sentences' weights, by the lasting JSON names of their values.

        ``accuracy`` and, if there are any, ``unknown_accuracy`` are shares of words,
        ``sentence_accuracy`` the share of sentences without a mistake; ``macro_f1`` is the mean F1
        of the tags, which is left out if sentences times tags exceed ``MOST_CELLS``.
        """
        figures = {"accuracy": ratio(self.correct, self.words)}
        if self.unknown.any():
            figures["unknown_accuracy"] = ratio(self.unknown_correct, self.unknown)
        figures["sentence_accuracy"] = ratio(self.correct == self.words, np.ones(len(self.words)))
        by_tag = self.by_tag
        if by_tag is not None:
            figures["macro_f1"] = lambda weights: by_tag.summed(weights).macro_f1
        return figures


def ratio(above: NDArray[Any], below: NDArray[Any]) -> SentenceFigure:
    """A quotient of sums over sentences; 0 without a denominator.

    Args:
        above: of each sentence ``[S]``, whole numbers.
        below: ``[S]``.

    >>> float(ratio(np.array([1, 2]), np.array([2, 2]))(np.array([1, 1])))
    0.75
    """
    above, below = above.astype(np.float64), below.astype(np.float64)

    def figure(weights: NDArray[Any]) -> NDArray[np.float64]:
        weights = weights.astype(np.float64)
        return (weights @ above) / np.maximum(weights @ below, 1)

    return figure


def _by_tag(
    of_word: NDArray[np.int64],
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    *,
    sentences: int,
    labels: int,
) -> LabelTally:
    correct = truth == predicted

    def counted(ids: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(rows * labels + ids, minlength=sentences * labels).reshape(sentences, labels)

    return LabelTally(
        hits=counted(truth[correct], of_word[correct]),
        support=counted(truth, of_word),
        predicted=counted(predicted, of_word),
        exact=np.bincount(of_word[correct], minlength=sentences),
        examples=np.bincount(of_word, minlength=sentences),
        multilabel=False,
    )
