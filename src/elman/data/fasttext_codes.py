"""The quantised matrix of a fastText file (``.ftz``): a row is cut into parts, and each part is one
of 256 centroids (product quantisation; Jégou, Douze and Schmid 2011).

A byte says whether lengths are kept apart; rows and columns (int64 each), bytes of codes (int32),
and the codes, a byte for each part of each row; then the centroids. If lengths are apart, a byte
for each row follows, and the centroids of lengths. Centroids are preceded by four int32: columns,
parts, numbers in a part, and in the last one.
"""

import struct
from collections.abc import Collection
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

_HEAD = struct.Struct("<B2qi")
_PRODUCT = struct.Struct("<4i")
_CENTROIDS = 256
_LONGEST_PART = 64
"""A byte of a hostile file must not unpack to any number of numbers."""


def read_codes(data: bytes | mmap, at: int, *, heights: Collection[int], width: int) -> NDArray[np.float32]:
    """The matrix ``[rows, width]`` that stands at ``at``.

    Args:
        heights: how many rows it may have.

    Raises:
        ValueError: it is damaged; says what.
        struct.error: it is cut off.
    """
    apart, rows, columns, size = _HEAD.unpack_from(data, at)
    if apart > 1 or columns != width or rows not in heights:
        raise ValueError("its sizes do not fit")
    codes, at = _bytes(data, at + _HEAD.size, size)
    centroids, at = _centroids(data, at, width)
    if size != rows * len(centroids):
        raise ValueError("its number of codes does not fit")
    codes = codes.reshape(rows, len(centroids))
    matrix = np.concatenate([part[codes[:, place]] for place, part in enumerate(centroids)], axis=1)
    if apart:
        codes, at = _bytes(data, at, rows)
        (lengths,), _ = _centroids(data, at, 1)
        with np.errstate(over="ignore", invalid="ignore"):  # numbers are checked where they are used
            matrix *= lengths[codes]
    return matrix


def _bytes(data: bytes | mmap, at: int, count: int) -> tuple[NDArray[np.uint8], int]:
    if not 0 <= count <= len(data) - at:
        raise ValueError("it ends too early")
    return np.frombuffer(data[at : at + count], np.uint8), at + count


def _centroids(data: bytes | mmap, at: int, width: int) -> tuple[list[NDArray[np.float32]], int]:
    """The centroids ``[256, numbers]`` of each part."""
    columns, parts, size, last = _PRODUCT.unpack_from(data, at)
    if columns != width or parts < 1 or size < 1 or parts != -(-width // size) or last != width - (parts - 1) * size:
        raise ValueError("the sizes of its centroids do not fit")
    if max(min(size, width), last) > _LONGEST_PART:
        raise ValueError(f"parts of more than {_LONGEST_PART} numbers")
    found, at = _bytes(data, at + _PRODUCT.size, 4 * width * _CENTROIDS)
    numbers = found.view("<f4").astype(np.float32)
    steps = [_CENTROIDS * size * place for place in range(1, parts)]
    return [part.reshape(_CENTROIDS, -1) for part in np.split(numbers, steps)], at
