"""A batch of sentences as a tagger's network reads it, without torch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


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
