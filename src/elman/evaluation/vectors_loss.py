"""What fewer bits cost word vectors: how many of the nearest words stay, and how cosines change."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.models.word_vectors import largest, unit_rows

WORDS = 1000
_BLOCK = 50
_NEIGHBOURS = 10

Cosines = Callable[[NDArray[np.int64]], NDArray[np.floating[Any]]]
"""From rows ``[R]`` to their cosines with all ``[R, N]``."""


@dataclasses.dataclass(frozen=True)
class Loss:
    """How cosines in fewer bits differ from those in float32."""

    neighbours: float
    """Of the ten nearest words, the share that stay among the ten nearest."""
    cosine: float
    """The largest difference of a cosine."""
    words: int
    """Words that were compared with all others."""

    def __str__(self) -> str:
        return (
            f"{100 * self.neighbours:.1f}% of the ten nearest words stay, cosines change by {self.cosine:.4f} at most "
            f"({self.words:,} words against all)"
        )


def loss(vectors: NDArray[np.float32], coded: Cosines, *, words: int = WORDS) -> Loss:
    """Compare the cosines of vectors ``[N, D]`` with those in fewer bits, on words that are evenly
    spread over the vocabulary."""
    exactly = cosines_of(vectors)
    rows = np.unique(np.linspace(0, len(vectors) - 1, words).astype(np.int64))
    count = min(_NEIGHBOURS, len(vectors) - 1)
    kept, most = 0, 0.0
    for block in np.array_split(rows, -(-len(rows) // _BLOCK)):
        exact, found = exactly(block).astype(np.float64), coded(block).astype(np.float64)
        most = max(most, float(np.abs(exact - found).max()))
        places = np.arange(len(block)), block
        exact[places] = found[places] = -np.inf
        kept += sum(
            len(set(largest(one, count)) & set(largest(other, count))) for one, other in zip(exact, found, strict=True)
        )
    return Loss(kept / max(1, count * len(rows)), most, len(rows))


def cosines_of(vectors: NDArray[np.float32]) -> Cosines:
    """The cosines of vectors as they are."""
    units = unit_rows(vectors)
    return lambda rows: units[rows] @ units.T
