"""What a name in a graph stands for while the graph becomes a tape (``tape_translation.py``)."""

import dataclasses
from typing import Any

from numpy.typing import NDArray


class Untranslatable(Exception):
    """The graph holds what a tape cannot do; onnxruntime can."""


@dataclasses.dataclass(frozen=True)
class Vector:
    """A piece of each row of the room: ``size`` numbers from ``start`` on of a vector that was made as a whole."""

    made: int
    """Which one."""
    start: int
    size: int


@dataclasses.dataclass(frozen=True)
class Whole:
    """A slot of whole numbers, and between which bounds they lie."""

    slot: int
    least: int
    most: int


@dataclasses.dataclass(frozen=True)
class Bytes:
    """A piece of each row of bytes."""

    place: int
    size: int


@dataclasses.dataclass(frozen=True)
class Pending:
    """What becomes a vector when it is cast: rows of codes by a slot, or a product."""

    instruction: tuple[int, ...]
    size: int


@dataclasses.dataclass(frozen=True)
class Shaped:
    """A vector seen as an array: three sizes, and the order in which its axes are seen (the first is the row's)."""

    vector: Vector
    shape: tuple[int, ...]
    order: tuple[int, ...] = (0, 1, 2, 3)


Fields = tuple["int | Vector", ...]
Thing = Vector | Whole | Bytes | Pending | Shaped | NDArray[Any]
