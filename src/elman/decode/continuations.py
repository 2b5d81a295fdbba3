"""Lines that continue given texts: where their tokens begin, and what a model has read before
them."""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from elman.data.oov import Unknown, unknown_tokens
from elman.decode.line_ids import LineIds, line_ids
from elman.decode.prompts import finished_lines, open_end
from elman.decode.words import Kind, kind_of
from elman.errors import UsageError
from elman.notation import TokenIds
from elman.text.tokenizer import EOS_ID, Tokenizer

_SPACED = re.compile(r"(^|\S) $")
_CLOSING = ".,;:!?%…'’\"”、。！，．：；？"


class Continuations(NamedTuple):
    """Lines as continuations of what was read before them."""

    lines: LineIds
    """The tokens that belong to the lines, each line ended by `</s>`."""
    before: list[TokenIds]
    """The different token sequences that were read before a line, from a document start."""
    which: list[int]
    """Which of them was read before each line."""


def seam(before: str, line: str) -> str:
    """The space to put between a text and a line that continues it, or nothing.

    None is put where one is already, before punctuation that closes, after a bracket that opens,
    and inside scripts without spaces.

    >>> [seam("the cat", line) for line in ("sat", ", too", "(it", " sat")]
    [' ', '', ' ', '']
    >>> seam("the cat ", "sat"), seam("猫が", "座る")
    ('', '')
    """
    if not before or not line:
        return ""
    last, next_ = before[-1], line[0]
    if last.isspace() or next_.isspace() or next_ in _CLOSING:
        return ""
    if unicodedata.category(next_) in ("Pe", "Pf") or unicodedata.category(last) in ("Ps", "Pi"):
        return ""
    if kind_of(next_) == Kind.UNSPACED:
        return " " if kind_of(last) in (Kind.LETTER, Kind.MARK, Kind.DIGIT) else ""
    return " "


def continuations(tokenizer: Tokenizer, prefixes: Sequence[str], lines: Sequence[str]) -> Continuations:
    """The tokens of lines in normal form after their prefixes.

    A prefix may hold several lines; the last one stays open, and ``seam`` says how the line is put
    behind it. A token that lies across the seam belongs to the line.
    """
    opened = {prefix: _open(tokenizer, prefix) for prefix in dict.fromkeys(prefixes)}
    texts = [
        opened[prefix].text + seam(opened[prefix].text, line) for prefix, line in zip(prefixes, lines, strict=True)
    ]
    # Around a single space between two words, the tokens of neither depend on the other.
    apart = [
        row
        for row, (text, line) in enumerate(zip(texts, lines, strict=True))
        if not text or (_SPACED.search(text) and line[:1].strip() and open_end(tokenizer, text)[1])
    ]
    encoded = line_ids(tokenizer, [lines[row] for row in apart])
    own = dict(zip(apart, encoded.split(), strict=True))
    unknown = {apart[number]: tokens for number, tokens in encoded.unknown.items()}
    signs = dict(zip(apart, encoded.signs, strict=False))
    before: dict[bytes, tuple[int, TokenIds]] = {}
    which = []
    for row, (prefix, text, line) in enumerate(zip(prefixes, texts, lines, strict=True)):
        read = opened[prefix].ids
        if row not in own:
            read, own[row], unknown[row], signs[row] = _cut(tokenizer, opened[prefix], text, line)
        which.append(before.setdefault(read.tobytes(), (len(before), read))[0])
    rows = [own[row] for row in range(len(lines))]
    ends = np.cumsum([len(ids) for ids in rows], dtype=np.int64)
    ids = np.concatenate([np.empty(0, np.int64), *rows])
    of_rows = [signs.get(row, "") for row in range(len(lines))]
    return Continuations(LineIds(ids, ends, unknown, of_rows), [read for _, read in before.values()], which)


class _Prefix(NamedTuple):
    finished: TokenIds
    """The tokens of its finished lines."""
    text: str
    """Its open line."""
    ids: TokenIds
    """All its tokens; a single space at its end belongs to the next one."""


def _open(tokenizer: Tokenizer, prefix: str) -> _Prefix:
    if not isinstance(prefix, str):
        raise UsageError(f"a prefix is a {type(prefix).__name__}; it must be text, empty for none")
    lines, text, _ = finished_lines(tokenizer, prefix)
    finished = np.concatenate([np.empty(0, np.int64), *lines])
    part, _ = open_end(tokenizer, text)
    return _Prefix(finished, text, np.concatenate([finished, tokenizer.encode(part).ids]))


def _cut(tokenizer: Tokenizer, prefix: _Prefix, text: str, line: str) -> tuple[TokenIds, TokenIds, list[Unknown], str]:
    """The tokens before a line, its own with `</s>`, its unknown ones and its apostrophes, from the
    whole text."""
    whole = text + line if line else text.rstrip()
    encoded = tokenizer.encode(whole)
    starts, ends = encoded.spans.T
    # A marker at the seam, of no length, is the line's.
    own = (ends > len(prefix.text)) | (starts >= len(prefix.text))
    begin = int(own.argmax()) if own.any() else len(own)
    unknown = [
        Unknown(place - begin, spelled)
        for place, spelled in unknown_tokens(tokenizer, whole, encoded)
        if place >= begin
    ]
    before = np.concatenate([prefix.finished, encoded.ids[:begin]])
    signs = tokenizer.spelling.signs(whole)[len(tokenizer.spelling.signs(whole[: ends[begin - 1]] if begin else "")) :]
    return before, np.append(encoded.ids[begin:], EOS_ID), unknown, signs
