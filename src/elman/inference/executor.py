"""Compiled kernels, with a function's weights packed for them and memory for the calls at work."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.cells.symbol import Symbol
from elman.inference import kernels
from elman.inference.byte_product import BLOCK, pack, packed_bytes
from elman.inference.compiler import Code, compile_function
from elman.inference.interpreter import Ids, Vectors, check_ids
from elman.inference.program import Function
from elman.inference.weights import ProgramWeights

_TOGETHER = 64
"""Rows that run together: their vectors stay in the caches, and weights are read once for all."""
Table = tuple[str, NDArray[np.float32]]
"""The name of an input, and its vectors by number ``[U, size]``."""
Memory = tuple[NDArray[np.float32], NDArray[np.uint8], NDArray[np.int64]]
"""Rows of numbers, of bytes and of whole numbers."""


class Executor:
    """One function as machine code; ``run`` as the interpreter's."""

    def __init__(self, function: Function, weights: ProgramWeights) -> None:
        code = compile_function(function, weights)
        self._code = code
        self._constants = code.fixed, code.tables
        self._matrices = _laid_out(code.matrices, weights)
        sizes = [span.stop - span.start for span in code.outputs.values()]
        edges = list(pairwise(accumulate(sizes, initial=0)))
        self._columns = {name: slice(*edge) for name, edge in zip(code.outputs, edges, strict=True)}
        self._spans = _spans(code.outputs.values())
        self._width = sum(sizes)
        self._bounds = function.ids
        self._most = np.array([most for _, most in code.ids.values()], np.int64)
        self._idle: list[_Buffers] = []
        """Working memory that no thread uses now: as much as was ever used at once."""

    def run(self, ids: Ids, vectors: Vectors, wanted: Sequence[str]) -> list[NDArray[np.float32]]:
        """The ``wanted`` outputs ``[N, size]`` of ids ``[N]`` and vectors ``[N, size]``.

        Raises:
            ModelError: an id that is out of bounds.
        """
        rows = len(next(iter(ids.values() or vectors.values())))
        out = np.empty((rows, self._width), np.float32)
        with self._buffers() as buffers:
            self._run(ids, vectors, out, buffers)
        return [out[:, self._columns[name]] for name in wanted]

    def _run(self, ids: Ids, vectors: Vectors, out: NDArray[np.float32], buffers: "_Buffers") -> None:
        for some in _pieces(len(out)):
            here = out[some]
            memory, slots, spans = buffers.of(len(here))
            for name, slot in slots:
                slot[...] = ids[name][some]
            for name, span in spans:
                span[...] = vectors[name][some]
            # Three calls take 0.2 microseconds more than one, which would take 2 seconds to
            # compile.
            outside = kernels.first_outside(memory[2], self._most)
            if outside >= 0:
                wrong = some.start + outside
                check_ids({name: array[wrong : wrong + 1] for name, array in ids.items()}, self._bounds)
            kernels.run(self._code.instructions, memory, self._constants, self._matrices)
            kernels.collect(memory[0], self._spans, here)

    def along(
        self,
        tokens: NDArray[np.int64],
        lengths: NDArray[np.int64],
        fresh: NDArray[np.bool_],
        state: Mapping[str, NDArray[np.float32]],
        top: str,
        table: Table | None = None,
    ) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        """A step for each of ``tokens[B, T]``, up to each row's length, passing the state on.

        Args:
            fresh: where a row's state is reset to zeros before it reads, ``[B, T]``.
            state: the initial state by name; the step's output ``next.NAME`` is the next one.
            top: the output to keep.
            table: an input of the step and its vectors ``[U, size]``, one for each token; by
                default the step has an id as its input.

        Returns:
            ``top`` after every token ``[B, T, size]``, zeros behind a row's length, and the state
            after the last one.
        """
        outputs = self._code.outputs
        span = outputs[top]
        spans = _spans([span, *(outputs[f"next.{name}"] for name in state)])
        inputs = [self._code.inputs.get(name) for name in state]
        into = np.array([-1 if place is None else place.start for place in inputs], np.int64)
        tops = np.zeros((*tokens.shape, span.stop - span.start), np.float32)
        name, vectors = table or ("", _zeros(1, np.float32).reshape(1, 1))
        looked_up = np.ascontiguousarray(vectors), self._code.inputs[name].start if table else -1
        # Rows are sorted by length, the longest first: those still running are then contiguous.
        order = np.argsort(-lengths, kind="stable")
        carried = np.concatenate([state[name] for name in state], axis=1)[order]
        is_sorted = bool((order[1:] > order[:-1]).all())
        by_length = tops if is_sorted else np.zeros_like(tops)
        with self._buffers() as buffers:
            for some in _pieces(len(tokens)):
                own = order[some]
                live = (lengths[own] > np.arange(tokens.shape[1])[:, None]).sum(axis=1)
                reads = np.ascontiguousarray(tokens[own]), live[: lengths[own].max(initial=0)], fresh[own], *looked_up
                kernels.run_along(
                    self._code.instructions, buffers.of(len(own))[0], self._constants, self._matrices, reads,
                    (spans, into), carried[some], by_length[some],
                )  # fmt: skip
        if not is_sorted:
            tops[order] = by_length
        after = np.empty_like(carried)
        after[order] = carried
        edges = np.cumsum([state[name].shape[1] for name in state])[:-1]
        return tops, dict(zip(state, np.split(after, edges, axis=1), strict=True))

    @contextmanager
    def _buffers(self) -> Iterator["_Buffers"]:
        try:
            buffers = self._idle.pop()
        except IndexError:
            buffers = _Buffers(self._code)
        try:
            yield buffers
        finally:
            self._idle.append(buffers)


