"""Word vectors in 8 bits, and what that costs.

Each vector is scaled by itself, so that its largest number is 127. Cosines are quotients of sums of
whole numbers, which are exact: ``web/bytevectors.js`` computes the same bits.
"""

import numpy as np
from numpy.typing import NDArray

from elman.evaluation.vectors_loss import Loss, loss
from elman.models.word_vectors import largest

_SAMPLE = 500


class ByteVectors:
    """Vectors in 8 bits.

    >>> vectors = ByteVectors(np.array([[2, 0], [1, 1], [0, 3]], np.float32))
    >>> vectors.codes.tolist()
    [[127, 0], [127, 127], [0, 127]]
    >>> vectors.neighbours(0, 1)
    [(1, 0.7071067811865476)]
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        most = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), np.float32(1e-30))
        self.codes: NDArray[np.int8] = np.rint(vectors / most * 127).astype(np.int8)
        """``[N, D]``, from -127 to 127."""

    def cosines(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cosines of some rows with all ``[R, N]``; those of zeros are 0."""
        wide = self.codes.astype(np.float64)
        squares = np.einsum("nd,nd->n", wide, wide)
        both = squares[rows][:, None] * squares
        return np.where(both > 0, wide[rows] @ wide.T / np.sqrt(np.maximum(both, 1)), 0)

    def neighbours(self, row: int, count: int) -> list[tuple[int, float]]:
        """The rows nearest to one, each with its cosine; of equal ones the first first."""
        cosines = self.cosines(np.array([row]))[0]
        cosines[row] = -np.inf
        return [(other, float(cosines[other])) for other in largest(cosines, count) if other != row]

    def loss(self, vectors: NDArray[np.float32]) -> Loss:
        """What 8 bits cost, measured on words that are evenly spread over the vocabulary."""
        return loss(vectors, self.cosines, words=_SAMPLE)
