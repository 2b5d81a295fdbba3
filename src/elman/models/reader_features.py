"""What a reader sees of a passage's words besides the words: which of them the question has too.

These are the exact-match and frequency features of the document reader of Chen and others, Reading Wikipedia to
Answer Open-Domain Questions (2017), with endings left out in place of lemmas.
"""

import functools
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FEATURES = 4
"""As written, in lower case and without its ending a word of the question; and its share of the passage."""
_ENDING = re.compile(r"(?<=...)(?:'s|ing|ed|es|s|d|e)$")


@functools.lru_cache(maxsize=1 << 16)
def without_ending(word: str) -> str:
    """A word in lower case without a common English ending.

    >>> without_ending("Opened"), without_ending("opens"), without_ending("was")
    ('open', 'open', 'was')
    """
    return _ENDING.sub("", word.lower())


def match_features(question: Sequence[str], passage: Sequence[str]) -> NDArray[np.float32]:
    """Four numbers for each word of a passage ``[T, 4]``.

    >>> match_features(["Who", "opened", "it"], ["He", "opens", "It"]).round(2).tolist()
    [[0.0, 0.0, 0.0, 0.33], [0.0, 0.0, 1.0, 0.33], [0.0, 1.0, 1.0, 0.33]]
    """
    lower, ends = [word.lower() for word in passage], list(map(without_ending, passage))
    known = set(question), {word.lower() for word in question}, set(map(without_ending, question))
    counts = Counter(lower)
    found = np.empty((len(passage), FEATURES), np.float32)
    for column, (words, own) in enumerate(zip((passage, lower, ends), known, strict=True)):
        found[:, column] = [word in own for word in words]
    found[:, -1] = [counts[word] / len(passage) for word in lower]
    return found
