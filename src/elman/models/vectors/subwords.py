"""Character n-grams of words, hashed as fastText does it, so that unknown words have vectors.

Around each word stand ``<`` and ``>``. Its n-grams of ``smallest`` to ``largest`` characters are
hashed (32-bit FNV-1a over UTF-8 bytes, which count as signed) into ``buckets``.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.models.vectors.sampling import compiled

_OFFSET, _PRIME = np.uint32(2166136261), np.uint32(16777619)
_SIGN, _HIGH = np.uint32(0x80), np.uint32(0xFFFFFF00)


def subword_buckets(
    words: Sequence[str], *, smallest: int, largest: int, buckets: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The buckets of the n-grams of words: those of word w are
    ``found[starts[w] : starts[w + 1]]``.

    >>> starts, found = subword_buckets(["as", ""], smallest=3, largest=6, buckets=2_000_000)
    >>> starts.tolist(), len(found)  # <as as> <as>, and nothing of <>
    ([0, 3, 3], 3)
    """
    marked = [f"<{word}>".encode() for word in words]
    letters = np.frombuffer(b"".join(marked), np.uint8)
    ends = np.cumsum([0, *map(len, marked)])
    starts = np.zeros(len(words) + 1, np.int64)
    found = np.empty(len(letters) * max(0, largest - smallest + 1), np.int64)
    count = _hash_all(letters, ends, smallest, largest, buckets, starts, found)
    return starts, found[:count]


@compiled
def _hash_all(letters, ends, smallest, largest, buckets, starts, found):
    count = 0
    for word in range(len(ends) - 1):
        begin, end = ends[word], ends[word + 1]
        for at in range(begin, end):
            if (letters[at] & 0xC0) == 0x80:
                continue
            mixed, size, after = _OFFSET, 0, at
            while after < end and size < largest:
                mixed = _mix(mixed, letters[after])
                after += 1
                while after < end and (letters[after] & 0xC0) == 0x80:
                    mixed = _mix(mixed, letters[after])
                    after += 1
                size += 1
                if size >= smallest and not (size == 1 and (at == begin or after == end)):
                    found[count] = np.int64(mixed) % buckets
                    count += 1
        starts[word + 1] = count
    return count


@compiled
def _mix(mixed, letter):
    wide = np.uint32(letter)
    if wide & _SIGN:
        wide |= _HIGH
    return np.uint32((mixed ^ wide) * _PRIME)
