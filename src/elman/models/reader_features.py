"""What a reader sees of a passage's words besides the words: which of them the question has too.

These are the exact-match and frequency features of the document reader of Chen and others, Reading
Wikipedia to Answer Open-Domain Questions (2017), with endings left out in place of lemmas.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.text.english_endings import without_ending

FEATURES = 4
"""Equal to a question word: as written, in lower case, without its ending; then its frequency in
the passage."""


def match_features(question: Sequence[str], passage: Sequence[str]) -> NDArray[np.float32]:
    """Four numbers for each word of a passage ``[T, 4]``.

    >>> match_features(["Who", "opened", "it"], ["He", "opens", "It"])[:, :3].tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 1.0]]
    """
    lower, ends = [word.lower() for word in passage], list(map(without_ending, passage))
    known = set(question), {word.lower() for word in question}, set(map(without_ending, question))
    counts = Counter(lower)
    found = np.empty((len(passage), FEATURES), np.float32)
    for column, (words, own) in enumerate(zip((passage, lower, ends), known, strict=True)):
        found[:, column] = [word in own for word in words]
    found[:, -1] = [counts[word] / len(passage) for word in lower]
    return found
