"""The words of taggers and readers: their vocabulary and first vectors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.vocabulary import Vocabulary
from elman.models.word_features import fit_vocabulary
from elman.progress import Progress
from elman.tasks.vectors.type_vectors import check_size, vocabulary_vectors, words_with_vectors

_MANY_WORDS = 1_000_000
"""Words of a training part from which on words seen once are read by their characters alone."""
_MORE_WORDS = 50_000
"""Words that are known by their vectors alone: the most frequent ones of the file."""


def fitted_words(
    words: Sequence[str], *, min_count: int | None, vectors: str | None, fixed: Mapping[str, Any], progress: Progress
) -> tuple[Vocabulary, NDArray[np.float32] | None]:
    """The vocabulary of a training part, and what the embeddings of its word ids begin as
    ``[V, E]``.

    Args:
        words: of the training part.
        min_count: words seen less often have no id; None: it follows from the number of words.
        vectors: a file or folder of word vectors, if embeddings begin as such.
        fixed: the sizes that the user fixed.

    Raises:
        UsageError: the user wants embeddings of another size than the vectors.
    """
    fewest = min_count or (1 if len(words) < _MANY_WORDS else 2)
    if vectors is None:
        return fit_vocabulary(words, min_count=fewest), None
    # Words that training lacks gain most from vectors.
    more = words_with_vectors(vectors, _MORE_WORDS, progress=progress)
    vocabulary = fit_vocabulary(words, min_count=fewest, more=more)
    found = vocabulary_vectors(vectors, vocabulary.words, more, progress=progress)
    check_size(fixed, found, vectors)
    return vocabulary, found
