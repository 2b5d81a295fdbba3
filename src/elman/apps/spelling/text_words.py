"""The words of a line that may be corrected, and what is left alone.

Left alone are links, addresses, @names, hashtags, numbers and words with digits (they are tokens of
other kinds, ``elman.text.kinds``), code (between backticks, or touching signs of code), words with
capitals inside or throughout that are no known words, and what a list protects.
"""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from elman.text.casing import fold
from elman.text.kinds import APOSTROPHES, BETWEEN, LINKED, split_pattern
from elman.text.letter_case import CaseLocale
from elman.text.unicode_classes import compiled

_CODE = "_/\\=<>{}@#$%^~|`+*&[]"
_BLANKS = re.compile(f"[{BETWEEN}]*")
_TICKS = re.compile(r"`+[^`]+`+")
_CLITICS = ("n't", "n\u2019t")
"""Parts of words where text comes with words apart (do n't); others begin with an apostrophe."""
_SENTENCE_END = ".!?:\u2026;"


class TextWord(NamedTuple):
    """A word of a line."""

    text: str
    start: int
    end: int
    protected: bool
    """Whether it is left alone whatever it is."""
    begins: bool
    """Whether a sentence begins with it."""


def text_words(line: str, protect: Collection[str] = (), locale: CaseLocale | None = None) -> Iterator[TextWord]:
    """The words of a line, letters with apostrophes between them.

    Args:
        protect: folds of words to leave alone.

    >>> [word.text for word in text_words("See www.teh.org, foo_bar and `x` at 9am: teh end") if not word.protected]
    ['See', 'and', 'at', 'teh', 'end']
    """
    code = [match.span() for match in _TICKS.finditer(line)] if "`" in line else []
    begins = True
    for match in compiled(split_pattern(linked=LINKED.search(line) is not None)).finditer(line):
        text = _BLANKS.sub("", match.group(), count=1)
        if not text or not text[0].isalpha():
            if text and not text[0].isalpha() and text[-1] in _SENTENCE_END:
                begins = True
            elif text and text[0].isdigit():
                begins = False
            continue
        start, end = match.end() - len(text), match.end()
        plain = text.replace("'", "").replace("\u2019", "").isalpha()
        after = line[end : end + 1]
        touches = (
            (start > 0 and line[start - 1] in _CODE)
            or (after in _CODE and after != "")
            or (after == "(" or (after in ".:" and line[end + 1 : end + 2].isalnum()))
            or (start > 1 and line[start - 1] in ".:(" and line[start - 2].isalnum())
            or (start > 0 and line[start - 1] in APOSTROPHES)
            or text.lower() in _CLITICS
            or any(first <= start < last for first, last in code)
        )
        yield TextWord(text, start, end, not plain or touches or fold(text, locale) in protect, begins)
        begins = False
