"""Weights in 8 bits: each row of a matrix as whole numbers from -127 to 127 and one scale."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Quantised(NamedTuple):
    """A matrix of N rows and K columns."""

    codes: NDArray[np.int8]
    """``[N, K]``."""
    scales: NDArray[np.float32]
    """``[N]``."""

    def values(self) -> NDArray[np.float32]:
        """The matrix that is stored, ``[N, K]``."""
        return self.codes.astype(np.float32) * self.scales[:, None]


def quantise(matrix: NDArray[np.float32]) -> Quantised:
    """Round a matrix ``[N, K]`` row by row.

    >>> small = quantise(np.array([[127.0, -2.0, 0.4], [0.0, 0.0, 0.0]], np.float32))
    >>> small.codes.tolist(), small.scales.tolist()
    ([[127, -2, 0], [0, 0, 0]], [1.0, 1.0])
    """
    scales = np.abs(matrix).max(axis=1) / np.float32(127)
    # A scale of 0 would make 0 / 0; that of the smallest numbers would not be one of the usual kind.
    scales = np.where(scales < np.finfo(np.float32).tiny, np.float32(1), scales)
    codes = np.rint(matrix / scales[:, None]).clip(-127, 127)
    return Quantised(codes.astype(np.int8), scales)
