"""Patterns with Unicode's classes (``\\p{L}``) for Python's ``re``, which does not know them.

The classes come from unicode_classes.json, so that they do not depend on the version of Python.
"""

import json
import re
from functools import cache
from importlib.resources import files

LARGEST = 0x10FFFF
"""The last code point."""

_CLASS = re.compile(r"\\p\{(\w+)\}")
# Half of a surrogate pair, which is in no text: an empty class has to hold something.
_NEVER = "\\ud800"


@cache
def _ranges() -> dict[str, list[tuple[int, int]]]:
    data = json.loads(files("elman.text").joinpath("unicode_classes.json").read_text("utf-8"))
    pairs = {name: " ".join(lines).split() for name, lines in data.items() if name != "unicode"}
    return {
        name: [(int(first, 16), int(last or first, 16)) for first, _, last in (pair.partition("-") for pair in some)]
        for name, some in pairs.items()
    }


def expanded(pattern: str, *, largest: int = LARGEST) -> str:
    """A pattern with its classes spelled out, for text without characters beyond ``largest``.

    Every ``\\p{...}`` must stand inside brackets.

    >>> expanded(r"[\\p{N}_]", largest=0x7F)
    '[0-9_]'
    """
    return _CLASS.sub(lambda match: _spelled(match[1], largest), pattern)


def _spelled(name: str, largest: int) -> str:
    pairs = [(first, min(last, largest)) for first, last in _ranges()[name] if first <= largest]
    # As characters, not as escapes, which take longer to read.
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in pairs) or _NEVER


@cache
def compiled(pattern: str, largest: int = LARGEST) -> re.Pattern[str]:
    """A pattern with Unicode's classes, ready to use."""
    return re.compile(expanded(pattern, largest=largest))
