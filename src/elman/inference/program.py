"""Program: what inference computes, as named functions from vectors and ids to vectors, row by row.

A function is a graph of symbols (``elman.cells.symbol``). No operator reads more than one row, so
that no result ever depends on which other rows are computed with it, or on how many.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from elman.cells.symbol import Symbol, in_order


@dataclasses.dataclass(frozen=True)
class Function:
    """One function.

    >>> x = Symbol.input("x", 2)
    >>> Function({"twice": x + x}).inputs
    {'x': 2}
    """

    outputs: dict[str, Symbol]
    """The vectors that go out, by name."""

    @property
    def inputs(self) -> dict[str, int]:
        """Sizes of the vectors that come in, by name, in the order in which they are used."""
        return {symbol.about[0]: symbol.size for symbol in self.symbols() if symbol.operator == "input"}

    @property
    def ids(self) -> dict[str, int]:
        """The whole numbers that come in, by name; each lies between 0 and the given number."""
        return {symbol.about[0]: symbol.about[1] for symbol in self.symbols() if symbol.operator == "id"}

    @property
    def is_exact(self) -> bool:
        """Whether all products are of 8-bit numbers, so that every executor gives the same bits."""
        return all(symbol.operator not in ("linear", "rows") for symbol in self.symbols())

    def symbols(self) -> list[Symbol]:
        """All values in the order in which they can be computed."""
        return list(in_order(self.outputs.values()))


@dataclasses.dataclass(frozen=True)
class Program:
    """The functions of a network by name, such as ``step`` and ``output``.

    >>> x = Symbol.input("x", 2)
    >>> program = Program({"double": Function({"y": x + x})}, {})
    >>> program["double"].inputs
    {'x': 2}
    """

    functions: dict[str, Function]
    """In the order in which a network uses them."""
    states: dict[str, int]
    """Sizes of the parts of all states by name. A step's output ``next.NAME`` is what a part
    becomes."""

    def __getitem__(self, name: str) -> Function:
        return self.functions[name]

    @property
    def precision(self) -> str:
        """``int8``, ``fp32``, or ``int8+fp32`` where only some products are of 8-bit numbers."""
        if all(function.is_exact for function in self.functions.values()):
            return "int8"
        symbols = [symbol for function in self.functions.values() for symbol in function.symbols()]
        return "int8+fp32" if any(symbol.operator in ("product8", "rows8") for symbol in symbols) else "fp32"

    def mapped(self, change: Callable[[Function], Function]) -> "Program":
        """A program of changed functions."""
        return Program({name: change(function) for name, function in self.functions.items()}, self.states)


def id_input(name: str, most: int) -> Symbol:
    """A whole number from 0 to ``most`` that comes in."""
    return Symbol("id", (), (), (name, most))


def looked_up(table: NDArray[np.integer], index: Symbol) -> Symbol:
    """The whole number that stands at ``index`` in an array of whole numbers."""
    return Symbol("lookup", (index,), (), (table,))


def rows(table: Symbol, index: Symbol) -> Symbol:
    """A row of a matrix."""
    return Symbol("rows", (table, index), table.shape[1:])


def transposed(matrix: Symbol) -> Symbol:
    """A matrix of weights with rows as columns."""
    return Symbol("transpose", (matrix,), matrix.shape[::-1])


def choose(condition: Symbol, first: Symbol, second: Symbol) -> Symbol:
    """``first`` where a whole number is not 0, else ``second``."""
    return Symbol("choose", (condition, first, second), first.shape)


def log_softmax(x: Symbol) -> Symbol:
    """Natural logarithms of shares that sum to 1."""
    return Symbol("log_softmax", (x,), x.shape)


def permuted(x: Symbol, order: NDArray[np.integer]) -> Symbol:
    """The numbers of a vector in another order; ``order`` is an array of places."""
    return Symbol("permute", (x,), x.shape, (order,))


def picked(x: Symbol, index: Symbol) -> Symbol:
    """One number of a vector."""
    return Symbol("pick", (x, index), (1,))
