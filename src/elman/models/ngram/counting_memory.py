"""Memory and disk that counting takes, the record format, and the sizes of buffers.

Counting on disk sorts records. A record is some 64-bit numbers with the tokens of a window, and one
with its count.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError

TOKENS = 1 << 16
"""Tokens read at a time."""
_BLOCK = 1 << 14
_LARGEST_RUN = 1 << 24
"""A sort ignores Ctrl-C; this many records take about two seconds."""
_PART = 1 << 12
_FAN_IN = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordFormat:
    """Bit positions of a record's fields: several in each number, none across two.

    >>> RecordFormat.of(5, largest=50_000).words
    array([0, 0, 0, 0, 1])
    """

    words: NDArray[np.int64]
    """For each field, the index of its number."""
    shifts: NDArray[np.uint64]
    """The left shift of each field, in bits."""
    mask: np.uint64
    """The bits of one field."""

    @classmethod
    def of(cls, fields: int, *, largest: int) -> "RecordFormat":
        """Fields with values of 0 to ``largest`` (at least 7)."""
        bits = max(largest, 7).bit_length()
        per_number = 64 // bits
        fields_before = np.arange(fields)
        return cls(
            words=fields_before // per_number,
            shifts=(64 - bits * (fields_before % per_number + 1)).astype(np.uint64),
            mask=np.uint64((1 << bits) - 1),
        )

    @property
    def width(self) -> int:
        """Numbers per record."""
        return int(self.words[-1]) + 1


@dataclass(frozen=True, kw_only=True)
class BufferSizes:
    """How many records are held in memory at a time."""

    run: int
    """Records sorted together."""
    block: int
    """Records read, written and passed on together; 2 or more."""
    merge: int
    """Records of all runs being merged together."""
    part: int
    """Least records of each run being merged; ``merge`` is 2 or more times as large."""

    @property
    def fan_in(self) -> int:
        """Most runs that are merged at once."""
        return self.merge // self.part


def record_format(order: int, vocab_size: int) -> RecordFormat:
    """The format for ``order`` tokens, stored as token + 1; `<s>` is V, and 0 is no token."""
    return RecordFormat.of(order, largest=vocab_size + 1)


def least_memory(order: int, vocab_size: int) -> int:
    """The least ``max_ram`` of ``count_on_disk``, bytes."""
    fixed, record = _fixed(order, vocab_size), 8 * (record_format(order, vocab_size).width + 1)
    return fixed + 3 * _FAN_IN * _PART * record


def needed(tokens: int, order: int, vocab_size: int) -> tuple[int, int]:
    """Upper bounds: bytes of memory for ``count_ngrams``, bytes of disk for ``count_on_disk``.

    Texts repeat themselves, so half of that is usual.

    >>> [f"{size / 1e9:.1f} GB" for size in needed(10**9, 5, 50_000)]
    ['202.0 GB', '144.0 GB']
    """
    grams = [min(tokens, vocab_size ** (n - 1) * (vocab_size + 1)) for n in range(2, order + 1)]
    record = 8 * (record_format(order, vocab_size).width + 1)
    runs = record * tokens if order > 1 else 0
    memory = (106 if order > 1 else 12) * tokens + 24 * (vocab_size + sum(grams))
    # Both sorts' runs exist while keys and occurrences are written. The first sort's are gone when
    # adjusted counts are written.
    return memory, 2 * runs + 24 * (vocab_size + sum(grams))


def sizes_within(max_ram: int, *, tokens: int, order: int, vocab_size: int) -> BufferSizes:
    """Buffer sizes with which counting stays below ``max_ram`` bytes.

    Raises:
        UsageError: ``max_ram`` is too little.
    """
    least = least_memory(order, vocab_size)
    if max_ram < least:
        raise UsageError(
            f"--max-ram is {in_words(max_ram)}; counting order {order} over {vocab_size} types takes at least "
            f"{in_words(least)}: give --max-ram {-(-least // 10**6)}M or more"
        )
    width = record_format(order, vocab_size).width
    third = (max_ram - _fixed(order, vocab_size)) // 3
    run = max(min(2 * third // (8 * width), _LARGEST_RUN, tokens), TOKENS)
    return BufferSizes(run=run, block=_BLOCK, merge=max(third // (8 * (width + 1)), _FAN_IN * _PART), part=_PART)


def in_words(size: int) -> str:
    """A number of bytes with a unit.

    >>> in_words(21_300_000), in_words(3_400_000_000)
    ('22 MB', '3.4 GB')
    """
    if size < 1e6:
        return f"{-(-size // 10**3)} kB"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{-(-size // 10**6)} MB"


def _fixed(order: int, vocab_size: int) -> int:
    """Bytes independent of the buffer sizes: unigrams, blocks of tokens, records and tables."""
    record = 8 * (record_format(order, vocab_size).width + 1)
    return 24 * vocab_size + 24 * TOKENS + 2 * _BLOCK * record + 16 * (order + 1) * (_BLOCK + 1) + (1 << 20)
