"""The definition of a word, character by character, the same for every level of tokens.

A run is a word (letters with their marks and inner apostrophes), a number, or one symbol repeated;
white space separates. Scripts that put no spaces between words have runs of one character as people
see it: no run ends inside a grapheme cluster (Unicode, annex 29).
"""

import re
import unicodedata
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from elman.text.kinds import INVISIBLE
from elman.text.level import choose_level


class Kind(IntEnum):
    """The role of a character in a run."""

    NOTHING = 0
    """No character at all."""
    SPACE = 1
    LETTER = 2
    MARK = 3
    """An accent that belongs to the character before it."""
    INNER = 4
    """An apostrophe or joiner: part of a word only between letters."""
    DIGIT = 5
    SYMBOL = 6
    UNSPACED = 7
    """A letter of a script that puts no spaces between words."""
    PARTIAL = 8
    """The first bytes of an unfinished character."""
    INSIDE = 9
    """Bytes that cannot begin a character."""
    LINKER = 10
    """A mark that binds two letters of a script without spaces into one cluster."""
    LINKED = 11
    """A run that ends with a linker."""
    JOINER = 12
    """The zero-width joiner, which also joins two symbols."""
    REGIONAL = 13
    """Half of a flag."""


class CharacterRun(NamedTuple):
    """The current run: a word, a number, or repeats of one symbol."""

    kind: Kind
    symbol: str
    """The repeated character if ``kind`` is SYMBOL, else empty."""

    @property
    def is_word(self) -> bool:
        """Whether this is a word or number, not punctuation."""
        return not self.symbol and self.kind not in (Kind.SYMBOL, Kind.REGIONAL)


_INNER = "'\u2019\u200c\u200d"
_ZERO_WIDTH_JOINER = "\u200d"
# Those of scripts without spaces: elsewhere a whole word is one run in any case.
_LINKERS = "\u1039\u17d2\u1a60\u1b44\ua9c0\uaaf6"
# Parts of the character before them although no marks: two vowels, skin tones, tags, and what shows
# nothing.
_EXTENDING = re.compile(f"[\u0e33\u0eb3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f{INVISIBLE}]")
_HIDDEN = re.compile(f"[{INVISIBLE}]")
_REGIONAL = "\U0001f1e6", "\U0001f1ff"
_WORD = {Kind.LETTER: Kind.LETTER, Kind.MARK: Kind.LETTER, Kind.LINKER: Kind.LETTER}
# The next kind of a run for each kind of character; after an apostrophe only a letter continues the
# word.
_NEXT: dict[Kind, dict[Kind, Kind]] = {
    Kind.LETTER: {**_WORD, Kind.INNER: Kind.INNER, Kind.JOINER: Kind.INNER},
    Kind.INNER: _WORD,
    Kind.DIGIT: {Kind.DIGIT: Kind.DIGIT, Kind.MARK: Kind.DIGIT, Kind.LINKER: Kind.DIGIT},
    Kind.UNSPACED: {Kind.MARK: Kind.UNSPACED, Kind.LINKER: Kind.LINKED},
    Kind.LINKED: {Kind.UNSPACED: Kind.UNSPACED, Kind.MARK: Kind.LINKED, Kind.LINKER: Kind.LINKED},
    Kind.SYMBOL: {Kind.MARK: Kind.SYMBOL, Kind.LINKER: Kind.SYMBOL, Kind.JOINER: Kind.JOINER},
    Kind.JOINER: {Kind.MARK: Kind.SYMBOL, Kind.SYMBOL: Kind.SYMBOL, Kind.JOINER: Kind.JOINER},
    Kind.REGIONAL: {Kind.REGIONAL: Kind.SYMBOL, Kind.MARK: Kind.REGIONAL},
}


def kinds_that_go_on(run: CharacterRun) -> frozenset[Kind]:
    """The kinds of character that a run can take next; a symbol also takes itself."""
    return frozenset(_NEXT[run.kind])


