"""Texts that look private: long numbers, addresses, random strings.

A model of somebody's own text has learned their numbers and passwords like any other word. The
rules here are about shape alone, so they also take some harmless words, such as a year and a date
in a row.
"""

import re
import unicodedata

LONG_NUMBER = 5
"""A word with so many digits is private."""
LONG_CHAIN = 7
"""Numbers with nothing but spaces and signs of a phone number between them are private from so many
digits on, all together."""

_CHAIN = re.compile(r"(?:\d[\s\-.()/+\u2011\u2013]{0,2})+$")
_LOOK_BACK = 60
_KEY = re.compile(r"[A-Za-z0-9_+/=-]+")
_PARTS = re.compile(r"[A-Z]?[a-z]*")


def is_secret(word: str) -> bool:
    """Whether a word looks private by itself.

    >>> [is_secret(word) for word in ("2024", "90210", "ada@example.org", "x7Kq9Lp2", "aXkQzLpWvR")]
    [False, True, True, True, True]
    >>> [is_secret(word) for word in ("getElementById", "mp3", "3rd", "Angstschweiß", "well-known")]
    [False, False, False, False, False]
    """
    return count_digits(word) >= LONG_NUMBER or _ends_in_address(word) or _is_random(word)


def count_digits(text: str) -> int:
    """How many decimal digits a text has, of any script."""
    return sum(unicodedata.category(char) == "Nd" for char in text)


def digits_before(text: str) -> int:
    """The digits of the numbers that a text ends with.

    >>> digits_before("call 555 12-"), digits_before("in 1999, ")
    (5, 0)
    """
    chain = _CHAIN.search(text[-_LOOK_BACK:])
    return count_digits(chain[0]) if chain else 0


def in_address(text: str) -> bool:
    """Whether a text ends inside an e-mail address, so that a word without a space belongs to it.

    >>> in_address("write to ada@"), in_address("write to ada@example."), in_address("at 5 @ ")
    (True, True, False)
    """
    return _ends_in_address(text[-_LOOK_BACK:])


def _ends_in_address(text: str) -> bool:
    # A pattern that looks for the sign from every place takes quadratic time where there are many.
    return bool(text) and not text[-1].isspace() and "@" in text.rsplit(maxsplit=1)[-1][1:]


def _is_random(word: str) -> bool:
    if len(word) < 8 or not _KEY.fullmatch(word):
        return False
    kinds = "".join("d" if char.isdigit() else "l" if char.isalpha() else "" for char in word)
    if "d" in kinds and "l" in kinds and (len(word) >= 20 or kinds.count("dl") + kinds.count("ld") >= 3):
        return True
    if not word.isalpha():
        return False
    parts = [part for part in _PARTS.findall(word) if part]
    if len(parts) >= 4 and len(word) / len(parts) < 2.5 and not word.isupper():
        return True
    vowels = sum(char in "aeiouyAEIOUY" for char in word)
    return len(word) >= 10 and vowels < 0.12 * len(word)
