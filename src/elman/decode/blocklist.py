"""Words that are never to be offered or written: words, stems, regular expressions, a built-in
list.

Everything is compared without regard to case and to the sign of an apostrophe, and a word with
``'s`` is that word.
"""

import os
import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path

from elman.decode.words import runs
from elman.errors import UsageError
from elman.text.casing import fold
from elman.text.letter_case import CaseLocale
from elman.text.normalise import normalise_line

BUILTIN = "builtin"
"""The entry that stands for the built-in list."""
_ANY_LETTER = "\ue000"
"""A letter that no word has: an expression that matches a word with it at the end matches whatever
the word goes on with."""
_LOOK_BACK = 200
_FILE_NAME = re.compile(r"^(~|\.{0,2})/|\.(txt|text|lst|list|csv|tsv|json|jsonl)$", re.IGNORECASE)


class Blocklist:
    """Entries of one list, ready to be compared.

    An entry is a word, several words in a row (``hot dog``), a pattern in which ``*`` stands for
    any letters (``dog*``), a regular expression between slashes that is searched in each word
    (``/^d[o0]g/``), or ``builtin``.

    >>> blocked = Blocklist(["don't", "dog*", "/c[a4]t$/"])
    >>> [blocked.hides(word) for word in ("Don\u2019t", "DOGS", "c4t", "cats", "do", "don't's")]
    [True, True, True, False, False, True]
    >>> Blocklist(["hot dog"]).hides("dogs"), Blocklist(["hot dog"]).hides("Dog", before="a hot ")
    (False, True)

    Raises:
        UsageError: an entry that is no pattern, or a regular expression where ``expressions`` does
            not allow them.
    """

    def __init__(self, entries: Collection[str], *, locale: CaseLocale | None = None, expressions: bool = True) -> None:
        self._locale: CaseLocale | None = locale
        words: set[str] = set()
        stems: set[str] = set()
        phrases: set[tuple[str, ...]] = set()
        found: list[re.Pattern[str]] = []
        for entry in _with_builtin(entries):
            if _is_expression(entry):
                if not expressions:
                    raise UsageError(
                        f"{entry!r} is a regular expression; a request may block words and stems like dog*"
                    )
                found.append(_compiled(entry[1:-1], entry))
                continue
            text = fold(normalise_line(entry).strip(), locale)
            if not text.strip("*").strip():
                raise UsageError(f"{entry!r} blocks every word or none; give a word, a stem like dog*, or /EXPRESSION/")
            parts = [text[start:end] for start, end, run in runs(text) if run.is_word]
            if "*" in text[:-1] and not (len(parts) > 1 and " " in text):
                found.append(_compiled("^" + ".*".join(map(re.escape, text.split("*"))) + "$", entry))
            elif text.endswith("*"):
                stems.add(text[:-1])
            elif len(parts) > 1:
                phrases.add(tuple(parts))
            else:
                words.add(text)
        self._words, self._stems = frozenset(words), tuple(sorted(stems))
        self.phrases = tuple(sorted(phrases))
        """Entries of several words."""
        self._patterns = tuple(found)

    def __or__(self, other: "Blocklist") -> "Blocklist":
        """All that either of two lists blocks; both are of one locale."""
        if not self or not other:
            return self or other
        both = Blocklist((), locale=self._locale)
        both._words, both._stems = self._words | other._words, self._stems + other._stems
        both.phrases, both._patterns = self.phrases + other.phrases, self._patterns + other._patterns
        return both

    def __bool__(self) -> bool:
        return bool(self._words or self._stems or self.phrases or self._patterns)

    def hides(self, word: str, *, before: str = "") -> bool:
        """Whether a word is blocked, after the text ``before`` it."""
        text = fold(word, self._locale)
        if self._is_listed(text) or (text.endswith("'s") and self._is_listed(text[:-2])):
            return True
        return any(self._ends_phrase(phrase, text, before) for phrase in self.phrases)

    def closes(self, word: str) -> bool:
        """Whether a word is blocked, and every longer one that begins so."""
        text = fold(word, self._locale)
        if text.startswith(self._stems):
            return True
        return any(pattern.search(text) and pattern.search(text + _ANY_LETTER) for pattern in self._patterns)

    def may_close(self, word: str) -> bool:
        """Whether a longer word that begins so may be one of ``closes``."""
        text = fold(word, self._locale)
        return bool(self._patterns) or any(stem.startswith(text) for stem in self._stems)

    def is_same(self, word: str, entry: str) -> bool:
        """Whether a word is a part of one of ``phrases``."""
        return fold(word, self._locale) == entry

    def _is_listed(self, text: str) -> bool:
        return (
            text in self._words
            or text.startswith(self._stems)
            or any(pattern.search(text) is not None for pattern in self._patterns)
        )

    def _ends_phrase(self, phrase: Sequence[str], text: str, before: str) -> bool:
        if text != phrase[-1] or not before:
            return False
        line = fold(before[-_LOOK_BACK:], self._locale)
        words = [line[start:end] for start, end, run in runs(line) if run.is_word]
        return words[-len(phrase) + 1 :] == list(phrase[:-1])


def block_entries(given: Iterable[str]) -> list[str]:
    """Entries, with those of the file where a file of that name is given.

    A file has one entry a line; lines that begin with ``#`` are comments.

    Raises:
        UsageError: a file that cannot be read, or what looks like the name of one and is none: a
            list that hides nothing would go unnoticed.
    """
    entries = []
    for each in given:
        if _FILE_NAME.search(each) and not _is_expression(each) and not os.path.exists(each):
            raise UsageError(f"{each}: there is no such file; to block a word, leave out the folder and the ending")
        entries += read_entries(each) if _is_file(each) else [each]
    return entries


def _is_file(name: str) -> bool:
    # These of os.path are False for a name that no file can have; pathlib's raise.
    is_file = os.path.isfile(name)
    if os.path.exists(name) and not is_file and not os.path.isdir(name):
        # Reading one may never end.
        raise UsageError(f"{name} is a pipe, a socket or a device; give a plain file, one word or pattern a line")
    return is_file


def _is_expression(entry: str) -> bool:
    return len(entry) > 2 and entry[0] == entry[-1] == "/"


def read_entries(file: str) -> list[str]:
    """The entries of a file.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        _is_file(file)
        text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else f"byte {error.start} is not UTF-8"
        raise UsageError(f"{file}: cannot be read ({said}); give a text file, one word or pattern a line") from error
    return _lines(text)


@lru_cache(maxsize=1)
def builtin_entries() -> list[str]:
    """The built-in list: common English profanities and slurs."""
    return _lines((resources.files("elman.decode") / "blocked_words.txt").read_text(encoding="utf-8"))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


def _with_builtin(entries: Iterable[str]) -> Iterable[str]:
    for entry in entries:
        if entry == BUILTIN:
            yield from builtin_entries()
        else:
            yield entry


def _compiled(expression: str, entry: str) -> re.Pattern[str]:
    try:
        return re.compile(expression, re.IGNORECASE)
    except re.error as error:
        raise UsageError(f"{entry!r} is no regular expression ({error}); write a plain word without slashes") from None


NOTHING = Blocklist(())
"""The list that blocks nothing."""
