"""The patterns that split lines into tokens at each level, and the positions where long lines may
be cut.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from elman.errors import TextError

LEGACY = "such text is often Latin-1 or Windows-1252: convert it, as with iconv -f WINDOWS-1252 -t UTF-8"
"""What is likely the matter with text that is not UTF-8."""

Level = Literal["word", "subword", "char", "byte"]

_BATCH_CHARS = 1 << 18
CUT_CHARS = 1 << 16
"""Longer lines are encoded in parts, so that memory does not grow with the line."""

_JOINERS = "\u200c\u200d"
_ZERO_WIDTH_JOINER = "\u200d"
_SKIN_TONES = "\U0001f3fb-\U0001f3ff"
_SYMBOL = r"[^\s\p{L}\p{M}\p{N}]"

WORD_PATTERN = "|".join(
    [
        # A word with its marks; an apostrophe or a zero-width joiner inside belongs to it.
        rf" ?\p{{L}}[\p{{L}}\p{{M}}]*(?:['’{_JOINERS}][\p{{L}}\p{{M}}]+)*",
        r" ?\p{N}[\p{N}\p{M}]*",
        # One symbol repeated, with marks, skin tones and symbols joined by zero-width joiners (one
        # emoji is one type).
        rf" ?({_SYMBOL})(?:\1|[\p{{M}}{_SKIN_TONES}]|{_ZERO_WIDTH_JOINER}\p{{So}})*",
        r" ?\p{M}+",
        # The last space of white space belongs to the next word.
        r"\s+(?!\S)",
        r"\s+",
    ]
)
"""Splits raw text at subword level, and at word level under rules 1, for a line that begins with a
space (Oniguruma's syntax)."""

PRETOKENIZED_PATTERN = " [^ ]*"
"""Splits pretokenized text, for a line that begins with a space and has single spaces only."""

CHAR_PATTERN = r"[\s\S]"
"""Every code point by itself."""

_SINGLE_SPACE = r"(?<=\S) (?=\S)"
# Only after letters and numbers: a symbol could be part of a longer run.
_SYMBOL_AFTER_WORD = r"(?<=[^\W_])(?=[!-&(-/:-@\[-`{-~、。！，．：；？「」（）])"
_WORD_CUT = re.compile(f"{_SINGLE_SPACE}|{_SYMBOL_AFTER_WORD}")
_PRETOKENIZED_CUT = re.compile(_SINGLE_SPACE)


def cut(text: str, *, level: Level, pretokenized: bool = False, limit: int = CUT_CHARS) -> Iterator[tuple[int, str]]:
    """Parts of a text with their offsets; the tokens of the parts are the tokens of the whole.

    A part has ``limit`` characters or a few more. It ends only where a token always ends: at word
    and subword level before a single space, or between a word and a symbol (a run of letters
    without either stays whole); at the other levels anywhere.

    >>> list(cut(" to be or not", level="word", limit=5))
    [(0, ' to be'), (6, ' or not')]
    """
    start = 0
    while len(text) - start > limit:
        end = start + limit
        if level in ("word", "subword"):
            match = (_PRETOKENIZED_CUT if pretokenized else _WORD_CUT).search(text, end)
            if match is None:
                break
            end = match.start()
        yield start, text[start:end]
        start = end
    if start < len(text):
        yield start, text[start:]


def batches(parts: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Numbered parts of lines in lists of bounded length."""
    batch: list[tuple[int, str]] = []
    chars = 0
    for part in parts:
        batch.append(part)
        chars += len(part[1])
        if chars >= _BATCH_CHARS:
            yield batch
            batch, chars = [], 0
    if batch:
        yield batch


def checked_line(line: str) -> str:
    """The line itself.

    Raises:
        TextError: it holds half of a surrogate pair, which is not Unicode text.
    """
    assert "\n" not in line, "a line holds a line end; give one line at a time"
    if not line.isascii():
        try:
            line.encode()
        except UnicodeEncodeError as error:
            code = ord(line[error.start])
            if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that it could not decode
                byte = f"character {error.start} of a line was the byte 0x{code - 0xDC00:02x}"
                raise TextError(f"{byte}, which is not UTF-8; {LEGACY}") from None
            raise TextError(
                f"character {error.start} of a line is U+{code:04X}, half of a surrogate pair; "
                "that is not Unicode text; decode it as UTF-8 first"
            ) from None
    return line
