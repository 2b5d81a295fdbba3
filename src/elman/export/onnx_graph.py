"""A program's functions as ONNX operators: one emitter for each operator of a program.

Vectors are ``[N, size]`` in float32 and ids ``[N]`` in int64. Weights are constants of the
outermost graph, so that loops share them; rows of a table that is also looked up are cut from that
table instead of being stored twice.

In 8 bits, ``round8`` makes uint8 numbers around 128 and ``MatMulInteger`` multiplies them with int8
weights. Sums are exact, and equal to the engine's, where an ONNX runtime computes them in 32 bits
(see ``elman.export.onnx``).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.cells.operators import EPSILON
from elman.cells.symbol import Symbol, in_order
from elman.inference import functions
from elman.inference.passes import rows_of
from elman.inference.program import Function, Program
from elman.inference.weights import ProgramWeights

if TYPE_CHECKING:
    import onnx

OPSET = 20
_IR_VERSION = 9
_MIDDLE = 128
_FLOAT, _UINT8, _BOOL = 1, 2, 9
"""Element types by ONNX's numbers."""

Types = Mapping[str, tuple[type, list[int | str]]]
"""Element type and shape of values by name."""


class OnnxNode(NamedTuple):
    """One operator."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


class Graph:
    """Nodes of one graph; constants belong to the outermost.

    >>> graph = Graph()
    >>> graph.op("Add", "x", graph.number(1.0))
    'Add1'
    """

    def __init__(self, outer: "Graph | None" = None) -> None:
        self.root: Graph = outer.root if outer else self
        self.nodes: list[OnnxNode] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self._count = 0

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output; returns the output's name."""
        return self.ops(kind, *inputs, outputs=1, **attributes)[0]

    def ops(self, kind: str, *inputs: str, outputs: int, **attributes: Any) -> tuple[str, ...]:
        """Add an operator with several outputs; returns their names."""
        self.root._count += 1
        names = tuple(f"{kind}{self.root._count}" + (f".{k}" if k else "") for k in range(outputs))
        self.nodes.append(OnnxNode(kind, inputs, names, attributes))
        return names

    def rename(self, name: str, value: str) -> None:
        """Give a value a second name, that of an output."""
        self.nodes.append(OnnxNode("Identity", (value,), (name,), {}))

    def constant(self, name: str, array: NDArray[Any]) -> str:
        """A constant, kept once under its name."""
        self.root.constants.setdefault(name, array)
        return name

    def ints(self, *numbers: int) -> str:
        """A vector of int64 numbers."""
        return self.constant(f"ints{list(numbers)}", np.array(numbers, np.int64))

    def number(self, number: float) -> str:
        """One float32 number without axes."""
        return self.constant(f"number{number}", np.array(number, np.float32))

    def rows(self, value: str) -> str:
        """N, the first axis of a value, as a vector of one number."""
        return self.op("Shape", value, start=0, end=1)

    def cut(self, value: str, start: int, stop: int, axis: int) -> str:
        """A piece of an axis."""
        return self.op("Slice", value, self.ints(start), self.ints(stop), self.ints(axis))

    def concat(self, *parts: str, axis: int) -> str:
        """Concatenated parts."""
        return self.op("Concat", *parts, axis=axis)

    def to_proto(self, name: str, inputs: Types, outputs: Types) -> "onnx.GraphProto":
        """The graph in ONNX's own classes."""
        from onnx import helper, numpy_helper

        nodes = [helper.make_node(kind, into, out, **attributes) for kind, into, out, attributes in self.nodes]
        constants = [numpy_helper.from_array(array, name_of_value) for name_of_value, array in self.constants.items()]
        ends = (
            [
                helper.make_tensor_value_info(name_of_value, helper.np_dtype_to_tensor_dtype(np.dtype(kind)), shape)
                for name_of_value, (kind, shape) in side.items()
            ]
            for side in (inputs, outputs)
        )
        return helper.make_graph(nodes, name, *ends, initializer=constants)

    def to_model(self, inputs: Types, outputs: Types) -> "onnx.ModelProto":
        """The graph as a file's content."""
        from onnx import helper

        return helper.make_model(
            self.to_proto("elman", inputs, outputs), opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=_IR_VERSION, producer_name="elman",
        )  # fmt: skip


