"""The weights of a program: float32 as trained, or 8 bits with a scale for each row of a matrix.

A *group* of weights shares one precision: the embedding with what is tied to it, the output, a
layer, a skip. A program's matrices may combine several trained ones (``passes.py``); ``name_of``
names them in files.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.cells.evaluate import evaluate
from elman.cells.symbol import Symbol, in_order
from elman.errors import FolderError, UsageError
from elman.inference.passes import rows_of
from elman.inference.program import Function

Arrays = Mapping[str, NDArray[Any]]
SCALES = ".scales"
"""Suffix of the name of a matrix's scales."""
_LONGEST = 200
"""Most characters of a matrix's name."""
_LARGEST_SCALE = 1e30
"""Sums of products must stay finite."""


class Quantised(NamedTuple):
    """A matrix of M rows and K columns in 8 bits."""

    codes: NDArray[np.int8]
    """``[M, K]``, from -127 to 127."""
    scales: NDArray[np.float32]
    """``[M]``."""

    def values(self) -> NDArray[np.float32]:
        """The stored matrix as float32, ``[M, K]``."""
        return self.codes.astype(np.float32) * self.scales[:, None]


def quantise(matrix: NDArray[np.float32]) -> Quantised:
    """Round a matrix ``[M, K]`` row by row.

    >>> small = quantise(np.array([[127.0, -2.0, 0.4], [0.0, 0.0, 0.0]], np.float32))
    >>> small.codes.tolist(), small.scales.tolist()
    ([[127, -2, 0], [0, 0, 0]], [1.0, 1.0])
    """
    scales = np.abs(matrix).max(axis=1) / np.float32(127)
    # A scale of 0 would give 0 / 0; the scale of tiny numbers would be subnormal.
    scales = np.where(scales < np.finfo(np.float32).tiny, np.float32(1), scales)
    codes = np.rint(matrix / scales[:, None]).clip(-127, 127)
    return Quantised(codes.astype(np.int8), scales)


