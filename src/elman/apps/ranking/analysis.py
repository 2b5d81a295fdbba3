"""From text to terms: words in lower case, without function words, cut to their stems.

Chinese, Japanese, Thai and other scripts have no spaces between words. There the terms of a
document are its characters and all pairs of neighbours, and a query asks for the pairs, or for a
character that stands alone (the bigrams of Lucene's CJKAnalyzer).
"""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from elman.config import Config
from elman.data.word_text import word_spans, words_of
from elman.errors import MissingExtra, UsageError
from elman.text.level import UNSPACED

INSTALL = "pip install 'elman[rank]'"
_ENGLISH = """
a about above after again against all also am an and any are as at be because been before being below between
both but by can cannot could did do does doing down during each few for from further had has have having he
her here hers him his how however i if in into is it its itself may me might more most must my no nor not of
off on once only or other our out over own same shall she should so some such than that the their them then
there these they this those through to too under until up upon us very was we were what when where whether
which while who whom whose why will with within without would yet you your
"""
STOP_WORDS = {"english": frozenset(_ENGLISH.split())}
"""Function words by language; they are no terms."""


@dataclass(frozen=True, kw_only=True)
class AnalysisConfig(Config):
    """How words become terms."""

    language: str | None = None
    """Language of the words, such as english: wing and wings become one term (Snowball's stems),
    and function words are left out. Default: words as they are, in lower case."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.language is not None:
            _stemmer(self.language)


class TermSpan(NamedTuple):
    """A term of a text, and the characters of its word."""

    term: str
    start: int
    end: int


class Analyzer:
    """Cuts texts into terms; each different word is stemmed once.

    >>> Analyzer(AnalysisConfig()).terms("The wings, the Wing!")
    ['the', 'wings', 'the', 'wing']
    >>> Analyzer(AnalysisConfig()).terms("東京都 A猫")
    ['東京', '京都', 'a', '猫']

    Raises:
        MissingExtra: a language is given, and the stemmers are not installed.
    """

    def __init__(self, config: AnalysisConfig) -> None:
        self.config = config
        self._stem = None if config.language is None else _stemmer(config.language).stemWord
        self._stop = STOP_WORDS.get(config.language or "", frozenset())
        self._known: dict[str, str | None] = {}

    def term(self, word: str) -> str | None:
        """The term of a word in lower case; None for a function word."""
        if self._stem is None:
            return word
        if word not in self._known:
            self._known[word] = None if word in self._stop else self._stem(word)
        return self._known[word]

    def words(self, text: str) -> list[str]:
        """What becomes the terms of a document, in its order."""
        found = words_of(text)
        return found if text.isascii() else [part for word in found for part, *_ in _parts(word)]

    def terms(self, text: str) -> list[str]:
        """The terms of a query in their order."""
        parts = (part for word in words_of(text) for part, *_ in _parts(word, single=False))
        return [term for part in parts if (term := self.term(part)) is not None]

    def spans(self, text: str) -> list[TermSpan]:
        """The terms of a normalised text, as of a document, with their places in it; pairs
        overlap."""
        found = (
            TermSpan(term, start + first, min(start + last, end))
            for word, start, end in word_spans(text)
            for part, first, last in _parts(word)
            if (term := self.term(part)) is not None
        )
        return list(found)


def _parts(word: str, *, single: bool = True) -> Iterator[tuple[str, int, int]]:
    """A word with its first character and the one after its last; of scripts without spaces the
    characters (``single``, or those that stand alone) and the pairs of them."""
    at = 0
    for run in () if word.isascii() else UNSPACED.finditer(word):
        first, last = run.span()
        if first > at:
            yield word[at:first], at, first
        for at in range(first, last):
            if single or last - first == 1:
                yield word[at], at, at + 1
            if at + 1 < last:
                yield word[at : at + 2], at, at + 2
        at = last
    if at < len(word):
        yield word[at:], at, len(word)


def _stemmer(language: str) -> Any:
    try:
        stemmers = importlib.import_module("snowballstemmer")
    except ImportError as error:
        raise MissingExtra(
            f"stems of {language} need snowballstemmer; run: {INSTALL}, or leave out the language"
        ) from error
    known = stemmers.algorithms()
    if language not in known:
        raise UsageError.of("language", language, f"one of: {', '.join(sorted(known))}")
    return stemmers.stemmer(language)
