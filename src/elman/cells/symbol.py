"""Symbols record a cell's step as a graph instead of computing it.

A symbol stands for a vector (a row of a batch; the batch itself never shows), a matrix or vector of
weights, or one number. An operator applied to symbols gives a symbol that holds the operator and
its inputs, so the step's results hold the whole step as a directed acyclic graph.

    weights     parameter (name), constant (array), number (value), transpose, beside, row, what is computed of these
    inputs      input (name), id (name), lookup by an id, one_hot and rows by an id
    elementwise add sub mul div, sigmoid tanh relu exp expm1 sqrt erf, softplus (of weights)
    vectors     linear, cut, concat, copy, norm, softmax, log_softmax, dot, mix, permute, pick, choose
    in 8 bits   round8, product8, rows8 (``inference/weights.py``)
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
Number = int | float


class Symbol:
    """One value of a recorded step.

    Attributes:
        operator: the operator that computed it.
        inputs: the operator's inputs.
        shape: ``()``, ``(size,)`` or ``(rows, columns)``, without the batch.
        about: other arguments of the operator, such as a name, a range or an array.
        is_constant: whether the value depends on no input.

    >>> x, w = Symbol.input("x", 3), Symbol.parameter("w", (3,))
    >>> y = 1 - x * w
    >>> y.operator, y.shape, y.inputs[1].operator
    ('sub', (3,), 'mul')
    """

    __slots__ = ("about", "inputs", "is_constant", "operator", "shape")
    __array_ufunc__ = None
    """NumPy arrays leave ``array * symbol`` to the symbol."""

    def __init__(self, operator: str, inputs: tuple["Symbol", ...], shape: Shape, about: tuple[Any, ...] = ()) -> None:
        self.operator = operator
        self.inputs = inputs
        self.shape = shape
        self.about = about
        fixed = operator in ("parameter", "constant", "number")
        # Only "copy" turns a constant into a vector of the row.
        self.is_constant = all(each.is_constant for each in inputs) and operator != "copy" if inputs else fixed

    @classmethod
    def input(cls, name: str, size: int) -> "Symbol":
        """A vector that comes in."""
        return cls("input", (), (size,), (name,))

    @classmethod
    def parameter(cls, name: str, shape: Shape) -> "Symbol":
        """Weights by their name."""
        return cls("parameter", (), tuple(shape), (name,))

    @classmethod
    def constant(cls, array: NDArray[Any]) -> "Symbol":
        """Numbers that are equal in all networks of this shape."""
        return cls("constant", (), array.shape, (array,))

    @classmethod
    def of(cls, value: "Symbol | Number | NDArray[Any]") -> "Symbol":
        """A symbol unchanged, or a number or array as a symbol."""
        if isinstance(value, Symbol):
            return value
        if isinstance(value, np.ndarray):
            return cls.constant(value)
        return cls("number", (), (), (float(value),))

    @property
    def size(self) -> int:
        """Numbers of a vector."""
        return self.shape[0] if self.shape else 1

    def elementwise(self, operator: str, *others: "Symbol | Number | NDArray[Any]") -> "Symbol":
        """An operator unit by unit; a single number is used for all units."""
        values = (self, *map(Symbol.of, others))
        shapes = {each.shape for each in values if each.shape not in ((), (1,))}
        assert len(shapes) <= 1, f"{operator} joins shapes {sorted(shapes)}"
        shape = shapes.pop() if shapes else max((each.shape for each in values), key=len)
        return Symbol(operator, values, shape)

    def cut(self, start: int, stop: int) -> "Symbol":
        """A piece of a vector, or rows of a matrix."""
        assert 0 <= start < stop <= self.shape[0], f"{start}:{stop} of {self.shape}"
        return self if (start, stop) == (0, self.shape[0]) else Symbol(
            "cut", (self,), (stop - start, *self.shape[1:]), (start, stop)
        )  # fmt: skip

    def __getitem__(self, index: Any) -> "Symbol":
        """``weight[k]``, a row of a matrix; ``x[..., start:stop]``, a piece of a vector."""
        if isinstance(index, int):
            row = self.cut(index, index + 1)
            return Symbol("row", (self,), self.shape[1:], (index,)) if len(self.shape) == 2 else row
        assert isinstance(index, tuple) and index[0] is Ellipsis and isinstance(index[1], slice), index
        start, stop, _ = index[1].indices(self.shape[0])
        return self.cut(start, stop)

    def __add__(self, other: "Symbol | Number | NDArray[Any]") -> "Symbol":
        return self.elementwise("add", other)

    def __radd__(self, other: "Number | NDArray[Any]") -> "Symbol":
        return Symbol.of(other).elementwise("add", self)

    def __sub__(self, other: "Symbol | Number | NDArray[Any]") -> "Symbol":
        return self.elementwise("sub", other)

    def __rsub__(self, other: "Number | NDArray[Any]") -> "Symbol":
        return Symbol.of(other).elementwise("sub", self)

    def __mul__(self, other: "Symbol | Number | NDArray[Any]") -> "Symbol":
        return self.elementwise("mul", other)

    def __rmul__(self, other: "Number | NDArray[Any]") -> "Symbol":
        return Symbol.of(other).elementwise("mul", self)

    def __truediv__(self, other: "Symbol | Number | NDArray[Any]") -> "Symbol":
        return self.elementwise("div", other)

    def __rtruediv__(self, other: "Number | NDArray[Any]") -> "Symbol":
        return Symbol.of(other).elementwise("div", self)

    def __neg__(self) -> "Symbol":
        return Symbol.of(0.0).elementwise("sub", self)

    def _in_place(self, other: object) -> "Symbol":
        raise TypeError("a step must not change a value in place: write h = h + x, not h += x")

    __iadd__ = __isub__ = __imul__ = __itruediv__ = _in_place

    def __repr__(self) -> str:
        inner = ", ".join(each.operator for each in self.inputs)
        return f"Symbol({self.operator}({inner}), shape={self.shape})"


def in_order(ends: Iterable[Symbol]) -> Iterator[Symbol]:
    """All symbols of the graph of ``ends``, each once, after its inputs.

    >>> x = Symbol.input("x", 2)
    >>> [each.operator for each in in_order([x * x + 1])]
    ['input', 'mul', 'number', 'add']
    """
    done: set[int] = set()
    # Without recursion: steps of many layers are deeper than Python's stack.
    waiting = [(end, False) for end in reversed(list(ends))]
    while waiting:
        symbol, ready = waiting.pop()
        if id(symbol) in done:
            continue
        if ready:
            done.add(id(symbol))
            yield symbol
        else:
            waiting.append((symbol, True))
            waiting += [(each, False) for each in reversed(symbol.inputs) if id(each) not in done]
