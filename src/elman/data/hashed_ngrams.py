"""N-grams of words and of characters as hashed features of a text, for a linear model.

Each text has three parts: its words and pairs of words; n-grams of the characters of each word,
with a blank at both ends; and the words within reach of a negation. A feature is known by a 32-bit
hash of its code points, its key, which is the same everywhere. Keys either stand in an index of the
n-grams of a training part, or share buckets (in models of before; these have no negations).
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.ngram_index import LENGTHS, PARTS, Buckets, NgramIndex, wide_keys

_LETTER, _MARK = r"[\w'’-]", r"[^\w\s]"
_WORDS, _MARKS = re.compile(f"{_LETTER}+|{_MARK}"), re.compile(f"(?!{_LETTER}){_MARK}")
"""Words with their apostrophes and hyphens, and punctuation marks."""
WORD, MARK = 1, 2
"""Classes of characters: of words, and punctuation marks, which are a word each; 0 stands between
words."""
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
    columns: NDArray[np.int64]
    """Their numbers, one part after the other, in rising order."""
    counts: NDArray[np.float32]
    """How often each occurs."""


def hashed_ngrams(texts: Sequence[str], index: NgramIndex | Buckets) -> Features:
    """The features of texts that ``index`` has.

    >>> found = hashed_ngrams(["to be", ""], Buckets(1 << 10))
    >>> found.starts.tolist(), int(found.counts.sum())  # to, be, to be; six n-grams of each word
    ([0, 15, 15], 15)
    """
    blocks = []
    for some in _some(texts):
        text_of, part, keys = _occurrences(some, index.negations, index.reach, index.lengths)
        columns = index.columns(part, keys)
        known = columns >= 0
        blocks.append(_counted(text_of[known].astype(np.int64), columns[known], len(some), index.size))
    return _joined(blocks)


def all_ngrams(texts: Sequence[str], *, negations: NDArray[np.uint32], reach: int) -> Features:
    """All features of texts. Their columns are ``wide_keys``, from which an ``NgramIndex`` is made.

    Args:
        negations: keys of words ``[n]``, rising.
        reach: words after a negation that are negated.
    """
    blocks = []
    for some in _some(texts):
        text_of, part, keys = _occurrences(some, negations, reach, LENGTHS)
        blocks.append(_counted(text_of.astype(np.int64), wide_keys(part, keys), len(some), PARTS << 32))
    return _joined(blocks)


def word_keys(words: Sequence[str]) -> NDArray[np.uint32]:
    """The keys of words in lower case, rising."""
    _, part, keys = _occurrences(words, np.zeros(0, np.uint32), 0, LENGTHS)
    return np.unique(keys[part == 0])


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


def _some(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[start : start + _TEXTS] for start in range(0, len(texts), _TEXTS))


def _joined(blocks: Sequence[Features]) -> Features:
    """Features of blocks of texts, one after another; their ``starts`` are the number of each
    text's."""
    sizes = np.concatenate([np.zeros(1, np.int64), *(block.starts for block in blocks)])
    return Features(
        np.cumsum(sizes),
        np.concatenate([np.zeros(0, np.int64), *(block.columns for block in blocks)]),
        np.concatenate([np.zeros(0, np.float32), *(block.counts for block in blocks)]),
    )


def _counted(text_of: NDArray[np.int64], columns: NDArray[np.int64], texts: int, size: int) -> Features:
    """Each column of each text once, with its count; ``starts`` are the number of each text's."""
    ordered = np.sort(text_of * size + columns)
    first = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    unique = ordered[first]
    return Features(
        np.bincount(unique // size, minlength=texts),
        unique % size,
        np.diff(first, append=len(ordered)).astype(np.float32),
    )


def _occurrences(
    texts: Sequence[str], negations: NDArray[np.uint32], reach: int, lengths: tuple[int, int]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32]]:
    """The text, the part and the key of each n-gram."""
    words = [_WORDS.findall(text.lower()) for text in texts]
    padded = [f" {' '.join(some)} " for some in words]
    codes = code_points(padded)
    text_of = np.repeat(np.arange(len(texts), dtype=np.uint32), [len(text) for text in padded])
    found = [(part, text_of[at], _mixed(hashed)) for part, at, hashed in _hashes(codes, text_of, lengths)]
    if found and len(negations):
        _, owners, keys = found[0]  # those of words
        marks = np.array([_is_mark(word) for some in words for word in some])
        negated = _negated(owners, keys, marks, negations, reach)
        found.append((2, owners[negated], keys[negated]))
    empty = np.zeros(0, np.uint32)
    return (
        np.concatenate([empty, *(owners for _, owners, _ in found)]),
        np.concatenate([empty, *(np.full(len(keys), part, np.uint32) for part, _, keys in found)]),
        np.concatenate([empty, *(keys for _, _, keys in found)]),
    )


def _is_mark(word: str) -> bool:
    return len(word) == 1 and _MARKS.match(word) is not None


def _negated(
    text_of: NDArray[np.uint32],
    keys: NDArray[np.uint32],
    marks: NDArray[np.bool_],
    negations: NDArray[np.uint32],
    reach: int,
) -> NDArray[np.bool_]:
    """Which words are within reach of a negation: with neither a mark nor the end of a text
    between."""
    places = np.arange(len(keys))
    negation = np.isin(keys, negations)
    begins = np.diff(text_of, prepend=text_of[:1] + np.uint32(1)) != 0
    last = np.maximum.accumulate(np.where(negation, places, -1))
    # A text's first word may itself be the negation.
    ends = np.maximum.accumulate(np.where(marks, places, np.where(begins, places - 1, -1)))
    return (last > ends) & (places > last) & (places - last <= reach)


def _mixed(hashed: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (hashed ^ (hashed >> np.uint32(15))) * _MIX


def _hashes(
    codes: NDArray[np.uint32], text_of: NDArray[np.uint32], lengths: tuple[int, int]
) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.uint32]]]:
    """The part of some features (0 for words), where they begin, and their hashes."""
    blank = codes == BLANK
    begins = np.flatnonzero(blank[:-1] & ~blank[1:]) + 1
    if not len(begins):
        return
    ends = np.flatnonzero(~blank[:-1] & blank[1:]) + 1
    sizes = ends - begins
    powers = np.cumprod(np.full(int(sizes.max()), _FACTOR, np.uint32), dtype=np.uint32)
    inside = np.flatnonzero(~blank)
    starts = np.cumsum(sizes) - sizes
    within = np.arange(len(inside)) - np.repeat(starts, sizes)
    words = np.add.reduceat((codes[inside] + np.uint32(1)) * powers[within], starts, dtype=np.uint32)
    yield 0, begins, words
    same = text_of[begins[:-1]] == text_of[begins[1:]]
    yield 0, begins[:-1][same], (words[:-1] * _MIX + words[1:])[same] ^ np.uint32(PAIR)
    hashed, whole = codes * _FACTOR, np.ones(len(codes), bool)
    for size in range(2, lengths[1] + 1):
        hashed = (hashed[:-1] + codes[size - 1 :]) * _FACTOR
        # Blanks are at the ends only.
        whole = whole[:-1] & ~blank[size - 2 : -1] if size > 2 else whole[:-1]
        if size >= lengths[0]:
            kept = whole & ~(blank[:-1] & blank[1:]) if size == 2 else whole
            at = np.flatnonzero(kept)
            yield 1, at, hashed[at] + np.uint32(size)
