"""N-grams of words and of characters as hashed features of a text, for a linear model.

Each text has two parts: its words and pairs of words, and the 2- to 4-grams of the characters of
each word with a blank at both ends. A feature's number is 1 + ln(count) times the feature's weight;
each part is then scaled to length 1. Features share buckets by a hash of their code points, which is
the same everywhere.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SMALLEST, LARGEST = 2, 4
"""Characters of an n-gram, blanks included."""
_LETTER, _MARK = r"[\w'’-]", r"[^\w\s]"
_WORDS = re.compile(f"{_LETTER}+|{_MARK}")
"""Words with their apostrophes and hyphens, and punctuation marks."""
WORD, MARK = 1, 2
"""Classes of characters: of words, and punctuation marks, which are a word each; 0 stands between words."""
BLANK = 32
FACTOR, MIX, PAIR = 0x01000193, 0x9E3779B1, 0x5BD1E995
"""Of the hashes: of a character's place, of the bits of a hash, and of pairs of words."""
_FACTOR, _MIX = np.uint32(FACTOR), np.uint32(MIX)
_TEXTS = 1 << 10
"""Texts hashed at a time."""


class Features(NamedTuple):
    """Features of N texts."""

    starts: NDArray[np.int64]
    """Those of text n lie at ``starts[n] : starts[n + 1]`` ``[N + 1]``."""
    buckets: NDArray[np.int64]
    """First those of words, then those of characters, each part in rising order."""
    counts: NDArray[np.float32]
    """How often each occurs."""


def hashed_ngrams(texts: Sequence[str], *, buckets: int) -> Features:
    """The features of texts.

    Args:
        buckets: of each of the two parts, a power of 2 up to 2^20; those of characters come after
            those of words.

    >>> found = hashed_ngrams(["to be", ""], buckets=1 << 10)
    >>> found.starts.tolist(), int(found.counts.sum())  # to, be, to be; six n-grams of each word
    ([0, 15, 15], 15)
    """
    blocks = [_block(texts[start : start + _TEXTS], buckets) for start in range(0, len(texts), _TEXTS)]
    sizes = np.concatenate([np.zeros(1, np.int64), *(block[0] for block in blocks)])
    return Features(
        np.cumsum(sizes),
        np.concatenate([np.zeros(0, np.int64), *(block[1] for block in blocks)]),
        np.concatenate([np.zeros(0, np.float32), *(block[2] for block in blocks)]),
    )


@cache
def character_classes() -> NDArray[np.uint8]:
    """The class of each code point.

    >>> [int(character_classes()[ord(char)]) for char in "é-!\\n"]
    [1, 1, 2, 0]
    """
    every = "".join(map(chr, range(0x110000)))
    classes = np.zeros(len(every), np.uint8)
    for number, pattern in ((MARK, _MARK), (WORD, _LETTER)):  # marks within words are of words
        for run in re.finditer(f"{pattern}+", every):
            classes[run.start() : run.end()] = number
    return classes


def code_points(texts: Sequence[str]) -> NDArray[np.uint32]:
    """Those of all texts, one text after another."""
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)


def _block(texts: Sequence[str], buckets: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Features of each text, their buckets and counts."""
    padded = [f" {' '.join(_WORDS.findall(text.lower()))} " for text in texts]
    codes = code_points(padded)
    text_of = np.repeat(np.arange(len(texts), dtype=np.uint32), [len(text) for text in padded])
    bits = buckets.bit_length() - 1
    keys = [
        (text_of[at] << np.uint32(bits + 1)) | _bucket(hashed, bits) | np.uint32(part << bits)
        for part, at, hashed in _hashes(codes, text_of)
    ]
    ordered = np.sort(np.concatenate([np.zeros(0, np.uint32), *keys]))
    first = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] + np.uint32(1)))
    counts = np.diff(first, append=len(ordered)).astype(np.float32)
    unique = ordered[first]
    sizes = np.bincount(unique >> np.uint32(bits + 1), minlength=len(texts))
    return sizes, (unique & np.uint32(2 * buckets - 1)).astype(np.int64), counts


def _bucket(hashed: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    mixed = (hashed ^ (hashed >> np.uint32(15))) * _MIX
    return mixed >> np.uint32(32 - bits)


def _hashes(
    codes: NDArray[np.uint32], text_of: NDArray[np.uint32]
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.uint32]]]:
    """The part of some features (0 for words), where they begin, and their hashes."""
    blank = codes == BLANK
    begins = np.flatnonzero(blank[:-1] & ~blank[1:]) + 1
    if not len(begins):
        return
    ends = np.flatnonzero(~blank[:-1] & blank[1:]) + 1
    lengths = ends - begins
    powers = np.cumprod(np.full(int(lengths.max()), _FACTOR, np.uint32), dtype=np.uint32)
    inside = np.flatnonzero(~blank)
    starts = np.cumsum(lengths) - lengths
    within = np.arange(len(inside)) - np.repeat(starts, lengths)
    words = np.add.reduceat((codes[inside] + np.uint32(1)) * powers[within], starts, dtype=np.uint32)
    yield 0, begins, words
    same = text_of[begins[:-1]] == text_of[begins[1:]]
    yield 0, begins[:-1][same], (words[:-1] * _MIX + words[1:])[same] ^ np.uint32(PAIR)
    hashed, whole = codes[:-1] * _FACTOR, np.ones(len(codes) - 1, bool)
    for size in range(SMALLEST, LARGEST + 1):
        if size > SMALLEST:
            # The character before the last one is inside now.
            whole = whole[:-1] & ~blank[size - 2 : -1]
            hashed = hashed[:-1]
        hashed = (hashed + codes[size - 1 :]) * _FACTOR
        kept = whole & ~(blank[: len(whole)] & blank[size - 1 :]) if size == SMALLEST else whole
        at = np.flatnonzero(kept)
        yield 1, at, hashed[at] + np.uint32(size)
