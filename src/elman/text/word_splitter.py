"""A line as types of words, signs, and what stands between them; and back.

A word is one type, whatever stands before it. Its type begins with a space, which a text has there
as a rule: none at the start of a line and after an opening sign (``JOINING``), one elsewhere. Where
a text has something else, it comes first as a token of its own: ``<join>`` for nothing at all, or
the blanks themselves. Other signs have two types, with a space and without.

A word is looked up in one spelling. Where a text spells it otherwise, a marker before it says so:
``<’>`` if its apostrophes are typed that way, ``<2\\xad>`` if a soft hyphen stands before its third
character. So every text comes back as it was, unless it was put in lower case or in compatible
forms on purpose.

>>> list(split_line('He said "don\\u2019t"!', Spelling()))[2:]
[Part(type=' "', start=7, end=9), Part(type='<’>', start=9, end=9), Part(type=" don't", start=9, end=14),
Part(type='"', start=14, end=15), Part(type='!', start=15, end=16)]
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from functools import cache
from typing import NamedTuple

from elman.text.kinds import (
    APOSTROPHES,
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
ALWAYS_KNOWN = (JOIN, *(f"<{sign}>" for sign in APOSTROPHES), " ", "\t", "\xa0", "\u202f")
"""Types of every vocabulary of words, so that the usual ways to part words are known."""


class Spelling(NamedTuple):
    """How words are spelled in their types."""

    lowercase: bool = False
    locale: CaseLocale | None = None
    compatibility: bool = False
    apostrophe: str = "'"

    def folded(self, line: str) -> str:
        """A line in the case of the types, of the same length."""
        return lower(line, self.locale) if self.lowercase else line

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
_ODD = re.compile(f"(?! )[{BETWEEN}]")
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


@cache
def is_symbol(text: str) -> bool:
    """Whether a token, without its space, is a sign with a type of its own for each side."""
    return _symbol().fullmatch(text) is not None


def _after(token: str) -> After:
    return After.JOINED if is_between(token) or is_marker(token) or _JOINING.fullmatch(token) else After.APART


def ends_after(line: str, spelling: Spelling) -> After:
    """What an open line leaves for its next token."""
    after = After.START
    folded = spelling.folded(line)
    for start, end in pieces_of(folded):
        after = spelled(folded[start:end], after, spelling)[1]
    return after


def split_line(line: str, spelling: Spelling) -> Iterator[Part]:
    """The tokens of a line with their places."""
    after = After.START
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


def pieces_of(line: str) -> Iterator[tuple[int, int]]:
    """Start and end of each token together with what stands before it.

    >>> [" one,  two"[start:end] for start, end in pieces_of(" one,  two")]
    [' one', ',', '  two']
    """
    linked = LINKED.search(line) is not None
    pattern = split_pattern(linked=linked)
    if line.isascii():
        yield from (match.span() for match in compiled(pattern, 0x7F).finditer(line))
        return
    narrow = compiled(pattern, _BMP)
    if max(line) <= chr(_BMP):
        yield from (match.span() for match in narrow.finditer(line))
        return
    # Classes of all characters are slow: they are used only where rarer characters stand.
    wide = compiled(pattern, LARGEST)
    end = 0
    while end < len(line):
        start = end
        match = narrow.match(line, start)
        near = line[max(start - 1, 0) : match.end() + 4] if match else line
        if not match or not (near.isascii() or max(near) <= chr(_BMP)):
            match = wide.match(line, start)
        assert match is not None and match.end() > start
        end = match.end()
        yield start, end


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
    return types, _after(types[-1])


def _core(item: str, spelling: Spelling) -> tuple[list[str], str]:
    """The spelling of a word in its type, and markers for what the text has instead."""
    if item.isascii() and spelling.apostrophe == "'":
        return [], item
    markers = [f"<{match.start()}{match[0]}>" for match in _HIDDEN.finditer(item)]
    word = _HIDDEN.sub("", item) if markers else item
    places = [match.start() for match in compiled(INNER_APOSTROPHE).finditer(word)]
    if places:
        signs = {word[place] for place in places}
        if len(signs) == 1:
            markers = [f"<{sign}>" for sign in signs - {spelling.apostrophe}] + markers
        else:
            others = [place for place in places if word[place] != spelling.apostrophe]
            markers = [f"<{place}={word[place]}>" for place in others] + markers
        word = compiled(INNER_APOSTROPHE).sub(spelling.apostrophe, word)
    return markers, spelling.compatible(word)


def unified(text: str, spelling: Spelling) -> str:
    """The beginning of a word as its type spells it, whatever its apostrophes and invisible signs.

    >>> unified("don\\u2019", Spelling()), unified("co\\xado", Spelling())
    ("don'", 'coo')
    """
    text = _HIDDEN.sub("", spelling.folded(text))
    if len(text) > 1:
        text = text[0] + re.sub(f"[{APOSTROPHES}]", spelling.apostrophe, text[1:])
    return spelling.compatible(text)


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
        self._after = _after(token)
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


class WordSplitter:
    """The tokens of many lines, fast: what stands between two spaces is split once and kept.

    The reference is ``split_line``.
    """

    def __init__(self, spelling: Spelling, ids: Mapping[str, int], *, unknown: int) -> None:
        """``ids`` of the types; other types get the id ``unknown``."""
        self.spelling = spelling
        self._known = ids
        self._unknown = unknown
        self._chunks: list[dict[str, _Kept]] = [{}, {}, {}]
        """By what stands before: a part of a line between single spaces, which it comes without."""
        self._pieces: list[dict[str, _Kept]] = [{}, {}, {}]
        """By what stands before: a token with its blanks."""

    def ids(self, line: str) -> list[int]:
        """The ids of a line."""
        found: list[int] = []
        after: int = After.START
        tables, pieces = self._tables(line := self.spelling.folded(line))
        for piece in pieces:
            kept = tables[after].get(piece)
            if kept is None:
                kept = self._keep(tables, after, piece)
            found += kept[0]
            after = kept[1]
        return found

    def id_of(self, token: str) -> int:
        """The id of a type."""
        return self._known.get(token, self._unknown)

    def parts(self, line: str) -> list[Part]:
        """The tokens of a line with their places; unknown blanks come one by one."""
        found = []
        for part in split_line(line, self.spelling):
            if self._comes_apart(part.type):
                found += [Part(char, place, place + 1) for place, char in enumerate(part.type, start=part.start)]
            else:
                found.append(part)
        return found

    def _comes_apart(self, token: str) -> bool:
        return len(token) > 1 and token not in self._known and is_between(token)

    def _tables(self, line: str) -> "tuple[list[dict[str, _Kept]], Iterable[str]]":
        if _ODD.search(line):
            return self._pieces, (line[start:end] for start, end in pieces_of(line))
        return self._chunks, _between_spaces(line)

    def _keep(self, tables: "list[dict[str, _Kept]]", after: int, piece: str) -> "_Kept":
        types, later = self._types(piece, after, chunk=tables is self._chunks)
        apart = [char for token in types for char in (token if self._comes_apart(token) else (token,))]
        kept = tuple(map(self.id_of, apart)), later
        if len(tables[after]) >= _MOST_KEPT:
            tables[after].clear()
        tables[after][piece] = kept
        return kept

    def _types(self, piece: str, after: int, *, chunk: bool) -> tuple[list[str], int]:
        text = f" {piece}" if chunk and after != After.START else piece
        found: list[str] = []
        for start, end in pieces_of(text):
            types, after = spelled(text[start:end], after, self.spelling)
            found += types
        return found, after

    def count(self, lines: Iterable[str]) -> tuple[Counter[str], str]:
        """How often each type occurs in lines, and the apostrophe that is typed most often."""
        seen: list[list[dict[str, list[int]]]] = [[{}, {}, {}], [{}, {}, {}]]
        for line in lines:
            after: int = After.START
            tables, pieces = self._tables(self.spelling.folded(line))
            counts = seen[tables is self._chunks]
            for piece in pieces:
                entry = counts[after].get(piece)
                if entry is None:
                    later = self._types(piece, after, chunk=tables is self._chunks)[1]
                    entry = counts[after][piece] = [0, later]
                entry[0] += 1
                after = entry[1]
        found = [
            (piece, After(after), bool(chunk), count)
            for chunk, counts in enumerate(seen)
            for after, table in enumerate(counts)
            for piece, (count, _) in table.items()
        ]
        signs: Counter[str] = Counter({"'": 0})
        for piece, _, _, count in found:
            if not piece.isascii() or "'" in piece:
                for sign in compiled(INNER_APOSTROPHE).findall(piece):
                    signs[sign] += count
        usual = signs.most_common(1)[0][0]
        best = WordSplitter(self.spelling._replace(apostrophe=usual), {}, unknown=0)
        types: Counter[str] = Counter()
        for piece, after, chunk, count in found:
            for token in best._types(piece, after, chunk=chunk)[0]:
                types[token] += count
        return types, usual


_Kept = tuple[tuple[int, ...], int]
_MOST_KEPT = 1 << 17


def _between_spaces(line: str) -> Iterator[str]:
    """The parts of a line at its spaces; of several spaces all but the first (at the start of a
    line: all) belong to the part after them.

    >>> list(_between_spaces("  to be,  or "))
    ['  to', 'be,', ' or', '']
    """
    spaces = ""
    for part in line.split(" "):
        if part:
            yield spaces + part
            spaces = ""
        else:
            spaces += " "
    if spaces:
        yield spaces[1:]
