"""The interpreter: computes a function of a program with NumPy, symbol by symbol.

It is the reference of all executors. It compiles nothing, so it also computes the first steps after
a model is loaded. Products of 8-bit numbers are exact whole numbers in every executor; all other
operations use ``functions.py``.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.cells.symbol import Symbol, in_order
from elman.errors import ModelError
from elman.inference import functions as f
from elman.inference.program import Function
from elman.inference.weights import ProgramWeights

Ids = Mapping[str, NDArray[np.int64]]
Vectors = Mapping[str, NDArray[np.float32]]
_EXACT = 1024
"""This many products of two 8-bit numbers sum to less than 2^24, and float32 holds those
exactly."""
_ROWS = 256
"""Rows of a matrix converted to float32 at a time; they stay in the cache and need no new
memory."""


class Interpreter:
    """One function with its weights."""

    def __init__(self, function: Function, weights: ProgramWeights) -> None:
        self.function = function
        self._weights = weights
        self._kept: dict[int, Any] = {}
        """Constants and matrices by their symbols."""

    def run(self, ids: Ids, vectors: Vectors, wanted: Sequence[str]) -> list[NDArray[np.float32]]:
        """The ``wanted`` outputs ``[N, size]`` of ids ``[N]`` and vectors ``[N, size]``.

        Raises:
            ModelError: an id that is out of bounds.
        """
        check_ids(ids, self.function.ids)
        ends = [self.function.outputs[name] for name in wanted]
        rows = len(next(iter([*ids.values(), *vectors.values()])))
        values: dict[int, Any] = {}
        with np.errstate(over="ignore", invalid="ignore"):
            for symbol in in_order(ends):
                if symbol.is_constant:
                    continue
                if symbol.operator == "input":
                    values[id(symbol)] = np.asarray(vectors[symbol.about[0]], np.float32)
                elif symbol.operator == "id":
                    values[id(symbol)] = ids[symbol.about[0]]
                else:
                    values[id(symbol)] = self._computed(symbol, values, rows)
        return [np.broadcast_to(values[id(end)], (rows, end.size)) for end in ends]

    def _computed(self, symbol: Symbol, values: dict[int, Any], rows: int) -> Any:
        given: list[Any] = [values.get(id(operand)) for operand in symbol.inputs]
        match symbol.operator, symbol.inputs:
            case ("copy", (vector,)):
                return np.broadcast_to(self._vector(vector), (rows, symbol.size))
            case ("linear", (_, matrix, *bias)):
                product = given[0] @ self._constant(matrix, self._weights.matrix).T
                return product + self._vector(bias[0]) if bias else product
            case ("round8", _):
                return rounded(given[0])
            case ("product8", (_, matrix, *bias)):
                weights = self._constant(matrix, self._weights.small)
                small, scale = given[0]
                product = (whole_product(small, weights.codes) * scale) * weights.scales
                return product + self._vector(bias[0]) if bias else product
            case ("rows", (table, _)):
                return self._constant(table, self._weights.matrix)[given[1]]
            case ("rows8", (table, _)):
                codes, scales = self._constant(table, self._weights.small)
                return codes[given[1]].astype(np.float32) * scales[given[1]][:, None]
            case ("norm", (_, gain)):
                return normalised(given[0], self._vector(gain))
            case ("choose", _):
                return np.where((given[0] != 0)[:, None], given[1], given[2])
        operands = [
            self._vector(operand) if value is None else value
            for operand, value in zip(symbol.inputs, given, strict=True)
        ]
        return _OPERATORS[symbol.operator](*operands, *symbol.about)

    def _vector(self, constant: Symbol) -> NDArray[np.float32]:
        return self._constant(constant, self._weights.vector)

    def _constant(self, constant: Symbol, read: Callable[[Symbol], Any]) -> Any:
        if id(constant) not in self._kept:
            self._kept[id(constant)] = read(constant)
        return self._kept[id(constant)]


def check_ids(ids: Ids, bounds: Mapping[str, int]) -> None:
    """Raise unless each whole number lies between 0 and its bound.

    Raises:
        ModelError: one does not.
    """
    for name, most in bounds.items():
        numbers = ids[name]
        if numbers.size and not (numbers.min() >= 0 and numbers.max() <= most):
            raise ModelError(f"ids go from 0 to {most}; {numbers.min()} to {numbers.max()} were given")


def rounded(x: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors ``[N, K]`` as whole numbers from -127 to 127, and each row's scale ``[N, 1]``."""
    scale: Any = np.maximum(np.abs(x).max(axis=1, keepdims=True), f.SMALLEST) * f.STEP
    return f.whole(x / scale), scale