class Constants:
    """A program's weights in a graph, each once.

    Args:
        graph: the outermost graph.
    """

    def __init__(self, graph: Graph, weights: ProgramWeights, program: Program) -> None:
        self._graph = graph
        self._weights = weights
        self._names: dict[int, str] = {}
        symbols = [symbol for function in program.functions.values() for symbol in function.symbols()]
        tables = [symbol.inputs[0] for symbol in symbols if symbol.operator in ("rows", "rows8")]
        self._looked_up = {table.about[0] for table in tables if table.operator == "parameter"}

    def vector(self, symbol: Symbol) -> str:
        """A vector ``[size]``."""
        return self._graph.constant(self._name(symbol), self._weights.vector(symbol))

    def matrix(self, symbol: Symbol) -> str:
        """A matrix ``[M, K]`` in float32."""
        return self._rows(symbol, "", lambda each: self._weights.matrix(each))

    def codes(self, symbol: Symbol) -> str:
        """A matrix ``[M, K]`` in 8 bits."""
        return self._rows(symbol, ".codes", lambda each: self._weights.small(each).codes)

    def columns(self, symbol: Symbol) -> str:
        """A matrix in 8 bits as columns, ``[K, M]``."""
        if self._is_looked_up(rows_of(symbol)[0]):
            return self._graph.op("Transpose", self.codes(symbol), perm=[1, 0])
        return self._graph.constant(self._name(symbol) + ".columns", self._weights.small(symbol).codes.T)

    def scales(self, symbol: Symbol) -> str:
        """The scales ``[M]`` of a matrix in 8 bits."""
        return self._rows(symbol, ".scales", lambda each: self._weights.small(each).scales)

    def whole_numbers(self, symbol: Symbol) -> str:
        """The array of whole numbers that a ``lookup`` or ``permute`` carries."""
        return self._graph.constant(self._name(symbol), np.asarray(symbol.about[0], np.int64))

    def _rows(self, symbol: Symbol, ending: str, read: Callable[[Symbol], NDArray[Any]]) -> str:
        base, start, stop = rows_of(symbol)
        if base is not symbol and self._is_looked_up(base):
            return self._graph.cut(self._rows(base, ending, read), start, stop, 0)
        return self._graph.constant(self._name(symbol) + ending, read(symbol))

    def _is_looked_up(self, base: Symbol) -> bool:
        return base.operator == "parameter" and base.about[0] in self._looked_up

    def _name(self, symbol: Symbol) -> str:
        if symbol.operator == "parameter":
            return symbol.about[0]
        return self._names.setdefault(id(symbol), f"weights{len(self._names)}")


