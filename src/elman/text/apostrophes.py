"""One apostrophe in types, three in texts: the sign that a text types is kept and paid for by
itself.

The vocabulary spells every apostrophe with one sign, the usual one of its text. How a text types
each is a string beside its tokens, so a word costs the same however it is typed, and so does what
follows it. A sign costs what a fair coder pays: it is the usual one with the probability
``usual_share``, else one of the other two.
"""

import math
from collections.abc import Iterable
from itertools import islice

from elman.text.kinds import APOSTROPHES, INNER_APOSTROPHE
from elman.text.unicode_classes import compiled

_LETTER = APOSTROPHES[2]
_MOST_SURE = 0.99
"""A text tells how its own writers type, not how others do: an apostrophe that it never has must
not cost as much as a word that nobody knows."""


def with_one_apostrophe(line: str, usual: str) -> str:
    """A line with the ``usual`` sign for every apostrophe, of the same length.

    U+02BC, which counts as a letter, is one only between letters.

    >>> with_one_apostrophe("\u2019tis Ann\u2019s, o\u02bcclock", "'")
    "'tis Ann's, o'clock"
    """
    if usual == "'" and line.isascii():
        return line
    if usual == _LETTER or _LETTER in line:
        line = compiled(INNER_APOSTROPHE).sub(usual, line)
    if usual == _LETTER:
        return line
    return line.replace("\u2019" if usual == "'" else "'", usual)


def signs_of(line: str, folded: str, usual: str) -> str:
    """The signs that stand in a line where ``folded`` has the ``usual`` one, in their order."""
    if usual not in folded:
        return ""
    if line.isascii() and usual == "'":
        return usual * line.count(usual)
    return "".join([char for char, one in zip(line, folded, strict=True) if one == usual])


def signs_by_type(types: Iterable[str], usual: str, signs: str) -> list[str]:
    """The signs of each type, from those of all in their order.

    >>> signs_by_type([" it's", " ''", " so"], "'", "\u2019''")
    ['’', "''", '']
    """
    rest = iter(signs)
    return ["".join(islice(rest, each.count(usual))) for each in types]


def with_signs(text: str, usual: str, signs: str) -> str:
    """A text in which the ``usual`` signs are replaced by others, one for each, in their order; the
    same text if there are none.

    >>> with_signs("It's Ann's", "'", "\u2019'")
    "It’s Ann's"
    """
    if not signs:
        return text
    first, *rest = text.split(usual)
    return first + "".join(sign + part for sign, part in zip(signs, rest, strict=True))


def count_signs(text: str) -> tuple[dict[str, int], dict[str, int]]:
    """How often a text has each apostrophe: between letters, and anywhere.

    >>> count_signs("'tis o\u02bcclock, Ann's")
    ({"'": 1, '’': 0, 'ʼ': 1}, {"'": 2, '’': 0, 'ʼ': 1})
    """
    found = compiled(INNER_APOSTROPHE).findall(text)
    inner = {sign: found.count(sign) for sign in APOSTROPHES}
    return inner, {sign: inner[sign] if sign == _LETTER else text.count(sign) for sign in APOSTROPHES}


def usual_share(usual: int, others: int) -> float:
    """The probability of the usual sign after so many of it and of others (Laplace's estimate).

    >>> usual_share(1, 0), usual_share(0, 0), usual_share(300, 0)
    (0.6666666666666666, 0.5, 0.99)
    """
    return min((usual + 1) / (usual + others + 2), _MOST_SURE)


def sign_nats(usual: str, share: float) -> dict[str, float]:
    """What each sign costs (nats); the others are equally likely.

    >>> {sign: round(nats, 2) for sign, nats in sign_nats("'", 0.99).items()}
    {"'": 0.01, '’': 5.3, 'ʼ': 5.3}
    """
    others = (1 - share) / (len(APOSTROPHES) - 1)
    return {sign: -math.log(share if sign == usual else others) for sign in APOSTROPHES}
