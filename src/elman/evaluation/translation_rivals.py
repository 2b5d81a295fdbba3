"""The simple rivals of a translator: the source itself, and a dictionary counted on the same
pairs."""

from collections.abc import Sequence
from typing import Protocol, Self

from elman.data.pairs import Pairs
from elman.data.tagged_text import split_text
from elman.models.word_translations import WordTranslations


class TranslationRival(Protocol):
    """A simple translator."""

    name: str
    """As in tables and verdicts."""

    def fit(self, pairs: Pairs) -> Self:
        """Learn from pairs."""
        ...

    def translate(self, source: str) -> str:
        """The target of a source."""
        ...


class Copy:
    """The source, unchanged: hard to beat where little has to change, as in corrections.

    >>> Copy().translate("Oslo")
    'Oslo'
    """

    name = "a copy of the source"

    def fit(self, pairs: Pairs) -> Self:
        """Nothing is learned."""
        return self

    def translate(self, source: str) -> str:
        """The source."""
        return source


class Dictionary:
    """Word by word, each its most probable translation (IBM model 1); unknown words and blanks
    stay.

    >>> rival = Dictionary().fit(Pairs(["ein Haus", "ein Buch", "das Buch"], ["a house", "a book", "the book"]))
    >>> rival.translate("das Haus, das  Buch!")
    'the house, the  book!'
    """

    name = "a word-by-word dictionary"

    def fit(self, pairs: Pairs) -> Self:
        """Count which words go together."""
        source, target = ([split_text(text).words for text in side] for side in (pairs.source, pairs.target))
        self._words = WordTranslations().fit(source, target)
        return self

    def translate(self, source: str) -> str:
        """The source with its words replaced."""
        sentence, parts, end = split_text(source), [], 0
        for word, (first, last) in zip(sentence.words, sentence.offsets, strict=True):
            parts += [source[end:first], self._words.best(word) or word]
            end = last
        return "".join([*parts, source[end:]])


def translation_rivals() -> list[TranslationRival]:
    """All rivals, untrained."""
    return [Copy(), Dictionary()]


def rival_translations(rivals: Sequence[TranslationRival], source: Sequence[str]) -> dict[str, list[str]]:
    """What trained rivals make of sources, by name."""
    return {rival.name: [rival.translate(text) for text in source] for rival in rivals}
