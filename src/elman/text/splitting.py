"""Where a line is split into tokens: the patterns of each level, and the places where a long line
may be cut.
"""

import re
from collections.abc import Iterator
from typing import Literal

Level = Literal["word", "subword", "char", "byte"]

CUT_CHARS = 1 << 16
"""Lines longer than this are encoded in parts, so that memory follows the part and not the line."""

_JOINERS = "\u200c\u200d"
_ZERO_WIDTH_JOINER = "\u200d"
_SKIN_TONES = "\U0001f3fb-\U0001f3ff"
_SYMBOL = r"[^\s\p{L}\p{M}\p{N}]"

WORD_PATTERN = "|".join(
    [
        # A word with its marks; an apostrophe or a zero-width joiner inside belongs to it.
        rf" ?\p{{L}}[\p{{L}}\p{{M}}]*(?:['’{_JOINERS}][\p{{L}}\p{{M}}]+)*",
        r" ?\p{N}[\p{N}\p{M}]*",
        # One symbol repeated; its marks and skin tones; what zero-width joiners tie to it (one
        # emoji is one type).
        rf" ?({_SYMBOL})(?:\1|[\p{{M}}{_SKIN_TONES}]|{_ZERO_WIDTH_JOINER}\p{{So}})*",
        r" ?\p{M}+",
        # White space leaves its last space to the word that follows.
        r"\s+(?!\S)",
        r"\s+",
    ]
)
"""How raw text is split at word and subword level, for a line that begins with a space (Oniguruma's
syntax)."""

PRETOKENIZED_PATTERN = " [^ ]*"
"""How text that is split already is split, for a line that begins with a space and has single
spaces only."""

CHAR_PATTERN = r"[\s\S]"
"""Every code point by itself."""

_SINGLE_SPACE = r"(?<=\S) (?=\S)"
# Only letters and numbers will do on the left: a symbol there may be of a run that goes on.
_SYMBOL_AFTER_WORD = r"(?<=[^\W_])(?=[!-&(-/:-@\[-`{-~、。！，．：；？「」（）])"
_WORD_CUT = re.compile(f"{_SINGLE_SPACE}|{_SYMBOL_AFTER_WORD}")
_PRETOKENIZED_CUT = re.compile(_SINGLE_SPACE)


def cut(text: str, *, level: Level, pretokenized: bool = False, limit: int = CUT_CHARS) -> Iterator[tuple[int, str]]:
    """Parts of a text, each with the place where it begins; their tokens together are the tokens of
    the whole.

    A part has ``limit`` characters or a few more. It ends only where a token ends whatever came
    before: at word and subword level before a single space, or between a word and a symbol (a run
    of letters without either stays whole); at the other levels anywhere.

    >>> list(cut(" to be or not", level="word", limit=5))
    [(0, ' to be'), (6, ' or not')]
    """
    start = 0
    while len(text) - start > limit:
        end = start + limit
        if level in ("word", "subword"):
            found = (_PRETOKENIZED_CUT if pretokenized else _WORD_CUT).search(text, end)
            if found is None:
                break
            end = found.start()
        yield start, text[start:end]
        start = end
    if start < len(text):
        yield start, text[start:]
