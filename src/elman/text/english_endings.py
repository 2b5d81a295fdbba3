"""English words without their endings."""

import functools
import re

_ENDING = re.compile(r"(?<=...)(?:'s|ing|ed|es|s|d|e)$")


@functools.lru_cache(maxsize=1 << 16)
def without_ending(word: str) -> str:
    """A word in lower case without a common English ending.

    >>> without_ending("Opened"), without_ending("opens"), without_ending("was")
    ('open', 'open', 'was')
    """
    return _ENDING.sub("", word.lower())
