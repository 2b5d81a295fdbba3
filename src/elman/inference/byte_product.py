"""Matrix products of 8-bit numbers, exact and as fast as the weights can be read.

Generating one token reads every weight once, so memory is the limit. ``pack`` stores a matrix
``[K, M]`` in blocks of 64 columns, four rows side by side, so that a block is read from its first
byte to its last. The kernel for this processor (``dot_kernels``) computes int32 sums. They are
scaled in float32 with every operation rounded on its own, so results are equal to the last bit on
all processors, for any number of rows.
"""

from types import FunctionType
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from elman.inference.dot_kernels import BLOCK, DEEP, TOGETHER, Kernel, best_kernel

# Without an explicit False, numba takes fastmath from whatever function calls first, and fuses
# multiply and add.
_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy", "fastmath": False}
# numba takes these as constants. Its cache is keyed by the target, and the target alone chooses the
# kernel.
_, _, SIGNED, prepare, dots = best_kernel()


def padded(size: int, multiple: int) -> int:
    """``size`` or the next multiple.

    >>> padded(650, 4), padded(64, 64)
    (652, 64)
    """
    return -(-size // multiple) * multiple


def packed_bytes(rows: int, columns: int) -> int:
    """Bytes of a packed matrix ``[rows, columns]``."""
    return padded(rows, DEEP) * padded(columns, BLOCK)


@njit(**_OPTIONS)
def pack(matrix: NDArray[np.int8], out: NDArray[np.int8], sums: NDArray[np.int32]) -> None:
    """Store ``matrix[K, M]`` as ``out[packed_bytes(K, M)]``, padded with zeros, and its column sums
    in ``sums[M]``.
    """
    rows, columns = matrix.shape
    deep = -(-rows // DEEP)
    out[:] = 0
    sums[:] = 0
    for k in range(rows):
        inside = (k // DEEP) * BLOCK * DEEP + k % DEEP
        for m in range(columns):
            out[(m // BLOCK) * deep * BLOCK * DEEP + inside + (m % BLOCK) * DEEP] = matrix[k, m]
            sums[m] += matrix[k, m]


@njit(**_OPTIONS)
def product(x, offset, deep, weights, middle, out, target, scale, scales, bias):
    """``(x - 128) @ matrix``, exact, and rounded to float32: ``out[N, target : target + M]``.

    With ``scales`` it is ``((product * row_scale) * scales) + bias``, each operation rounded.

    Args:
        x: bytes ``[N, ..]`` around 128; ``4 deep`` of them are used, from ``offset`` on.
        weights: the matrix as ``pack`` stored it, numbers from -127 to 127.
        middle: 128 times the column sums, int32 ``[M]``.
        scale: the column of ``out`` with each row's scale.
        scales: of the columns, float32 ``[M]``; empty for none.
        bias: float32 ``[M]``; empty for none.
    """
    rows, columns = len(x), len(middle)
    size = deep * BLOCK * DEEP
    ready = prepare(x, offset, deep)
    # Several rows share a block while it is in the cache. One row goes through all blocks without a
    # stop.
    blocks = -(-columns // BLOCK) if rows == 1 else 1
    width = blocks * BLOCK
    sums = np.empty((min(rows, TOGETHER), width), np.int32)
    for first in range(0, columns, width):
        some = weights[first // BLOCK * size : (first // BLOCK + blocks) * size]
        last = min(first + width, columns)
        start = 0
        while start < rows:
            stop = start + TOGETHER if start + TOGETHER <= rows else start + 1
            dots(ready, some, deep, blocks, start, stop, sums)
            for row in range(start, stop):
                total, target_columns = sums[row - start], out[row, target + first : target + last]
                if not SIGNED:
                    shift = middle[first:last]
                    for m in range(last - first):
                        total[m] -= shift[m]
                if not len(scales):
                    for m in range(last - first):
                        target_columns[m] = np.float32(total[m])
                    continue
                whole, factors = out[row, scale], scales[first:last]
                if len(bias):
                    added = bias[first:last]
                    for m in range(last - first):
                        target_columns[m] = np.float32(total[m]) * whole * factors[m] + added[m]
                else:
                    for m in range(last - first):
                        target_columns[m] = np.float32(total[m]) * whole * factors[m]
            start = stop


def product_by(kernel: Kernel) -> Any:
    """``product`` by another kernel, compiled anew; for tests and benchmarks."""
    compiled: Any = product
    plain = compiled.py_func
    constants = {"SIGNED": kernel.signed, "prepare": kernel.prepare, "dots": kernel.dots}
    return njit(**_OPTIONS | {"cache": False})(FunctionType(plain.__code__, plain.__globals__ | constants))