@lru_cache(maxsize=1 << 14)
def kind_of(char: str) -> Kind:
    """The kind of one character.

    >>> [kind_of(char).name for char in "é7,' 猫"]
    ['LETTER', 'DIGIT', 'SYMBOL', 'INNER', 'SPACE', 'UNSPACED']
    """
    if char in _INNER:
        return Kind.JOINER if char == _ZERO_WIDTH_JOINER else Kind.INNER
    if char in _LINKERS:
        return Kind.LINKER
    if _EXTENDING.match(char):
        return Kind.MARK
    if _REGIONAL[0] <= char <= _REGIONAL[1]:
        return Kind.REGIONAL
    if char.isspace():
        return Kind.SPACE
    category = unicodedata.category(char)[0]
    if category == "L":
        return Kind.UNSPACED if choose_level(char) == "char" else Kind.LETTER
    return {"M": Kind.MARK, "N": Kind.DIGIT}.get(category, Kind.SYMBOL)


@lru_cache(maxsize=1 << 14)
def run_from(char: str) -> CharacterRun | None:
    """The run that begins with a character; None for white space."""
    kind = kind_of(char)
    if kind == Kind.SPACE:
        return None
    if kind in (Kind.SYMBOL, Kind.INNER, Kind.JOINER) or _HIDDEN.match(char):
        return CharacterRun(Kind.SYMBOL, char)
    return CharacterRun(Kind.LETTER if kind in (Kind.MARK, Kind.LINKER) else kind, "")


def follow(run: CharacterRun, char: str) -> CharacterRun | None:
    """The run with one more character; None if the character is no part of it."""
    if char == run.symbol:
        return run
    kind = _NEXT[run.kind].get(kind_of(char))
    return None if kind is None else CharacterRun(kind, run.symbol)


def first_run(text: str, begin: int = 0) -> tuple[int | None, CharacterRun | None]:
    """The length of a text's first run, from ``begin`` on, once its end is certain, or None and the
    run that may go on.

    >>> [first_run(text)[0] for text in ("cats, dogs", "cat", "don'", "don' ")]
    [4, None, None, 3]
    """
    if begin >= len(text):
        return None, None
    run = run_from(text[begin])
    for position in range(begin + 1, len(text)):
        longer = follow(run, text[position]) if run else None
        if longer is None:
            return len(finished(text[begin:position])) if run else 0, None
        run = longer
    return (None, run) if run else (0, None)


def finished(word: str) -> str:
    """A finished run without the apostrophes after its last letter.

    >>> finished("don't"), finished("dogs'"), finished("''")
    ("don't", 'dogs', "''")
    """
    return word.rstrip(_INNER) or word


def runs(text: str) -> list[tuple[int, int, CharacterRun]]:
    """Start, end and kind of every run of a text; the last one may still go on.

    >>> [text[start:end] for text in ["the dogs' well-kno"] for start, end, _ in runs(text)]
    ['the', 'dogs', "'", 'well', '-', 'kno']
    """
    spans = []
    start = 0
    while start < len(text):
        run = run_from(text[start])
        if run is None:
            start += 1
            continue
        length, last = first_run(text, start)
        end = len(text) if length is None else start + length
        spans.append((start, end, last or run))
        start = end
    return spans


def last_runs(text: str, count: int) -> list[tuple[int, int, CharacterRun]]:
    """The last ``count`` of ``runs``, found from the end: no run crosses a space.

    >>> last_runs("the dogs' well-kno", 2) == runs("the dogs' well-kno")[-2:]
    True
    """
    parts: list[list[tuple[int, int, CharacterRun]]] = []
    end = stop = len(text)
    while end > 0 and count > 0:
        begin = text.rfind(" ", 0, stop) + 1
        # With the space after it, which shows where its last run ends.
        parts.append([(start + begin, last + begin, run) for start, last, run in runs(text[begin:end])])
        count -= len(parts[-1])
        end, stop = begin, begin - 1
    return [run for part in reversed(parts) for run in part][max(-count, 0) :]
