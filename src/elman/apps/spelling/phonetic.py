"""A key that words have in common when they sound alike in English."""

import re
from functools import lru_cache

_RULES = [
    (r"^(?:kn|gn|pn)", "n"), (r"^wr", "r"), (r"^(?:ps|x)", "s"), (r"^wh", "w"), (r"mb$", "m"),
    (r"[^a-z]", ""),
    (r"(?:t|s|ss|c|x)io(?=n|u)|(?:c|t)ia|sure$|(?:c|s)eo?us", "S"),
    (r"sch|tch|ch", "C"), (r"sh", "S"), (r"th", "0"), (r"ph|gh(?=t?$|t)", "f"), (r"gh", "g"),
    (r"dg(?=[eiy])|g(?=[eiy])", "j"), (r"s?c(?=[eiy])", "s"), (r"ck|c|q", "k"), (r"x", "ks"), (r"z", "s"), (r"v", "f"),
    (r"ft$", "t"), (r"(?<=.)[aeiouywh]+", ""), (r"^[aeiouy]", "A"), (r"(.)\1+", r"\1"),
]  # fmt: skip
_PATTERNS = [(re.compile(pattern), to) for pattern, to in _RULES]


@lru_cache(maxsize=1 << 12)
def phonetic_key(word: str) -> str:
    """Consonants as they sound; vowels only at the beginning.

    >>> phonetic_key("knight") == phonetic_key("nite"), phonetic_key("physics") == phonetic_key("fisiks")
    (True, True)
    """
    for pattern, to in _PATTERNS:
        word = pattern.sub(to, word)
    return word