def whole_product(small: NDArray[np.float32], codes: NDArray[np.int8]) -> NDArray[np.float32]:
    """Whole numbers ``[N, K]`` times ``codes[M, K]``, exact before the rounding to float32."""
    total = np.zeros((len(small), len(codes)), np.int32)
    for start in range(0, len(codes), _ROWS):
        rows = slice(start, start + _ROWS)
        for first in range(0, small.shape[1], _EXACT):
            part = slice(first, first + _EXACT)
            total[:, rows] += (small[:, part] @ codes[rows, part].astype(np.float32).T).astype(np.int32)
    return total.astype(np.float32)


def normalised(x: NDArray[np.float32], gain: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean 0 and variance 1, times a gain."""
    size = np.float32(x.shape[1])
    centred: Any = x - (f.total(x) / size)[:, None]
    scale: Any = f.ONE / np.sqrt(f.total(centred * centred) / size + f.EPSILON)
    return (centred * scale[:, None]) * gain


def log_softmax(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Natural logarithms of a softmax."""
    most = x.max(axis=1, keepdims=True)
    return x - (most + f.log(f.total(f.exp(x - most)))[:, None])


def softmax(x: NDArray[np.float32], groups: int) -> NDArray[np.float32]:
    """The softmax of each of ``groups`` pieces."""
    pieces = x.reshape(len(x), groups, -1)
    exponentials = f.exp(pieces - pieces.max(axis=2, keepdims=True))
    return (exponentials * (f.ONE / f.total(exponentials))[..., None]).reshape(x.shape)


def dot(query: NDArray[np.float32], keys: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Each head's query times all of its keys."""
    size = query.shape[1] // heads
    products: Any = keys.reshape(len(keys), -1, heads, size) * query.reshape(len(query), 1, heads, size)
    return f.total(products).swapaxes(1, 2).reshape(len(query), -1)


def mix(probs: NDArray[np.float32], values: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Weighted sum of the values, added from the first key on."""
    count = probs.shape[1] // heads
    values_of_heads = values.reshape(len(values), count, heads, -1)
    weights = probs.reshape(len(probs), heads, count)
    total: Any = np.zeros(values_of_heads.shape[0:1] + values_of_heads.shape[2:], np.float32)
    for key in range(count):
        total = total + weights[:, :, key, None] * values_of_heads[:, key]
    return total.reshape(len(values), -1)


_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "sigmoid": f.sigmoid, "tanh": f.tanh, "exp": f.exp, "expm1": f.expm1, "erf": f.erf, "sqrt": np.sqrt,
    "relu": lambda x: np.where(x > 0, x, np.float32(0)),
    "cut": lambda x, start, stop: x[:, start:stop],
    "concat": lambda *parts: np.concatenate([np.broadcast_to(x, (_rows(parts), x.shape[-1])) for x in parts], axis=1),
    "softmax": softmax, "log_softmax": log_softmax, "dot": dot, "mix": mix,
    "permute": lambda x, order: x[:, order],
    "pick": lambda x, index: x[np.arange(len(index)), index][:, None],
    "lookup": lambda index, table: table[index],
}  # fmt: skip


def _rows(parts: Sequence[NDArray[np.float32]]) -> int:
    return max(len(part) for part in parts if part.ndim == 2)
