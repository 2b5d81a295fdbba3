"""Working on long arrays chunk by chunk, so that intermediate results stay small."""

from collections.abc import Callable, Iterator
from typing import Any

from numpy.typing import NDArray

_CHUNK = 1 << 20

Allocate = Callable[[int, Any], NDArray[Any]]
"""Gives an array of zeros, ``allocate(count, dtype)``: in memory, or in a file."""


def chunks(count: int) -> Iterator[slice]:
    """Slices of bounded length that make up ``count``."""
    for start in range(0, count, _CHUNK):
        yield slice(start, min(start + _CHUNK, count))
