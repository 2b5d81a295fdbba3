"""Which words may be offered, and how much each of them counts."""

import dataclasses
import unicodedata
from collections.abc import Collection

from elman.decode.blocklist import NOTHING, Blocklist
from elman.decode.clusters import is_whole
from elman.decode.secrets import LONG_CHAIN, count_digits, digits_before, in_address, is_secret
from elman.decode.words import Kind, last_runs
from elman.text.casing import fold
from elman.text.letter_case import CaseLocale

REPEATED = 0.1
"""What the probability of the word that was just written is multiplied by."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Offers:
    """Rules for what is offered; they never change the probabilities of other words."""

    block: Blocklist = NOTHING
    """Words never to offer."""
    secrets: bool = True
    """Whether to offer what looks private (``elman.decode.secrets``)."""
    punctuation: bool = False
    """Whether to offer bare punctuation."""
    repeats: bool = False
    """Whether the word that was just written counts as much as any other; if not, its probability
    is multiplied by ``REPEATED``."""

    @property
    def forbids(self) -> bool:
        """Whether there are words that must not appear at all."""
        return bool(self.block) or not self.secrets

    def hides(self, word: str, *, before: str = "") -> bool:
        """Whether a word must not appear, after the text ``before`` it."""
        if self.block and self.block.hides(word, before=before):
            return True
        return not self.secrets and (is_secret(word) or continues_number(word, before))

    def closes(self, word: str, *, before: str = "") -> bool:
        """Whether no word that begins so may appear, after the text ``before`` it."""
        if self.block and self.block.closes(word):
            return True
        if self.secrets or not word.isnumeric():
            return False
        return is_secret(word) or continues_number(word, before)

    def may_close(self, word: str) -> bool:
        """Whether a longer word that begins so may be one of ``closes``."""
        return (bool(self.block) and self.block.may_close(word)) or (not self.secrets and word.isnumeric())

    def apart(self, before: str) -> bool:
        """Whether a word after the text ``before`` must not stand right at its end."""
        return not self.secrets and in_address(before)

    def weigh(self, before: str, locale: CaseLocale | None = None) -> "Weigher":
        """What the probability of a word is multiplied by where it follows the text ``before``."""
        return Weigher(self, before, locale)


class Weigher:
    """Weights of words after the text ``before``: 0 for a word that is not offered, at most 1."""

    def __init__(self, offers: Offers, before: str, locale: CaseLocale | None) -> None:
        self._offers, self._before, self._forbids = offers, before, offers.forbids
        self._locale: CaseLocale | None = locale
        self._repeated = "" if offers.repeats else fold(last_word(before), locale)

    def __call__(self, word: str) -> float:
        """The weight of any word."""
        return self.of_known(word, is_shown(word), has_letters(word), fold(word, self._locale))

    def of_known(self, word: str, shown: bool, letters: bool, folded: str) -> float:
        """That of a word of which these facts are known (``elman.decode.known_words``)."""
        if not shown or not (letters or self._offers.punctuation):
            return 0.0
        if self._forbids and self._offers.hides(word, before=self._before):
            return 0.0
        return REPEATED if self._repeated and folded == self._repeated else 1.0


def listed(given: Collection[str] | str) -> list[str]:
    """One entry or several, as a list."""
    return [given] if isinstance(given, str) else list(given)


def offers_from(block: Collection[str] | Blocklist = (), *, locale: CaseLocale | None = None, **rules: bool) -> Offers:
    """Rules from what a caller gives."""
    blocked = block if isinstance(block, Blocklist) else Blocklist(block, locale=locale) if block else NOTHING
    return Offers(block=blocked, **rules)


def is_shown(word: str) -> bool:
    """Whether a word is something to see that neither begins nor ends inside a visible
    character."""
    return bool(word.strip()) and is_whole(word)


def has_letters(word: str) -> bool:
    """Whether this is a word worth offering, not punctuation."""
    # Symbols with a meaning (an emoji) are words; marks that only join or separate are not.
    return any(char.isalnum() or unicodedata.category(char) == "So" for char in word)


def last_word(text: str) -> str:
    """The word that a text ends with, a space after it or not; empty after punctuation. In scripts
    without spaces, where doubling makes words, none.

    >>> last_word("on the "), last_word("on the"), last_word("on the, ")
    ('the', 'the', '')
    """
    end = text.rstrip(" ")[-200:]
    found = last_runs(end, 1)
    if not found or found[-1][1] < len(end):
        return ""
    start, stop, run = found[-1]
    return end[start:stop] if run.is_word and run.kind != Kind.UNSPACED else ""


def continues_number(word: str, before: str) -> bool:
    """Whether a word with digits makes a long number together with those right before it."""
    digits = count_digits(word)
    return digits > 0 and digits_before(before) > 0 and digits + digits_before(before) >= LONG_CHAIN
