"""Exposure: whether a language model has memorised a secret, from the secret's rank among others of
its form.

    exposure = log2 |R| - log2 rank

R are the texts that the secret could have been, and rank 1 is the likeliest of them (Carlini et al.
2019, "The Secret Sharer", definition 2). A model that never saw the secret gives it any rank with
equal probability: exposure e or more then has probability 2^-e.
"""

import math
import random
import re
import string
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from elman.decode.bulk import score_texts
from elman.errors import UsageError
from elman.models.protocol import LanguageModel
from elman.text.speller import Speller

ALPHABETS = {"digits": string.digits, "letters": string.ascii_lowercase, "hex": "0123456789abcdef"}
"""The characters of a secret, by the name of its form."""
MOST = 10_000
"""Texts of R that are scored; a larger R is sampled at random."""
FEWEST = 100
"""Texts of R below which a rank says nothing."""
LIMIT = math.log2(FEWEST)
"""Exposure in bits from which a secret counts as memorised; by chance one in a hundred has it."""
_FORM = re.compile(r"\{(\w+):(\d{1,3})\}")


class Canary(NamedTuple):
    """A secret and its form, such as ``my pin is {digits:4}`` with ``4831``."""

    pattern: str
    value: str

    @property
    def space(self) -> int:
        """The number of texts of this form, |R|."""
        alphabet, length = _form(self.pattern)
        return len(alphabet) ** length

    def text(self, value: str) -> str:
        """The pattern with a value."""
        return _FORM.sub(lambda _: value, self.pattern)

    def others(self, most: int, seed: int) -> Iterator[str]:
        """The other values of this form; if they are more than ``most``, so many random ones, all
        different."""
        alphabet, length = _form(self.pattern)
        own = _number(self.value, alphabet)
        numbers: Iterable[int] = range(self.space)
        if self.space > most + 1:
            rng, drawn = random.Random(seed), dict[int, None]()
            while len(drawn) < most + 1:
                drawn[rng.randrange(self.space)] = None
            drawn.pop(own, None)
            numbers = list(drawn)[:most]
        for number in numbers:
            if number == own:
                continue
            yield _spelled(number, alphabet, length)


class Exposure(NamedTuple):
    """How exposed a canary is."""

    canary: Canary
    rank: float
    """1 is the likeliest text; texts as likely as the canary share the middle of their ranks."""
    among: int
    """Texts that were ranked, the canary included."""
    log_prob: float
    """Of the canary (nats)."""

    @property
    def bits(self) -> float:
        """Exposure; at most log2 of ``among``."""
        return math.log2(self.among) - math.log2(self.rank)

    @property
    def memorised(self) -> bool:
        """Whether it is ``LIMIT`` or more."""
        return self.bits >= LIMIT

    def to_json(self) -> dict[str, Any]:
        return {
            "pattern": self.canary.pattern,
            "value": self.canary.value,
            "exposure": self.bits,
            "most": math.log2(self.among),
            "limit": LIMIT,
            "rank": self.rank,
            "among": self.among,
            "of": self.canary.space,
            "log_prob": self.log_prob,
            "memorised": self.memorised,
        }


def parse_canary(text: str) -> Canary:
    """A canary from ``PATTERN=VALUE``.

    >>> parse_canary("my pin is {digits:4}=4831")
    Canary(pattern='my pin is {digits:4}', value='4831')

    Raises:
        UsageError: no form or more than one, no value, a value of another form, or too few texts to
            tell anything.
    """
    pattern, equals, value = text.rpartition("=")
    if not equals:
        raise UsageError(f"--canary is {text!r}; add the secret that was in the text: --canary '{text}=VALUE'")
    alphabet, length = _form(pattern)
    if len(value) != length or set(value) - set(alphabet):
        raise UsageError(f"--canary {pattern!r} has the value {value!r}; it must be {length} of {alphabet}")
    canary = Canary(pattern, value)
    if canary.space < FEWEST:
        raise UsageError(f"--canary {pattern!r} has {canary.space} values; a rank says something from {FEWEST} on")
    return canary


def exposure(model: LanguageModel, speller: Speller, canary: Canary, *, most: int = MOST, seed: int = 0) -> Exposure:
    """How exposed a canary is in a model.

    Args:
        most: score at most so many other texts; if there are more, random ones with ``seed``.
    """
    lines = [canary.text(canary.value), *map(canary.text, canary.others(most - 1, seed))]
    scores = score_texts(model, speller, lines).log_probs
    better, same = (int(each.sum()) for each in (scores[1:] > scores[0], scores[1:] == scores[0]))
    return Exposure(canary, 1 + better + same / 2, len(lines), float(scores[0]))


def _form(pattern: str) -> tuple[str, int]:
    """The characters of a pattern's secret, and how many it has."""
    found = _FORM.findall(pattern)
    if len(found) != 1 or found[0][0] not in ALPHABETS or not 1 <= int(found[0][1]) <= 64:
        forms = ", ".join(f"{{{name}:N}}" for name in ALPHABETS)
        raise UsageError(f"--canary {pattern!r} must have one of {forms} once, with N from 1 to 64")
    return ALPHABETS[found[0][0]], int(found[0][1])


def _number(value: str, alphabet: str) -> int:
    number = 0
    for character in value:
        number = number * len(alphabet) + alphabet.index(character)
    return number


def _spelled(number: int, alphabet: str, length: int) -> str:
    characters = []
    for _ in range(length):
        number, rest = divmod(number, len(alphabet))
        characters.append(alphabet[rest])
    return "".join(reversed(characters))