class Emitter:
    """Writes one function into a graph.

    Args:
        inputs: ONNX names of the function's inputs and ids.
    """

    def __init__(self, graph: Graph, constants: Constants, inputs: Mapping[str, str]) -> None:
        self.graph = graph
        self.constants = constants
        self._inputs = inputs
        self._values: dict[int, str] = {}
        self.scales: dict[int, str] = {}
        """The scale ``[N, 1]`` of vectors in 8 bits, by ``id`` of the symbol."""

    def emit(self, function: Function, wanted: Iterable[str]) -> dict[str, str]:
        """Emit what the ``wanted`` outputs need; returns their ONNX names."""
        ends = {name: function.outputs[name] for name in wanted}
        for symbol in in_order(ends.values()):
            if symbol.operator in ("input", "id"):
                self._values[id(symbol)] = self._inputs[symbol.about[0]]
            elif not symbol.is_constant:
                self._values[id(symbol)] = _EMITTERS[symbol.operator](self, symbol)
        return {name: self.full(symbol) for name, symbol in ends.items()}

    def value(self, symbol: Symbol) -> str:
        """The ONNX name of a value; constants are vectors without N."""
        return self._values[id(symbol)] if id(symbol) in self._values else self.constants.vector(symbol)

    def full(self, symbol: Symbol) -> str:
        """The ONNX name of a value ``[N, size]``, of constants too."""
        if not symbol.is_constant:
            return self.value(symbol)
        rows = self.graph.rows(next(iter(self._inputs.values())))
        shape = self.graph.concat(rows, self.graph.ints(symbol.size), axis=0)
        return self.graph.op("Expand", self.value(symbol), shape)

    def reshape(self, value: str, *shape: int) -> str:
        """``[N, ...]`` with other axes behind N."""
        return self.graph.op("Reshape", value, self.graph.ints(0, *shape))

    def index(self, symbol: Symbol) -> str:
        """Ids ``[N]`` as ``[N, 1]``."""
        return self.graph.op("Unsqueeze", self.value(symbol), self.graph.ints(-1))

    def plus(self, product: str, bias: list[Symbol]) -> str:
        """A product with its bias, if it has one."""
        return self.graph.op("Add", product, self.value(bias[0])) if bias else product


def _plain(kind: str) -> Callable[[Emitter, Symbol], str]:
    """An operator with a direct ONNX equivalent."""
    return lambda e, symbol: e.graph.op(kind, *map(e.value, symbol.inputs))


def _linear(e: Emitter, symbol: Symbol) -> str:
    x, matrix, *bias = symbol.inputs
    # A matrix stored for another product too is multiplied in its stored order.
    turned = matrix.operator == "transpose"
    stored = e.constants.matrix(matrix.inputs[0] if turned else matrix)
    return e.graph.op("Gemm", e.full(x), stored, *map(e.value, bias), transB=int(not turned))


def _round8(e: Emitter, symbol: Symbol) -> str:
    x = e.full(symbol.inputs[0])
    largest = e.graph.op("ReduceMax", e.graph.op("Abs", x), e.graph.ints(-1), keepdims=1)
    largest = e.graph.op("Max", largest, e.graph.number(float(functions.SMALLEST)))
    scale = e.scales[id(symbol)] = e.graph.op("Mul", largest, e.graph.number(float(functions.STEP)))
    whole = e.graph.op("Round", e.graph.op("Div", x, scale))
    return e.graph.op("Cast", e.graph.op("Add", whole, e.graph.number(_MIDDLE)), to=_UINT8)


def _product8(e: Emitter, symbol: Symbol) -> str:
    x, matrix, *bias = symbol.inputs
    middle = e.graph.constant("middle", np.array(_MIDDLE, np.uint8))
    total = e.graph.op("MatMulInteger", e.value(x), e.constants.columns(matrix), middle)
    scaled = e.graph.op("Mul", e.graph.op("Cast", total, to=_FLOAT), e.scales[id(x)])
    return e.plus(e.graph.op("Mul", scaled, e.constants.scales(matrix)), bias)


def _rows(e: Emitter, symbol: Symbol) -> str:
    table, index = symbol.inputs
    return e.graph.op("Gather", e.constants.matrix(table), e.value(index), axis=0)


def _rows8(e: Emitter, symbol: Symbol) -> str:
    table, index = symbol.inputs
    codes = e.graph.op("Gather", e.constants.codes(table), e.value(index), axis=0)
    scales = e.graph.op("Gather", e.constants.scales(table), e.index(index), axis=0)
    return e.graph.op("Mul", e.graph.op("Cast", codes, to=_FLOAT), scales)


def _expm1(e: Emitter, symbol: Symbol) -> str:
    # ONNX has no expm1, and e^x - 1 loses all digits of a small x. With t = tanh(-|x| / 2), 2t / (1
    # - t) is e^-|x| - 1, and e^x - 1 of a positive x is e^x times that with the other sign.
    graph, x = e.graph, e.value(symbol.inputs[0])
    t = graph.op("Tanh", graph.op("Mul", graph.op("Abs", x), graph.number(-0.5)))
    below = graph.op("Div", graph.op("Add", t, t), graph.op("Sub", graph.number(1.0), t))
    sign = graph.op("Sign", graph.op("Neg", x))
    return graph.op("Mul", graph.op("Mul", sign, below), graph.op("Exp", graph.op("Relu", x)))