class _Buffers:
    """Working memory of one call at a time; new memory of this size would cost a page fault every 4
    kB."""

    def __init__(self, code: Code) -> None:
        self._code, self._most = code, 0
        self._pieces: dict[int, Any] = {}

    def of(self, rows: int) -> Any:
        """That of so many rows, with the columns of ids and of vectors in it by name."""
        code = self._code
        if rows > self._most:
            row, slots = np.zeros((rows, code.width), np.float32), np.zeros((rows, code.slots), np.int64)
            self._whole, self._most = (row, np.zeros((rows, code.bytes), np.uint8), slots), rows
            self._pieces = {}
        if rows not in self._pieces:
            row, small, slots = self._whole
            memory: Memory = row[:rows], small[:rows], slots[:rows]
            id_columns = [(name, memory[2][:, slot]) for name, (slot, _) in code.ids.items()]
            self._pieces[rows] = memory, id_columns, [(name, memory[0][:, span]) for name, span in code.inputs.items()]
        return self._pieces[rows]


def _zeros(size: int, kind: Any) -> Any:
    return np.zeros(max(size, 1), kind)


def _pieces(rows: int) -> list[slice]:
    return [slice(start, min(start + _TOGETHER, rows)) for start in range(0, rows, _TOGETHER)]


def _spans(spans: Any) -> NDArray[np.int64]:
    return np.array([[span.start, span.stop] for span in spans], np.int64).reshape(-1, 2)


def _laid_out(matrices: list[tuple[Symbol, frozenset[str]]], weights: ProgramWeights) -> tuple[NDArray[Any], ...]:
    """All matrices as the kernels read them, with their offsets: packed bytes, sums, codes,
    float32.
    """
    offsets = np.zeros((max(len(matrices), 1), 4), np.int64)
    ends = [0, 0, 0, 0]
    for number, (symbol, uses) in enumerate(matrices):
        rows, columns = symbol.shape
        wanted = [0, 0, 0, 0]
        if "product8" in uses:
            wanted[:2] = packed_bytes(columns, rows), rows
        if "rows8" in uses:
            wanted[2] = rows * columns
        if uses & {"linear", "rows"}:
            wanted[3] = -(-rows // BLOCK) * BLOCK * columns if "linear" in uses else rows * columns
        offsets[number] = ends
        ends = [end + size for end, size in zip(ends, wanted, strict=True)]
    # Starts at a multiple of 64, so that no load crosses two cache lines.
    unaligned = np.empty(ends[0] + 64, np.int8)
    packed = unaligned[-unaligned.ctypes.data % 64 :]
    sums, codes, floats = (
        _zeros(size, kind) for size, kind in zip(ends[1:], (np.int32, np.int8, np.float32), strict=True)
    )
    for (symbol, uses), (byte, total, code, number) in zip(matrices, offsets.tolist(), strict=False):
        rows, columns = symbol.shape
        if "product8" in uses:
            small = weights.small(symbol).codes
            pack(small.T, packed[byte : byte + packed_bytes(columns, rows)], sums[total : total + rows])
        if "rows8" in uses:
            codes[code : code + rows * columns] = weights.small(symbol).codes.ravel()
        if uses & {"linear", "rows"}:
            assert not uses >= {"linear", "rows"}, "a matrix is looked up or multiplied with"
            matrix = weights.matrix(symbol)
            if "rows" in uses:
                floats[number : number + matrix.size] = matrix.ravel()
            else:
                blocks = -(-rows // BLOCK)
                laid = floats[number : number + blocks * BLOCK * columns].reshape(blocks, columns, BLOCK)
                for block in range(blocks):
                    some = matrix[block * BLOCK : (block + 1) * BLOCK]
                    laid[block, :, : len(some)] = some.T
    return packed, sums * np.int32(128), codes, floats, offsets
