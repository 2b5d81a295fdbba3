"""Lower case after Unicode's rules for the letters around, and for the i of Turkish and Azeri."""

from typing import Literal

CaseLocale = Literal["tr", "az"]


def lower(text: str, locale: CaseLocale | None = None) -> str:
    """A text in lower case, character by character of the same length.

    A capital sigma at a word's end becomes a final one. The capital I with a dot is i, not i with a
    loose dot; in Turkish and Azeri a capital I without one is the i without one.

    >>> lower("ΔΡΟΜΟΣ İSTANBUL"), lower("ISPARTA İL", "tr")
    ('δρομος istanbul', 'ısparta il')
    """
    if text.isascii() and locale is None:
        return text.lower()
    # A dot written as a mark of its own belongs to the letter İ too: NFC has joined it already.
    text = text.replace("\u0130", "i")
    return (text.replace("I", "\u0131") if locale else text).lower()
