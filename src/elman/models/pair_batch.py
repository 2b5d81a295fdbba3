"""A batch of pairs as a translator's network reads it, without torch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.part import Part


class PairBatch(NamedTuple):
    """B pairs of texts, each ended by `</s>`."""

    source: NDArray[np.int64]
    """``[B, S]``; any ids at padding."""
    source_lengths: NDArray[np.int64]
    """Real tokens ``[B]``, at least 1."""
    target: NDArray[np.int64]
    """``[B, T]``; any ids at padding."""
    target_lengths: NDArray[np.int64]
    """Real tokens ``[B]``, at least 1."""

    @property
    def rows(self) -> int:
        """B."""
        return len(self.source)

    def part(self, part: Part) -> "PairBatch":
        """Some of the pairs, padded as all of them."""
        return PairBatch(*(each[part.slice] for each in self))