def _softmax(e: Emitter, symbol: Symbol) -> str:
    (groups,) = symbol.about
    pieces = e.reshape(e.value(symbol.inputs[0]), groups, symbol.size // groups)
    return e.reshape(e.graph.op("Softmax", pieces, axis=-1), symbol.size)


def _cut(e: Emitter, symbol: Symbol) -> str:
    start, stop = symbol.about
    return e.graph.cut(e.value(symbol.inputs[0]), start, stop, 1)


def _norm(e: Emitter, symbol: Symbol) -> str:
    x, gain = map(e.value, symbol.inputs)
    return e.graph.op("LayerNormalization", x, gain, axis=-1, epsilon=EPSILON)


def _by_head(e: Emitter, keys: Symbol, heads: int, size: int) -> str:
    """``[N, W * heads * size]`` as ``[N, heads, W, size]``."""
    count = keys.size // (heads * size)
    return e.graph.op("Transpose", e.reshape(e.full(keys), count, heads, size), perm=[0, 2, 1, 3])


def _dot(e: Emitter, symbol: Symbol) -> str:
    query, keys = symbol.inputs
    (heads,) = symbol.about
    size = query.size // heads
    product = e.graph.op("MatMul", _by_head(e, keys, heads, size), e.reshape(e.full(query), heads, size, 1))
    return e.reshape(product, symbol.size)


def _mix(e: Emitter, symbol: Symbol) -> str:
    probs, values = symbol.inputs
    (heads,) = symbol.about
    weights = e.reshape(e.full(probs), heads, 1, probs.size // heads)
    return e.reshape(e.graph.op("MatMul", weights, _by_head(e, values, heads, symbol.size // heads)), symbol.size)


def _choose(e: Emitter, symbol: Symbol) -> str:
    condition, first, second = symbol.inputs
    return e.graph.op("Where", e.graph.op("Cast", e.index(condition), to=_BOOL), e.value(first), e.value(second))


def _lookup(e: Emitter, symbol: Symbol) -> str:
    return e.graph.op("Gather", e.constants.whole_numbers(symbol), e.value(symbol.inputs[0]), axis=0)


def _permute(e: Emitter, symbol: Symbol) -> str:
    return e.graph.op("Gather", e.value(symbol.inputs[0]), e.constants.whole_numbers(symbol), axis=1)


def _pick(e: Emitter, symbol: Symbol) -> str:
    x, index = symbol.inputs
    return e.graph.op("GatherElements", e.value(x), e.index(index), axis=1)


_EMITTERS: dict[str, Callable[[Emitter, Symbol], str]] = {
    "add": _plain("Add"), "sub": _plain("Sub"), "mul": _plain("Mul"), "div": _plain("Div"),
    "sigmoid": _plain("Sigmoid"), "tanh": _plain("Tanh"), "relu": _plain("Relu"), "exp": _plain("Exp"),
    "expm1": _expm1, "sqrt": _plain("Sqrt"), "erf": _plain("Erf"),
    "linear": _linear, "round8": _round8, "product8": _product8, "rows": _rows, "rows8": _rows8,
    "softmax": _softmax, "norm": _norm, "dot": _dot, "mix": _mix,
    "log_softmax": lambda e, symbol: e.graph.op("LogSoftmax", e.value(symbol.inputs[0]), axis=-1),
    "copy": lambda e, symbol: e.full(symbol.inputs[0]),
    "cut": _cut, "concat": lambda e, symbol: e.graph.concat(*map(e.full, symbol.inputs), axis=1),
    "permute": _permute, "pick": _pick, "choose": _choose, "lookup": _lookup,
}  # fmt: skip
"""The emitters of all operators of programs."""