def checked_weights(arrays: Arrays, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Weights of a name and a shape.

    Raises:
        FolderError: they are missing, or of another shape or type, or not finite.
    """
    array = arrays.get(name)
    if array is None or array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
        raise FolderError(f"the weights lack {name!r} as finite float32{list(shape)}; the folder is damaged")
    return array


def group_of(name: str) -> str:
    """The group of a weight.

    >>> group_of("stack.layers.1.weight_hh"), group_of("output.own.table0")
    ('stack.layers.1', 'output')
    """
    layer = re.match(r"(stack|forward|backward)\.(projection|\w+\.\d+)", name)
    return layer.group() if layer else name.split(".")[0]


def groups_of(arrays: Arrays) -> list[str]:
    """All groups with matrices, in order."""
    return sorted({group_of(name) for name, array in arrays.items() if array.ndim == 2})


def gain_of(arrays: Arrays) -> float:
    """The power of 2 that scales embeddings to the size of hidden states, which lie from -1 to
    1.
    """
    table = arrays.get("embedding.weight", arrays.get("embedding.table0"))
    if table is None or table.ndim != 2 or not table.size:
        return 1.0
    usual = float(np.abs(table).max(axis=1).astype(np.float64).mean())
    return 2.0 ** round(-math.log2(usual)) if 1e-9 < usual < 1e9 else 1.0


def check_precision(int8: Iterable[Any], gain: float) -> None:
    """Check a stored precision.

    Raises:
        UsageError: ``int8`` holds something else than names, or the gain is out of bounds.
    """
    if not all(isinstance(group, str) for group in int8):
        raise UsageError("int8 must be a list of names of groups")
    if not 1e-30 < gain < 1e30:
        raise UsageError(f"gain is {gain}; it must lie between 1e-30 and 1e30", field="gain")


def parameters_of(symbol: Symbol) -> list[str]:
    """The names of the weights in a constant."""
    return [node.about[0] for node in in_order([symbol]) if node.operator == "parameter"]


def name_of(matrix: Symbol) -> str:
    """The name of a matrix computed from weights.

    >>> name_of(Symbol("transpose", (Symbol.parameter("w", (2, 3)),), (3, 2)))
    'w.T'
    """
    names: dict[int, str] = {}
    for symbol in in_order([matrix]):
        name = _name(symbol, [names[id(node)] for node in symbol.inputs])
        names[id(symbol)] = name if len(name) <= _LONGEST else f"{symbol.operator}-{_digest(name.encode())}"
    return names[id(matrix)]


def _name(symbol: Symbol, inner: list[str]) -> str:
    about = symbol.about
    match symbol.operator:
        case "parameter":
            return about[0]
        case "number":
            return repr(about[0])
        case "constant":
            return f"constant-{_digest(repr((about[0].shape, about[0].dtype.str)).encode() + about[0].tobytes())}"
        case "transpose":
            return f"{inner[0]}.T"
        case "beside":
            return f"({inner[0]}|{inner[1]})"
        case "cut":
            return f"{inner[0]}[{about[0]}:{about[1]}]"
        case "mul":
            return f"{inner[0]}*{inner[1]}"
    return f"{symbol.operator}({', '.join([*inner, *map(str, about)])})"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def in_8_bits(function: Function, groups: Iterable[str]) -> Function:
    """The function with the weights of ``groups`` in 8 bits.

    ``linear`` becomes ``round8``, which rounds a vector by a scale of its own, and ``product8``, a
    product of whole numbers; ``rows`` becomes ``rows8``.
    """
    chosen = set(groups)
    converted: dict[int, Symbol] = {}
    rounded: dict[int, Symbol] = {}
    for symbol in function.symbols():
        if symbol.is_constant:
            converted[id(symbol)] = symbol
            continue
        inputs = tuple(converted[id(node)] for node in symbol.inputs)
        matrix = symbol.inputs[{"linear": 1, "rows": 0}.get(symbol.operator, -1)] if symbol.inputs else None
        operator = symbol.operator
        groups_here = {group_of(name) for name in parameters_of(matrix)} if matrix is not None else set()
        if operator in ("linear", "rows") and groups_here and groups_here <= chosen:
            operator += "8"
            if operator == "linear8":
                x = inputs[0]
                small = rounded.setdefault(id(x), Symbol("round8", (x,), x.shape))
                inputs, operator = (small, *inputs[1:]), "product8"
        converted[id(symbol)] = Symbol(operator, inputs, symbol.shape, symbol.about)
    return Function({name: converted[id(symbol)] for name, symbol in function.outputs.items()})


def constants_of(functions: Iterable[Function]) -> list[tuple[str, Symbol]]:
    """The constants that functions use, each with the operator that reads it."""
    constants = {}
    for function in functions:
        for symbol in function.symbols():
            if not symbol.is_constant:
                for node in symbol.inputs:
                    if node.is_constant:
                        constants[symbol.operator if len(node.shape) == 2 else "vector", id(node)] = node
    return [(operator, node) for (operator, _), node in constants.items()]


def stored_arrays(functions: Iterable[Function], weights: "ProgramWeights") -> dict[str, NDArray[Any]]:
    """The arrays that ``ProgramWeights`` needs for these functions: 8-bit matrices where used,
    others unchanged.
    """
    arrays: dict[str, NDArray[Any]] = {}
    constants = constants_of(functions)
    # Tables first: a tied output is rows of one, so nothing else of it is stored.
    for operator, constant in sorted(constants, key=lambda node: node[0] != "rows8"):
        if operator in ("product8", "rows8"):
            name, (base, _, _) = name_of(constant), rows_of(constant)
            if name_of(base) + SCALES not in arrays:
                small = weights.small(constant)
                arrays |= {name: small.codes, name + SCALES: small.scales}
        else:
            arrays |= {name: weights.arrays[name] for name in parameters_of(constant)}
    return arrays


class ProgramWeights:
    """The values of a program's constants.

    Args:
        arrays: weights by name, matrices in 8 bits by ``name_of`` and, with SCALES behind it, their
            scales. Matrices missing in 8 bits are rounded again.
    """

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self._small: dict[str, Quantised] = {}

    def check(self, functions: Iterable[Function]) -> None:
        """Check all weights that the functions need.

        Raises:
            FolderError: weights that are missing, of another shape or type, or not finite.
        """
        for operator, constant in constants_of(functions):
            if operator in ("product8", "rows8"):
                self.small(constant)
            else:
                for node in in_order([constant]):
                    if node.operator == "parameter":
                        self._parameter(node)

    def vector(self, constant: Symbol) -> NDArray[np.float32]:
        """A vector, or a matrix that is not multiplied with, computed in float64."""
        return np.ascontiguousarray(np.atleast_1d(self._value(constant, np.float64)), np.float32)

    def matrix(self, constant: Symbol) -> NDArray[np.float32]:
        """A matrix ``[M, K]`` in float32."""
        return self._value(constant, np.float32)

    def small(self, constant: Symbol) -> Quantised:
        """A matrix ``[M, K]`` in 8 bits; rows of a matrix are rows of its codes.

        Raises:
            FolderError: stored codes or scales have another size.
        """
        base, start, stop = rows_of(constant)
        whole = self._whole(constant if self._is_stored(name_of(constant)) else base)
        if whole.codes.shape == constant.shape:
            return whole
        return Quantised(whole.codes[start:stop], whole.scales[start:stop])

    def _whole(self, constant: Symbol) -> Quantised:
        name = name_of(constant)
        if name not in self._small:
            if self._is_stored(name):
                quantised = Quantised(self.arrays[name], self.arrays[name + SCALES])
                _check(name, quantised, constant.shape)
            else:
                quantised = quantise(self.matrix(constant))
            self._small[name] = quantised
        return self._small[name]

    def _is_stored(self, name: str) -> bool:
        return name + SCALES in self.arrays and name in self.arrays

    def _value(self, constant: Symbol, kind: type) -> NDArray[Any]:
        named = [node for node in in_order([constant]) if node.operator == "parameter"]
        values = {node.about[0]: self._parameter(node).astype(kind, copy=False) for node in named}
        (result,) = evaluate([constant], values or {"": np.zeros(1, kind)})
        return np.asarray(result, kind)

    def _parameter(self, symbol: Symbol) -> NDArray[np.float32]:
        (name,) = symbol.about
        array = self.arrays.get(name)
        if array is None:
            raise FolderError(f"the weights lack {name!r}, which this network needs; the folder is damaged")
        if array.shape != symbol.shape or array.dtype != np.float32:
            raise FolderError(
                f"{name!r} is {array.dtype}{list(array.shape)}; this network needs float32{list(symbol.shape)}; "
                "the folder is damaged"
            )
        if not np.isfinite(array).all():
            raise FolderError(f"{name!r} holds numbers that are not finite; the model is damaged, train it again")
        return array


def _check(name: str, small: Quantised, shape: tuple[int, ...]) -> None:
    codes, scales = small
    good = codes.shape == shape and codes.dtype == np.int8 and scales.shape == shape[:1] and scales.dtype == np.float32
    if not good or not ((scales > 0) & (scales < _LARGEST_SCALE)).all() or codes.min(initial=0) < -127:
        raise FolderError(f"the 8-bit weights of {name[:60]!r} have the wrong shape or type; copy the folder again")
