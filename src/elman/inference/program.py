"""Program: the computation of a network as named functions from vectors and ids to vectors.

A function is a graph of symbols (``elman.cells.symbol``). Every operator works row by row, so no
result depends on the other rows or on their number.
"""

import dataclasses
from collections.abc import Callable
from functools import cached_property

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
    """The output vectors by name."""

    @cached_property
    def inputs(self) -> dict[str, int]:
        """Sizes of the input vectors by name, in order of use."""
        return {symbol.about[0]: symbol.size for symbol in self.symbols() if symbol.operator == "input"}

    @cached_property
    def ids(self) -> dict[str, int]:
        """The largest values of the whole-number inputs by name; the smallest is 0."""
        return {symbol.about[0]: symbol.about[1] for symbol in self.symbols() if symbol.operator == "id"}

    @cached_property
    def is_exact(self) -> bool:
        """Whether all products are of 8-bit numbers; then every executor gives the same bits."""
        return all(symbol.operator not in ("linear", "rows") for symbol in self.symbols())

    def symbols(self) -> list[Symbol]:
        """All symbols in an order in which they can be computed."""
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
    """Sizes of all state parts by name. A step's output ``next.NAME`` is the next value of part
    NAME."""

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
        """A program with every function changed."""
        return Program({name: change(function) for name, function in self.functions.items()}, self.states)


def joined(*programs: Program) -> Program:
    """Programs as one; no name is in two of them."""
    functions = {name: function for program in programs for name, function in program.functions.items()}
    return Program(functions, {name: size for program in programs for name, size in program.states.items()})


def id_input(name: str, most: int) -> Symbol:
    """A whole-number input from 0 to ``most``."""
    return Symbol("id", (), (), (name, most))


def looked_up(table: NDArray[np.integer], index: Symbol) -> Symbol:
    """The element at ``index`` of an array of whole numbers."""
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
    """Natural logarithms of a softmax."""
    return Symbol("log_softmax", (x,), x.shape)


def permuted(x: Symbol, order: NDArray[np.integer]) -> Symbol:
    """The numbers of a vector in another order; ``order`` is an array of indices."""
    return Symbol("permute", (x,), x.shape, (order,))


def picked(x: Symbol, index: Symbol) -> Symbol:
    """One number of a vector."""
    return Symbol("pick", (x, index), (1,))
