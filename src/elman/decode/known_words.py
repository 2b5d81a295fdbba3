"""What decides whether a word of the vocabulary may be offered, computed once for each type."""

from functools import lru_cache
from typing import NamedTuple

from elman.decode.offers import has_letters, is_shown
from elman.decode.pieces import piece_index
from elman.decode.spelling import locale_of
from elman.text.casing import fold
from elman.text.letter_case import CaseLocale
from elman.text.tokenizer import Tokenizer


class KnownWord(NamedTuple):
    """A type as a word."""

    text: str
    """Without the leading space."""
    is_shown: bool
    """Whether it is something to see that does not end inside a visible character."""
    has_letters: bool
    """Whether it is a word rather than punctuation."""
    fold: str


class KnownWords:
    """The types of a tokenizer whose tokens are words.

    >>> from elman.text.tokenizer import TokenizerConfig
    >>> tokenizer = Tokenizer.fit(["The cat"], config=TokenizerConfig(min_count=1))
    >>> KnownWords(tokenizer).of(tokenizer.tokens.index(" The"))
    KnownWord(text='The', is_shown=True, has_letters=True, fold='the')
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._index = piece_index(tokenizer)
        self._locale: CaseLocale | None = locale_of(tokenizer)
        self._words: dict[int, KnownWord] = {}

    def of(self, token: int) -> KnownWord:
        """A type."""
        found = self._words.get(token)
        if found is None:
            text = self._index.body(token).decode()
            found = KnownWord(text, is_shown(text), has_letters(text), fold(text, self._locale))
            self._words[token] = found
        return found


@lru_cache(maxsize=8)
def known_words(tokenizer: Tokenizer) -> KnownWords:
    """The types of a tokenizer; each is looked at once."""
    return KnownWords(tokenizer)
