"""Columns of n-grams: by an index of the n-grams that a training part has, or by hashed buckets."""

import dataclasses
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

PARTS = 3
"""Words and pairs of words, characters, and negated words."""
LENGTHS = (3, 5)
"""Characters of an n-gram, blanks included."""
LOW = (1 << 32) - 1
"""The bits of a key."""
MOST_CHARACTERS = 8
"""The most that an n-gram may have."""
_NONE = np.zeros(0, np.uint32)


@dataclasses.dataclass(frozen=True)
class NgramIndex:
    """The n-grams that have a column each; others have none.

    >>> index = NgramIndex(np.array([5, 9, 2], np.uint32), np.array([2, 1, 0]))
    >>> index.columns(np.array([0, 0, 1], np.uint32), np.array([9, 2, 2], np.uint32)).tolist()
    [1, -1, 2]
    """

    keys: NDArray[np.uint32]
    """Those of words, of characters and of negated words ``[C]``, each part in rising order."""
    sizes: NDArray[np.int64]
    """The number of keys of each part ``[3]``."""
    negations: NDArray[np.uint32] = dataclasses.field(default_factory=lambda: _NONE)
    """Keys of the words that negate, in rising order."""
    reach: int = 0
    """Words after a negation that are negated."""
    lengths: tuple[int, int] = LENGTHS
    """The fewest and the most characters of an n-gram, blanks included."""

    @classmethod
    def of(cls, wide: NDArray[np.int64], *, negations: NDArray[np.uint32], reach: int) -> Self:
        """That of n-grams by their ``wide_keys``, rising."""
        sizes = np.bincount(wide >> 32, minlength=PARTS)
        return cls((wide & LOW).astype(np.uint32), sizes, negations, reach)

    @property
    def size(self) -> int:
        """Columns (C)."""
        return len(self.keys)

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where the columns of each part end ``[3]``."""
        return np.cumsum(self.sizes)

    @cached_property
    def _wide(self) -> NDArray[np.int64]:
        return wide_keys(np.repeat(np.arange(PARTS), self.sizes), self.keys)

    def columns(self, parts: NDArray[np.uint32], keys: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The column of each n-gram, from its part and its key; -1 where it has none."""
        if not self.size:
            return np.full(len(keys), -1)
        wide = wide_keys(parts, keys)
        columns = np.minimum(np.searchsorted(self._wide, wide), self.size - 1)
        return np.where(self._wide[columns] == wide, columns, -1)


@dataclasses.dataclass(frozen=True)
class Buckets:
    """Columns that n-grams share by the first bits of their keys, as in models of 0.2.

    >>> Buckets(1 << 10).columns(np.array([0, 1], np.uint32), np.array([1 << 22, 0], np.uint32)).tolist()
    [1, 1024]
    """

    each: int
    """Buckets of words, and as many of characters: a power of 2."""
    negations: NDArray[np.uint32] = dataclasses.field(default_factory=lambda: _NONE)
    reach: int = 0
    lengths: tuple[int, int] = (2, 4)

    @property
    def size(self) -> int:
        """Columns (C)."""
        return 2 * self.each

    @property
    def ends(self) -> NDArray[np.int64]:
        """Where the columns of each part end ``[3]``."""
        return np.array([self.each, 2 * self.each, 2 * self.each])

    @property
    def shift(self) -> int:
        """Bits of a key that are not those of its bucket."""
        return 33 - self.each.bit_length()

    def columns(self, parts: NDArray[np.uint32], keys: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The column of each n-gram, from its part and its key."""
        return parts.astype(np.int64) * self.each + (keys >> np.uint32(self.shift))


def wide_keys(parts: NDArray[np.integer], keys: NDArray[np.uint32]) -> NDArray[np.int64]:
    """The part and the key of n-grams as one number, which rises with both."""
    return parts.astype(np.int64) << 32 | keys
