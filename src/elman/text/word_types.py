"""A line as types of words, signs, and what stands between them; and back.

A word is one type, whatever stands before it. Its type begins with a space, which a text has there
as a rule: none at the start of a line and after an opening sign (``JOINING``), one elsewhere. Where
a text has something else, it comes first as a token of its own: ``<join>`` for nothing at all, or
the blanks themselves. Other signs have two types, with a space and without.

A word is looked up in one spelling. Apostrophes have one sign in types; ``Spelling.signs`` are
those of the text, which are kept beside its tokens (``elman.text.apostrophes``). A soft hyphen is a
marker before the word: ``<2\\xad>`` if it stands before the third character. So every text comes
back as it was, unless it was put in lower case or in compatible forms on purpose.

>>> list(split_line('He said "don\\u2019t"!', Spelling(rules=3)))[2:]
[Part(type=' "', start=7, end=9), Part(type=" don't", start=9, end=14),
Part(type='"', start=14, end=15), Part(type='!', start=15, end=16)]

Under rules 2 the marker ``<’>`` says that the next word has that apostrophe.
"""

import re
import unicodedata
from collections.abc import Iterator
from enum import IntEnum
from functools import cache, lru_cache
from typing import NamedTuple

from elman.text.apostrophes import signs_of, with_one_apostrophe
from elman.text.kinds import (
    BETWEEN,
    INNER_APOSTROPHE,
    INVISIBLE,
    JOINING,
    LINKED,
    SYMBOL,
    ZERO_WIDTH_SPACE,
    split_pattern,
)
from elman.text.letter_case import CaseLocale, lower
from elman.text.unicode_classes import LARGEST, compiled

JOIN = "<join>"
"""The marker between two tokens that touch although they usually do not."""
ALWAYS_KNOWN = (JOIN, " ", "\t", "\xa0", "\u202f")
"""Types of every vocabulary of words, so that the usual ways to part words are known."""


class Spelling(NamedTuple):
    """How words are spelled in their types."""

    lowercase: bool = False
    locale: CaseLocale | None = None
    compatibility: bool = False
    apostrophe: str = "'"
    rules: int = 2

    def cased(self, line: str) -> str:
        """A line in the case of the types, of the same length."""
        return lower(line, self.locale) if self.lowercase else line

    def folded(self, line: str) -> str:
        """A line in the case of the types and, from rules 3 on, with their apostrophe; of the same
        length."""
        line = self.cased(line)
        return with_one_apostrophe(line, self.apostrophe) if self.rules > 2 else line

    def signs(self, line: str) -> str:
        """The apostrophes of a line as it types them, one for each in the types of its tokens.

        None under rules 2, where markers say the same, and where compatible forms are one.

        >>> Spelling(rules=3).signs("It\u2019s Ann's")
        "’'"
        """
        if self.rules < 3 or self.compatibility:
            return ""
        return signs_of(line, self.folded(line), self.apostrophe)

    def with_usual_apostrophes(self, line: str) -> str:
        """A line whose apostrophes need no marker.

        >>> Spelling().with_usual_apostrophes("\u2019I don\u2019t\u2019")
        "’I don't’"
        """
        return compiled(INNER_APOSTROPHE).sub(self.apostrophe, line) if self.rules == 2 else line

    def compatible(self, text: str) -> str:
        """A part of a line in the forms of the types."""
        if not self.compatibility or text.isascii():
            return text
        return self.folded(unicodedata.normalize("NFKC", text))


class After(IntEnum):
    """What stands before a token, as far as it decides about the token's space."""

    START = 0
    """The start of a line: words and signs have a space that is not shown."""
    JOINED = 1
    """Blanks, a marker or an opening sign: words have a space that is not shown."""
    APART = 2
    """Anything else: a space is a space."""


class Part(NamedTuple):
    """A token of a line."""

    type: str
    start: int
    """Its place in the line; a marker has an empty one."""
    end: int


_BETWEEN = re.compile(f"[{BETWEEN}]*")
_HIDDEN = re.compile(f"[{INVISIBLE}{ZERO_WIDTH_SPACE}]+")
_JOINING = re.compile(JOINING)
_MARKER = re.compile("<(?:join|['\u2019\u02bc]|[0-9]+.+)>", re.DOTALL)
_CHANGE = re.compile("<([0-9]+)(=?)(.+)>", re.DOTALL)
_BMP = 0xFFFF


@cache
def _symbol() -> re.Pattern[str]:
    return compiled(SYMBOL)


def is_marker(token: str) -> bool:
    """Whether a type says how the next token is written.

    >>> is_marker("<join>"), is_marker(" <3"), is_marker("<")
    (True, False, False)
    """
    return _MARKER.fullmatch(token) is not None


def is_between(token: str) -> bool:
    """Whether a type is what stands between words: blanks or invisible characters."""
    return _BETWEEN.fullmatch(token) is not None


@lru_cache(maxsize=1 << 14)
def is_symbol(text: str) -> bool:
    """Whether a token, without its space, is a sign with a type of its own for each side."""
    return _symbol().fullmatch(text) is not None


