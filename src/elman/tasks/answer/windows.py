"""Questions and passages as words with their places, and passages in windows."""

import re
from typing import NamedTuple

from elman.data.word_rules import WordRules

MOST_QUESTION = 100
"""Words of a question that are read."""
_RULES = WordRules(suffixes=["'s"])
"""An answer is often a name without the 's that follows it."""
_CONTROL = re.compile(r"[\s\x00-\x1f]")


class Words(NamedTuple):
    """The words of a text, and where they stand."""

    words: tuple[str, ...]
    offsets: tuple[tuple[int, int], ...]
    """The first character of each in the text, and the one after its last."""

    @classmethod
    def of(cls, text: str) -> "Words":
        """Cut a text into words; a line end separates them as a space does.

        >>> Words.of("Ada's\\nson.")
        Words(words=('Ada', "'s", 'son', '.'), offsets=((0, 3), (3, 5), (6, 9), (9, 10)))
        """
        found = _RULES.split(_CONTROL.sub(" ", text))
        return cls(found.words, found.offsets)

    def between(self, start: int, end: int) -> tuple[int, int]:
        """The first and the last word, counted from 1, that a part of the text touches; zeros if it
        has none."""
        touched = [number for number, (a, b) in enumerate(self.offsets, 1) if a < end and b > start]
        return (touched[0], touched[-1]) if touched else (0, 0)


def window_starts(words: int, size: int, stride: int) -> list[int]:
    """How many words stand before each window; the last window ends where the passage ends.

    >>> window_starts(10, 4, 3), window_starts(3, 4, 3)
    ([0, 3, 6], [0])
    """
    return [*range(0, words - size, stride), words - size] if words > size else [0]
