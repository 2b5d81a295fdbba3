"""A runtime's graph as a tape: the same operators as instructions over one piece of memory, run in one call.

onnxruntime takes half a microsecond for each operator and reads 8-bit weights at two thirds of the caches' speed; a
token alone is nothing but that. So where a part of a graph consists of operators that work row by row on vectors, all
products in 8 bits, it is translated once (``tape_translation``) into instructions for ``tape_kernels.run``. The
products are the same whole numbers, and what lies between them is float32 in the same order; onnxruntime is the slow
twin.
"""

import threading
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import ModelError
from elman.models import tape_kernels as kernels
from elman.models.runtime_file import Contents
from elman.models.tape_room import place
from elman.models.tape_translation import Translation

Places = list[tuple[str, NDArray[Any]]]
Room = tuple[tuple[NDArray[Any], NDArray[Any], NDArray[Any]], Places, Places]
"""What a program works in, and where in it the whole numbers and the vectors go that come in."""

_POOLS = (np.float32, np.int64, np.int8)
_TOGETHER = 32
"""Rows that run together: their vectors stay in the caches, and share one reading of the weights."""


class Tape:
    """A program: from whole numbers and vectors by name to vectors by name.

    Args:
        whole: the whole-number inputs ``[N]`` and their bounds (least, most), checked at every call.
        graph: what a checked graph holds, only what is needed.

    Raises:
        Untranslatable: an operator, a type or a use of either that a tape does not know.
        FolderError: sizes that do not fit each other.
    """

    def __init__(self, graph: Contents, whole: Mapping[str, tuple[int, int]]) -> None:
        translation = Translation(graph, whole)
        translation.translate()
        self._slots = [(name, translation.things[name].slot) for name in translation.given]  # type: ignore[union-attr]
        self._bounds = np.array([whole[name] for name in translation.given], np.int64).reshape(-1, 2)
        """Of the first slots, which are those of the inputs."""
        self.inputs = {name: size for name, size in translation.vectors.items()}
        """Sizes of the vectors that come in."""
        self.outputs = {name: translation.vector(name).size for name in graph.outputs}
        """Sizes of the vectors that come out."""
        instructions, places, width = place(translation)
        spans = {name: places[vector] for name, vector in translation.named().items()}
        self._from = [(name, spans[name]) for name in translation.vectors]
        ends = [spans[name] for name in graph.outputs]
        self._ends = np.array([[span.start, span.stop] for span in ends], np.int64)
        """Where the outputs lie in the room; they are given out side by side."""
        edges = [0, *accumulate(self.outputs.values())]
        columns = zip(graph.outputs, pairwise(edges), strict=True)
        self._to = {name: (slice(None), slice(*some)) for name, some in columns}
        self._width = edges[-1]
        self._tape = np.array(instructions, np.int64).reshape(-1, kernels.FIELDS)
        self._widths = width, max(translation.bytes, 1), max(translation.slots, 1)
        self._rooms = threading.local()
        fixed, tables, codes = (_joined(pool, kind) for pool, kind in zip(translation.pools, _POOLS, strict=True))
        self._constants = fixed, tables, codes, *translation.laid_out()

    def run(
        self, whole: Mapping[str, NDArray[np.int64]], vectors: Mapping[str, NDArray[np.float32]], wanted: Sequence[str]
    ) -> list[NDArray[np.float32]]:
        """The ``wanted`` outputs ``[N, size]``; no row reads another one's.

        Raises:
            ModelError: a whole number that is out of bounds.
        """
        rows = len(next(iter(whole.values())))
        if rows > _TOGETHER:
            parts = []
            for start in range(0, rows, _TOGETHER):
                some = slice(start, start + _TOGETHER)
                few = {name: array[some] for name, array in whole.items()}
                parts.append(self.run(few, {name: array[some] for name, array in vectors.items()}, wanted))
            return [np.concatenate(each) for each in zip(*parts, strict=True)]
        (room, small, ids), slots, spans = self._room(rows)
        for name, slot in slots:
            slot[...] = whole[name]
        for name, span in spans:
            span[...] = vectors[name]
        out = np.empty((rows, self._width), np.float32)
        stranger = kernels.run(self._tape, room, small, ids, self._bounds, *self._constants, self._ends, out)
        if stranger >= 0:
            given = {name: whole[name][stranger] for name, _ in self._slots}
            raise ModelError(f"ids that are out of bounds: {given}; they go up to {self._bounds[:, 1].tolist()}")
        return [out[self._to[name]] for name in wanted]

    def _room(self, rows: int) -> Room:
        """Memory to work in, each thread's own: fresh memory of this size would cost a page fault every 4 kB."""
        kept: Room | None = getattr(self._rooms, "kept", None)
        if kept is None or len(kept[0][0]) != rows:
            wide, narrow, slots = self._widths
            room, ids = np.zeros((rows, wide), np.float32), np.zeros((rows, slots), np.int64)
            given = [(name, ids[:, slot]) for name, slot in self._slots]
            taken = [(name, room[:, span]) for name, span in self._from]
            kept = self._rooms.kept = (room, np.zeros((rows, narrow), np.uint8), ids), given, taken
        return kept


def _joined(parts: list[NDArray[Any]], kind: Any) -> NDArray[Any]:
    return np.concatenate([*parts, np.zeros(1, kind)])
