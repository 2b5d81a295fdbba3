"""The compiler: turns a function of a program into instructions over a row of float32 numbers.

Kernels and browsers run them. Each instruction is FIELDS whole numbers: the operator, the offset of
its result, the offsets of its operands, the number of values, and fields of the operator (listed
below). Offsets point into the row, the constants (``fixed``), the bytes (operands of 8-bit
products) or the slots of whole numbers. Matrices are named by their number in ``Code.matrices``;
each executor stores them in its own order.
"""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.cells.symbol import Symbol
from elman.inference.buffers import Buffers
from elman.inference.program import Function
from elman.inference.weights import ProgramWeights, name_of

FIELDS = 10
OPERATORS = (
    "copy", "add", "sub", "mul", "div", "sigmoid", "tanh", "relu", "exp", "expm1", "sqrt", "erf", "softmax",
    "log_softmax", "norm", "dot", "mix", "round8", "product8", "linear", "rows8", "rows", "permute", "pick", "choose",
    "lookup",
)  # fmt: skip
"""An instruction's first number is an index into this list."""
_BINARY = ("add", "sub", "mul", "div")
_UNARY = ("sigmoid", "tanh", "relu", "exp", "expm1", "sqrt", "erf", "log_softmax")


@dataclasses.dataclass(frozen=True)
class Code:
    """A compiled function."""

    instructions: NDArray[np.int64]
    """``[.., FIELDS]``."""
    width: int
    """Float32 numbers in a row."""
    bytes: int
    """Bytes of a row's 8-bit vectors."""
    slots: int
    """Whole numbers in a row."""
    fixed: NDArray[np.float32]
    """Constants."""
    tables: NDArray[np.int64]
    """Constant whole numbers."""
    matrices: list[tuple[Symbol, frozenset[str]]]
    """The matrices, each with the operators that read it."""
    ids: dict[str, tuple[int, int]]
    """Slot and largest value of each whole-number input; these are the first slots."""
    inputs: dict[str, slice]
    """The positions of the input vectors."""
    outputs: dict[str, slice]
    """The positions of the results."""


def compile_function(function: Function, weights: ProgramWeights) -> Code:
    """Compile a function whose products are in 8 bits or float32 (``weights.in_8_bits``)."""
    return _Compiler(function, weights).code()


@dataclasses.dataclass(frozen=True)
class _BufferSlice:
    """A vector before offsets are assigned: a slice of a buffer."""

    buffer: int
    start: int
    size: int

    def cut(self, start: int, stop: int) -> "_BufferSlice":
        return _BufferSlice(self.buffer, self.start + start, stop - start)


