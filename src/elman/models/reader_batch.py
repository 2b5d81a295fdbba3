"""A batch of questions with their passages as a reader's network reads it, without torch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.part import Part


class ReaderBatch(NamedTuple):
    """B questions and passages, and the U different words in them."""

    question: NDArray[np.int64]
    """Which of the U words each word of the question is ``[B, Q]``; any at padding."""
    question_lengths: NDArray[np.int64]
    """``[B]``."""
    passage: NDArray[np.int64]
    """The same of the passage ``[B, T]``."""
    passage_lengths: NDArray[np.int64]
    """``[B]``."""
    features: NDArray[np.float32]
    """``reader_features.match_features`` ``[B, T, F]``; any at padding."""
    answers: NDArray[np.int64]
    """The first and the last word of the answer ``[B, 2]``, counted from 1; zeros if there is
    none."""
    ids: NDArray[np.int64]
    """The id of each of the U words ``[U]``."""
    starts: NDArray[np.int64]
    """Where the buckets of each of the U words begin ``[U + 1]``."""
    buckets: NDArray[np.int64]
    """The buckets of their n-grams."""

    @property
    def rows(self) -> int:
        """B."""
        return len(self.question)

    def part(self, part: Part) -> "ReaderBatch":
        """Some of the questions, padded as all of them, with the different words of all."""
        own = {name: getattr(self, name)[part.slice] for name in self._fields[:6]}
        return self._replace(**own)
