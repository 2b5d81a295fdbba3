"""Possessives: a word is known with 's where it is known without it, in languages that write so."""

from collections.abc import Iterable

from elman.text.casing import fold
from elman.text.kinds import APOSTROPHES

_ENDING = "'s"


def split_possessive(word: str) -> tuple[str, str]:
    """A word and the end that makes it a possessive, in any of the three signs; nothing where there
    is none.

    >>> split_possessive("cat\u2019s"), split_possessive("CATS'"), split_possessive("don't")
    (('cat', '’s'), ('CATS', "'"), ("don't", ''))
    """
    length = 2 if fold(word[-2:]) == _ENDING else int(word[-1:] in APOSTROPHES and fold(word[-2:-1]) == "s")
    base = word[: len(word) - length]
    return (base, word[len(base) :]) if base.isalpha() else (word, "")


def has_possessives(words: Iterable[str]) -> bool:
    """Whether some words end with 's, as in English: others are then known by what stands before
    it.

    >>> has_possessives(["the", " it's"]), has_possessives(["l'eau", "les"])
    (True, False)
    """
    return any(fold(word[-2:]) == _ENDING for word in words)
