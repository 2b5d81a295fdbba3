"""Comparing and writing words without regard to case.

Texts that differ in case or in the sign of an apostrophe have one ``fold``. ``recase`` writes a
word in the case of what was typed of it.
"""

from elman.text.kinds import APOSTROPHES
from elman.text.letter_case import CaseLocale, lower

_FOLDED = str.maketrans({"ς": "σ", "ß": "ss", **dict.fromkeys(APOSTROPHES[1:], "'")})


def upper(text: str, locale: CaseLocale | None = None) -> str:
    """A text in upper case; with the ``locale`` tr or az, i becomes İ and ı becomes I.

    >>> upper("iz"), upper("iz", "tr"), upper("straße")
    ('IZ', 'İZ', 'STRASSE')
    """
    return (text.replace("i", "İ") if locale else text).upper()


def fold(text: str, locale: CaseLocale | None = None) -> str:
    """The form in which texts are compared without regard to case and sign of apostrophe.

    >>> fold("We\u2019LL"), fold("ΣΑΣ") == fold("σασ"), fold("STRASSE") == fold("Straße")
    ("we'll", True, True)
    """
    return lower(text, locale).translate(_FOLDED)


def recase(word: str, typed: str, locale: CaseLocale | None = None, *, named: bool = False) -> str:
    """A word of the vocabulary, written as what was typed of it.

    Two capitals or more ask for capitals throughout, one at the beginning for one, none for none. A
    word that has capitals of its own (NASA, iPhone, I) keeps them unless capitals are asked for; so
    does a ``named`` one, whose first letter is a capital wherever it stands (Monday, German nouns).
    The apostrophe is the typed one. A word that would then be what was typed in small letters is
    left as the vocabulary has it.

    >>> recase("bring", "BR"), recase("Please", "ple"), recase("NASA", "na"), recase("Can", "can")
    ('BRING', 'please', 'NASA', 'Can')
    >>> recase("Haus", "hau", named=True), recase("Haus", "HAU", named=True)
    ('Haus', 'HAUS')
    >>> recase("We'll", "we\u2019")
    'we\u2019ll'
    """
    found = _in_case_of(word, typed, locale, named)
    signs = [char for char in typed if char in APOSTROPHES]
    if signs:
        found = "".join(signs[0] if char in APOSTROPHES else char for char in found)
    return word if found == typed == lower(typed, locale) else found


def _in_case_of(word: str, typed: str, locale: CaseLocale | None, named: bool) -> str:
    letters = [char for char in typed if char.lower() != char.upper()]
    capitals = [char != lower(char, locale) for char in letters]
    if len(capitals) > 1 and all(capitals):
        return upper(word, locale)
    if _own_capitals(word, locale) or any(capitals[1:]) or not letters:
        return word
    if capitals[0]:
        return upper(word[:1], locale) + word[1:]
    return word if named else lower(word, locale)


def _own_capitals(word: str, locale: CaseLocale | None) -> bool:
    """Whether capitals belong to a word, not to its place at the beginning of a sentence."""
    rest = word[1:]
    return rest != lower(rest, locale) or (word[:1] != lower(word[:1], locale) and not rest[:1].islower())
