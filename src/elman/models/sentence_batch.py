"""A batch of sentences as a tagger's network reads it, without torch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.part import Part


class SentenceBatch(NamedTuple):
    """B sentences, and the U different words in them."""

    ids: NDArray[np.int64]
    """The id of each word ``[B, T]``, from 0 to V - 1; any ids at padding."""
    words: NDArray[np.int64]
    """Which of the U words each one is ``[B, T]``; any at padding."""
    lengths: NDArray[np.int64]
    """Words of each sentence ``[B]``."""
    starts: NDArray[np.int64]
    """Where the buckets of each of the U words begin ``[U + 1]``."""
    buckets: NDArray[np.int64]
    """The buckets of their n-grams."""
    tags: NDArray[np.int64]
    """The tag of each word ``[B, T]``; any at padding."""
    contexts: NDArray[np.float32] | None = None
    """What language models give for each word ``[B, T, F]``, if there are any; any at padding."""

    @property
    def rows(self) -> int:
        """B."""
        return len(self.ids)

    def part(self, part: Part) -> "SentenceBatch":
        """Some of the sentences, padded as all of them, with the different words of all."""
        own = {name: getattr(self, name)[part.slice] for name in ("ids", "words", "lengths", "tags")}
        return self._replace(**own, contexts=None if self.contexts is None else self.contexts[part.slice])
