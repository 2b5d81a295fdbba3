"""Weights in 8 bits: whole numbers from -127 to 127, with a scale for every 32 of them along a row.

Stored as onnxruntime's MatMulNBits wants them, 128 added. That operator also rounds what it multiplies the weights with
to 8 bits, each row of a batch by its own scales, so that what a row becomes never depends on its neighbours.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
"""Weights that share a scale: of the sizes with an exact kernel for any batch, the one that pads least."""


class Quantised(NamedTuple):
    """A matrix of N rows and K columns, padded by zeros to M blocks."""

    codes: NDArray[np.uint8]
    """``[N, M, 32]``."""
    scales: NDArray[np.float32]
    """``[N, M]``."""
    columns: int
    """K."""

    def values(self) -> NDArray[np.float32]:
        """The matrix that is stored, ``[N, K]``."""
        whole = (self.codes.astype(np.float32) - 128) * self.scales[:, :, None]
        return whole.reshape(len(whole), -1)[:, : self.columns]


def quantise(matrix: NDArray[np.float32]) -> Quantised:
    """Round a matrix ``[N, K]`` row by row.

    >>> small = quantise(np.array([[127.0, -2.0, 0.4]], np.float32))
    >>> small.values().tolist(), small.codes.shape
    ([[127.0, -2.0, 0.0]], (1, 1, 32))
    """
    rows, columns = matrix.shape
    blocks = -(-columns // BLOCK)
    padded = np.zeros((rows, blocks * BLOCK), np.float32)
    padded[:, :columns] = matrix
    padded = padded.reshape(rows, blocks, BLOCK)
    scales = np.abs(padded).max(axis=2) / np.float32(127)
    # A scale of 0 would make 0 / 0; that of the smallest numbers would not be one of the usual kind.
    scales = np.where(scales < np.finfo(np.float32).tiny, np.float32(1), scales)
    codes = np.rint(padded / scales[:, :, None]).clip(-127, 127) + 128
    return Quantised(codes.astype(np.uint8), scales, columns)
