"""Real words that are taken for one another: sets built in, and pairs learned from lists of
errors."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from elman.apps.spelling.pairs import Pair

_SETS = """
their there they're
your you're
its it's
whose who's
were where we're
to too two
than then
affect effect
accept except
loose lose
of off
quite quiet
weather whether
principal principle
passed past
lead led
hear here
know no
knew new
right write
which witch
peace piece
brake break
advice advise
practice practise
choose chose
breath breathe
lay lie
fewer less
stationary stationery
complement compliment
desert dessert
diner dinner
through threw thorough
though thought
wear ware
waist waste
week weak
wood would
one won
our are
buy by bye
for four fore
form from
any many
been being
was were
is are
has have
his he's
this these
live life
among amongst
beside besides
course coarse
dose does
farther further
hole whole
later latter
sight site cite
plain plane
formally formerly
personal personnel
"""
SETS = [tuple(line.split()) for line in _SETS.strip().split("\n")]
COST = 5.0
"""Nats of a word taken for another one of its set."""
_CHEAPEST = 3.0


_ARTICLE_GAIN = 6.0
"""Nats for the article that the next word asks for; models know few words after both articles."""
_LIKE_YOU = re.compile(r"(?:eu|ew|u(?:ni|[bcfhjkqrst][aeiou])|one|once|ouija)")
_LIKE_HOUR = re.compile(r"(?:hour|honest|honou?r|heir)")


def article_before(word: str) -> str | None:
    """The article that a word asks for by its first sound; None where letters do not tell.

    >>> [article_before(word) for word in ("apple", "user", "hour", "cat", "uninvited", "FBI")]
    ['an', 'a', 'an', 'a', None, None]
    """
    if not word.isascii() or word.isupper() or word.startswith("unin") or word.startswith("unim"):
        return None
    folded = word.lower()
    if _LIKE_HOUR.match(folded):
        return "an"
    if folded[0] in "aeiou":
        return "a" if _LIKE_YOU.match(folded) else "an"
    return None if folded[0] in "hy" else "a"


def confused_article(article: str, word: str) -> dict[str, float]:
    """The other article, with the cost of typing this one, where the next word asks for it.

    >>> confused_article("a", "apple"), confused_article("an", "apple")
    ({'an': -6.0}, {})
    """
    asked = article_before(word) if article in ("a", "an") else None
    return {} if asked in (None, article) else {str(asked): -_ARTICLE_GAIN}


def confusions(learned: Iterable[Pair] = (), *, fewest: int = 2) -> dict[str, dict[str, float]]:
    """For each word that may have been typed: what may have been meant, with the cost of typing
    that (nats).

    Args:
        learned: pairs of words; those that are seen ``fewest`` times or more count, from both real
            words.

    >>> sorted(confusions()["there"])
    ['their', "they're"]
    """
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for words in SETS:
        for typed in words:
            found[typed].update({meant: COST for meant in words if meant != typed})
    counts: Counter[tuple[str, str]] = Counter()
    for wrong, right, count in learned:
        counts[wrong, right] += count
    for (wrong, right), count in counts.items():
        if count >= fewest and wrong != right:
            old = found[wrong].get(right, COST)
            found[wrong][right] = max(min(old, COST) - 0.5 * min(count, 5), _CHEAPEST)
    return dict(found)