def leaves(token: str) -> After:
    """What a type leaves for the next one."""
    return After.JOINED if is_between(token) or is_marker(token) or _JOINING.fullmatch(token) else After.APART


def split_line(line: str, spelling: Spelling, after: After = After.START) -> Iterator[Part]:
    """The tokens of a line with their places; ``after`` is what stands before it."""
    folded = spelling.folded(line)
    for start, end in pieces_of(folded):
        types, after = spelled(folded[start:end], after, spelling)
        gap = start + _gap(folded[start:end])
        for place, token in enumerate(types, start=1):
            if place == len(types):
                yield Part(token, start, end)
            elif is_between(token):
                yield Part(token, start, start := min(gap, start + len(token)))
            else:
                # The blanks belong to the token after its markers.
                yield Part(token, start, start)


def pieces_of(line: str) -> list[tuple[int, int]]:
    """Start and end of each token together with what stands before it.

    >>> [" one,  two"[start:end] for start, end in pieces_of(" one,  two")]
    [' one', ',', '  two']
    """
    linked = LINKED.search(line) is not None
    pattern = split_pattern(linked=linked)
    if line.isascii():
        return [match.span() for match in compiled(pattern, 0x7F).finditer(line)]
    narrow = compiled(pattern, _BMP)
    if max(line) <= chr(_BMP):
        return [match.span() for match in narrow.finditer(line)]
    wide = compiled(pattern, LARGEST)
    if linked:  # an address is known by its last part, however far away
        return [match.span() for match in wide.finditer(line)]
    # Classes of all characters are slow: they are used only where rarer characters stand.
    found, end = [], 0
    while end < len(line):
        start = end
        match = narrow.match(line, start)
        near = line[max(start - 1, 0) : match.end() + 4] if match else line
        if not match or not (near.isascii() or max(near) <= chr(_BMP)):
            match = wide.match(line, start)
        assert match is not None and match.end() > start
        end = match.end()
        found.append((start, end))
    return found


def _gap(piece: str) -> int:
    match = _BETWEEN.match(piece)
    return match.end() if match else 0


def spelled(piece: str, after: int, spelling: Spelling) -> tuple[tuple[str, ...], After]:
    """The types of a token and what stands before it.

    >>> spelled("\\xa0Dupont", After.APART, Spelling()), spelled("Dupont", After.APART, Spelling())
    ((('\\xa0', ' Dupont'), <After.APART: 2>), (('<join>', ' Dupont'), <After.APART: 2>))
    """
    gap, item = piece[: _gap(piece)], piece[_gap(piece) :]
    gap = spelling.compatible(gap)
    if not item:
        return (gap,), After.JOINED
    markers, word = _core(item, spelling)
    types: tuple[str, ...]
    if is_symbol(word):
        usual = "" if after == After.START else " "
        types = (f" {word}",) if gap == usual else (word,) if not gap else (gap, word)
    else:
        usual = " " if after == After.APART else ""
        types = (*([] if gap == usual else [gap or JOIN]), *markers, f" {word}")
    return types, leaves(types[-1])


def _core(item: str, spelling: Spelling) -> tuple[list[str], str]:
    """The spelling of a word in its type, and markers for what the text has instead."""
    if item.isascii() and spelling.apostrophe == "'":
        return [], item
    markers = [f"<{match.start()}{match[0]}>" for match in _HIDDEN.finditer(item)]
    word = _HIDDEN.sub("", item) if markers else item
    places = [match.start() for match in compiled(INNER_APOSTROPHE).finditer(word)] if spelling.rules < 3 else []
    if places:
        signs = {word[place] for place in places}
        if len(signs) == 1:
            markers = [f"<{sign}>" for sign in signs - {spelling.apostrophe}] + markers
        else:
            others = [place for place in places if word[place] != spelling.apostrophe]
            markers = [f"<{place}={word[place]}>" for place in others] + markers
        word = compiled(INNER_APOSTROPHE).sub(spelling.apostrophe, word)
    return markers, spelling.compatible(word)


class WordWriter:
    """Text from types, one after another: spaces that are not shown are left out, and markers do
    what they say.

    >>> writer = WordWriter(After.START)
    >>> "".join(map(writer.write, [" \\"", " a", "<’>", " don't", "<join>", " b"]))
    '"a don’tb'
    """

    def __init__(self, after: After) -> None:
        self._after = after
        self._changes: list[str] = []

    def write(self, token: str) -> str:
        """What a type adds to the text."""
        if is_marker(token):
            if token == JOIN:
                self._after = After.JOINED
            else:
                self._changes.append(token)
            return ""
        word = token[1:] if token[:1] == " " and not is_between(token) else None
        text = token
        if word is not None:
            hidden = self._after == After.START or (self._after == After.JOINED and not is_symbol(word))
            text = ("" if hidden else " ") + (self._changed(word) if self._changes else word)
        self._changes = []
        self._after = leaves(token)
        return text

    def _changed(self, word: str) -> str:
        for marker in self._changes:
            change = _CHANGE.fullmatch(marker)
            if change is None:
                word = compiled(INNER_APOSTROPHE).sub(marker[1:-1], word)
            else:
                place = int(change[1])
                word = word[:place] + change[3] + word[place + len(change[2]) :]
        return word