class _Pool:
    """Concatenated constants; equal ones are stored once."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.parts: list[NDArray[Any]] = []
        self.size = 0
        self._known: dict[bytes, int] = {}

    def put(self, array: NDArray[Any]) -> int:
        """Add an array; returns its offset."""
        flat = np.ascontiguousarray(array, self.kind).ravel()
        key = flat.tobytes()
        if key not in self._known:
            self._known[key] = self.size
            self.parts.append(flat)
            self.size += flat.size
        return self._known[key]

    def joined(self) -> NDArray[Any]:
        return np.concatenate([*self.parts, np.zeros(1, self.kind)])


class _Compiler:
    def __init__(self, function: Function, weights: ProgramWeights) -> None:
        self.function = function
        self.weights = weights
        self.buffers = Buffers()
        self.steps: list[list[Any]] = []
        """Instructions, with a ``_BufferSlice`` in place of each offset into the row."""
        self.fixed, self.tables = _Pool(np.float32), _Pool(np.int64)
        self.matrices: dict[str, tuple[int, Symbol, set[str]]] = {}
        self.values: dict[int, Any] = {}
        """A vector's ``_BufferSlice``, a whole number's slot, or the offsets of a rounded vector's
        bytes and scale."""
        self.slots = self.bytes = 0

    def code(self) -> Code:
        ids: dict[str, tuple[int, int]] = {}
        inputs: dict[str, _BufferSlice] = {}
        symbols = [symbol for symbol in self.function.symbols() if not symbol.is_constant]
        for symbol in symbols:
            if symbol.operator == "id":
                ids[symbol.about[0]] = (self.slots, symbol.about[1])
                self.values[id(symbol)] = self._slot()
            elif symbol.operator == "input":
                inputs[symbol.about[0]] = self.values[id(symbol)] = self._vector(symbol.size)
        for symbol in symbols:
            if symbol.operator not in ("id", "input"):
                getattr(self, f"_{symbol.operator}", self._plain)(symbol)
        outputs: dict[str, _BufferSlice] = {name: self.values[id(end)] for name, end in self.function.outputs.items()}
        first, last = ({location.buffer for location in locations.values()} for locations in (inputs, outputs))
        offsets, width = self.buffers.arrange(self._uses(), first=first, last=last)

        def resolved(field: Any) -> int:
            return offsets[field.buffer] + field.start if isinstance(field, _BufferSlice) else int(field)

        def span(location: _BufferSlice) -> slice:
            return slice(resolved(location), resolved(location) + location.size)

        lines = [[*map(resolved, step), *[0] * (FIELDS - len(step))] for step in self.steps]
        return Code(
            instructions=np.array(lines, np.int64).reshape(-1, FIELDS),
            width=max(width, 1),
            bytes=max(self.bytes, 1),
            slots=max(self.slots, 1),
            fixed=self.fixed.joined(),
            tables=self.tables.joined(),
            matrices=[(symbol, frozenset(uses)) for _, symbol, uses in self.matrices.values()],
            ids=ids,
            inputs={name: span(location) for name, location in inputs.items()},
            outputs={name: span(location) for name, location in outputs.items()},
        )

    def _uses(self) -> list[set[int]]:
        """The buffers that each instruction touches."""
        return [{field.buffer for field in step if isinstance(field, _BufferSlice)} for step in self.steps]

    def _emit(self, operator: str, *fields: Any) -> None:
        self.steps.append([OPERATORS.index(operator), *fields])

    def _vector(self, size: int) -> _BufferSlice:
        return _BufferSlice(self.buffers.add(size), 0, size)

    def _slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def _operand(self, symbol: Symbol) -> tuple[Any, int, bool]:
        """The offset of a vector or constant, its size, and whether it is a constant."""
        if symbol.is_constant:
            array = self.weights.vector(symbol)
            return self.fixed.put(array), array.size, True
        return self.values[id(symbol)], symbol.size, False

    def _matrix(self, symbol: Symbol, use: str) -> int:
        name = name_of(symbol)
        number, _, uses = self.matrices.setdefault(name, (len(self.matrices), symbol, set()))
        uses.add(use)
        return number

    def _bias(self, bias: list[Symbol]) -> int:
        return self.fixed.put(self.weights.vector(bias[0])) if bias else -1

    def _result(self, symbol: Symbol) -> _BufferSlice:
        result = self.values[id(symbol)] = self._vector(symbol.size)
        return result

    def _plain(self, symbol: Symbol) -> None:
        """Unit by unit. Two operands: sizes 1 or that of the result; flags 1 and 2 mark
        constants.
        """
        if symbol.operator in _UNARY:
            x, size, _ = self._operand(symbol.inputs[0])
            self._emit(symbol.operator, self._result(symbol), x, 0, size)
            return
        assert symbol.operator in _BINARY, symbol.operator
        (a, p, first), (b, q, second) = map(self._operand, symbol.inputs)
        self._emit(symbol.operator, self._result(symbol), a, b, symbol.size, p, q, int(first) + 2 * int(second))

    def _cut(self, symbol: Symbol) -> None:
        self.values[id(symbol)] = self.values[id(symbol.inputs[0])].cut(*symbol.about)

    def _concat(self, symbol: Symbol) -> None:
        """copy: to, from, -, size, flag 1 for a constant."""
        whole, start = self._result(symbol), 0
        for part in symbol.inputs:
            x, size, is_fixed = self._operand(part)
            self._emit("copy", whole.cut(start, start + size), x, 0, size, int(is_fixed))
            start += size

    def _copy(self, symbol: Symbol) -> None:
        """A constant into the row."""
        self._concat(symbol)

    def _softmax(self, symbol: Symbol) -> None:
        """to, from, -, size of a piece, pieces."""
        (groups,) = symbol.about
        self._emit("softmax", self._result(symbol), self.values[id(symbol.inputs[0])], 0, symbol.size // groups, groups)

    def _norm(self, symbol: Symbol) -> None:
        """to, from, the gain among the constants, size."""
        gain = self.fixed.put(self.weights.vector(symbol.inputs[1]))
        self._emit("norm", self._result(symbol), self.values[id(symbol.inputs[0])], gain, symbol.size)

    def _dot(self, symbol: Symbol) -> None:
        """to, queries, keys, keys of a head, heads, size of a key."""
        query, keys = symbol.inputs
        (heads,) = symbol.about
        locations = self.values[id(query)], self.values[id(keys)]
        self._emit("dot", self._result(symbol), *locations, symbol.size // heads, heads, query.size // heads)

    def _mix(self, symbol: Symbol) -> None:
        """to, weights, values, values of a head, heads, size of a value."""
        weights, values = symbol.inputs
        (heads,) = symbol.about
        locations = self.values[id(weights)], self.values[id(values)]
        self._emit("mix", self._result(symbol), *locations, weights.size // heads, heads, symbol.size // heads)

    def _round8(self, symbol: Symbol) -> None:
        """to (bytes), from, scale, size, size in whole fours."""
        x, scale = self.values[id(symbol.inputs[0])], self._vector(1)
        padded = -(-symbol.size // 4) * 4
        self.values[id(symbol)] = self.bytes, scale
        self._emit("round8", self.bytes, x, scale, symbol.size, padded)
        self.bytes += padded

    def _product8(self, symbol: Symbol) -> None:
        """to, from (bytes), scale, rows, columns, matrix, column scales, bias (-1: none)."""
        small, matrix, *bias = symbol.inputs
        location, scale = self.values[id(small)]
        scales = self.fixed.put(self.weights.small(matrix).scales)
        number = self._matrix(matrix, "product8")
        self._emit(
            "product8", self._result(symbol), location, scale, symbol.size, small.size, number, scales, self._bias(bias)
        )

    def _linear(self, symbol: Symbol) -> None:
        """to, from, -, rows, columns, matrix, bias (-1: none)."""
        x, matrix, *bias = symbol.inputs
        number = self._matrix(matrix, "linear")
        location = self.values[id(x)]
        self._emit("linear", self._result(symbol), location, 0, symbol.size, x.size, number, self._bias(bias))

    def _rows8(self, symbol: Symbol) -> None:
        """to, matrix, slot, columns, scales."""
        table, index = symbol.inputs
        scales = self.fixed.put(self.weights.small(table).scales)
        self._emit(
            "rows8", self._result(symbol), self._matrix(table, "rows8"), self.values[id(index)], symbol.size, scales
        )

    def _rows(self, symbol: Symbol) -> None:
        """to, matrix, slot, columns."""
        table, index = symbol.inputs
        self._emit("rows", self._result(symbol), self._matrix(table, "rows"), self.values[id(index)], symbol.size)

    def _permute(self, symbol: Symbol) -> None:
        """to, from, the order among the tables, size."""
        order = self.tables.put(symbol.about[0])
        self._emit("permute", self._result(symbol), self.values[id(symbol.inputs[0])], order, symbol.size)

    def _pick(self, symbol: Symbol) -> None:
        """to, from, slot."""
        x, index = symbol.inputs
        self._emit("pick", self._result(symbol), self.values[id(x)], self.values[id(index)])

    def _choose(self, symbol: Symbol) -> None:
        """to, where not 0, else, size, slot."""
        index, first, second = (self.values[id(operand)] for operand in symbol.inputs)
        self._emit("choose", self._result(symbol), first, second, symbol.size, index)

    def _lookup(self, symbol: Symbol) -> None:
        """to (slot), table, slot."""
        result = self.values[id(symbol)] = self._slot()
        self._emit("lookup", result, self.tables.put(symbol.about[0]), self.values[id(symbol.inputs[0])])
