"""How much room counting takes, in memory and on disk, and what is done with it.

Counting on disk sorts records: some numbers of 64 bits that hold the tokens of a window, and one
that counts them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError

TOKENS = 1 << 16
"""Tokens read at a time."""
_BLOCK = 1 << 14
_LARGEST_RUN = 1 << 24
"""A sort is deaf to Ctrl-C: about two seconds for so many records."""
_PART = 1 << 12
_FAN_IN = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Where the fields of a record lie: some side by side in each of its numbers, none across two.

    >>> Layout.of(5, largest=50_000).words
    array([0, 0, 0, 0, 1])
    """

    words: NDArray[np.int64]
    """For each field, which number holds it."""
    shifts: NDArray[np.uint64]
    """By how many bits it is moved left there."""
    mask: np.uint64
    """A field's bits."""

    @classmethod
    def of(cls, fields: int, *, largest: int) -> "Layout":
        """So many fields of 0 to ``largest``, which is at least 7."""
        bits = max(largest, 7).bit_length()
        each = 64 // bits
        places = np.arange(fields)
        return cls(
            words=places // each,
            shifts=(64 - bits * (places % each + 1)).astype(np.uint64),
            mask=np.uint64((1 << bits) - 1),
        )

    @property
    def width(self) -> int:
        """Numbers per record."""
        return int(self.words[-1]) + 1


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many records are held at a time."""

    run: int
    """Sorted together."""
    block: int
    """Read off, written and handed on together; 2 or more."""
    merge: int
    """In all parts of runs that are being merged."""
    part: int
    """At the least, in each of them; ``merge`` holds 2 or more."""

    @property
    def fan_in(self) -> int:
        """Most runs that are merged at once."""
        return self.merge // self.part


def layout_of(order: int, vocab_size: int) -> Layout:
    """Of records that hold ``order`` tokens, each plus 1; `<s>` is V, and 0 is none."""
    return Layout.of(order, largest=vocab_size + 1)


def least_memory(order: int, vocab_size: int) -> int:
    """The least ``max_ram`` of ``count_on_disk``, bytes."""
    fixed, record = _fixed(order, vocab_size), 8 * (layout_of(order, vocab_size).width + 1)
    return fixed + 3 * _FAN_IN * _PART * record


def needed(tokens: int, order: int, vocab_size: int) -> tuple[int, int]:
    """What counting takes at most: bytes of memory for ``count_ngrams``, bytes of disk for
    ``count_on_disk``.

    Texts repeat themselves: half of it is usual.

    >>> [f"{size / 1e9:.1f} GB" for size in needed(10**9, 5, 50_000)]
    ['202.0 GB', '144.0 GB']
    """
    grams = [min(tokens, vocab_size ** (n - 1) * (vocab_size + 1)) for n in range(2, order + 1)]
    record = 8 * (layout_of(order, vocab_size).width + 1)
    runs = record * tokens if order > 1 else 0
    memory = (106 if order > 1 else 12) * tokens + 24 * (vocab_size + sum(grams))
    # Both sorts' runs are there while keys and occurrences are written; when adjusted counts are,
    # the first's are gone.
    return memory, 2 * runs + 24 * (vocab_size + sum(grams))


def sizes_within(max_ram: int, *, tokens: int, order: int, vocab_size: int) -> Sizes:
    """How many records to hold so that everything together stays below ``max_ram`` bytes.

    Raises:
        UsageError: that is too little.
    """
    least = least_memory(order, vocab_size)
    if max_ram < least:
        raise UsageError(
            f"--max-ram is {in_words(max_ram)}; counting order {order} over {vocab_size} types takes at least "
            f"{in_words(least)}: give --max-ram {-(-least // 10**6)}M or more"
        )
    width = layout_of(order, vocab_size).width
    share = (max_ram - _fixed(order, vocab_size)) // 3
    run = max(min(2 * share // (8 * width), _LARGEST_RUN, tokens), TOKENS)
    return Sizes(run=run, block=_BLOCK, merge=max(share // (8 * (width + 1)), _FAN_IN * _PART), part=_PART)


def in_words(size: int) -> str:
    """Bytes as people say them.

    >>> in_words(21_300_000), in_words(3_400_000_000)
    ('22 MB', '3.4 GB')
    """
    if size < 1e6:
        return f"{-(-size // 10**3)} kB"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{-(-size // 10**6)} MB"


def _fixed(order: int, vocab_size: int) -> int:
    """Bytes that do not depend on how many records are held: unigrams, blocks of tokens, records
    and tables.
    """
    record = 8 * (layout_of(order, vocab_size).width + 1)
    return 24 * vocab_size + 24 * TOKENS + 2 * _BLOCK * record + 16 * (order + 1) * (_BLOCK + 1) + (1 << 20)
