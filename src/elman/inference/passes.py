"""Passes: faster programs that compute the same.

    lookups     a matrix times a one-hot vector is a column of the matrix, also with more numbers behind it
    cuts        a piece of a product is a product with fewer rows
    joins       the sum of two products is one product of concatenated matrices and vectors
    merges      products of one vector with neighbouring rows of one matrix are one

An LSTM's two products a step become one, a GRU's six blocks of rows three. Every pass returns
outputs that compute the same (up to the order of sums); afterwards equal values are one symbol.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from elman.cells.operators import concat
from elman.cells.symbol import Symbol, in_order
from elman.inference.program import Function, Program, rows, transposed

Outputs = dict[str, Symbol]


def optimise(program: Program, *, gain: float = 1.0) -> Program:
    """Run all passes.

    ``gain`` multiplies embeddings that are joined with a state, and their weights are divided by
    it. It makes both vectors about equally large, so that 8 bits with one scale keep both precise.
    """

    def run(function: Function) -> Function:
        shared = Shared()
        outputs = shared.rewrite(function.outputs, _lookup)
        outputs = shared.rewrite(outputs, _cut)
        outputs = shared.rewrite(outputs, lambda symbol: _join(symbol, gain))
        return Function(shared.rewrite(_merge(shared, outputs), _copied))

    return program.mapped(run)


class Shared:
    """Merges equal symbols into one."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Symbol] = {}

    def one(self, symbol: Symbol) -> Symbol:
        """The symbol that stands for all equal ones; its inputs must be such symbols."""
        about = tuple((node.shape, node.tobytes()) if isinstance(node, np.ndarray) else node for node in symbol.about)
        key = symbol.operator, tuple(map(id, symbol.inputs)), symbol.shape, about
        return self._known.setdefault(key, symbol)

    def rewrite(self, outputs: Mapping[str, Symbol], rule: Callable[[Symbol], Symbol]) -> Outputs:
        """Rebuild outputs from their inputs on; ``rule`` maps each rebuilt symbol to itself or a
        replacement.
        """
        built: dict[int, Symbol] = {}
        for symbol in in_order(outputs.values()):
            inputs = tuple(built[id(node)] for node in symbol.inputs)
            rebuilt = self.one(Symbol(symbol.operator, inputs, symbol.shape, symbol.about))
            ruled = rule(rebuilt)
            built[id(symbol)] = rebuilt if ruled is rebuilt else self.deep(ruled)
        return {name: built[id(symbol)] for name, symbol in outputs.items()}

    def deep(self, symbol: Symbol) -> Symbol:
        """``one`` of a symbol whose inputs may be new."""
        built: dict[int, Symbol] = {}
        for node in in_order([symbol]):
            inputs = tuple(built[id(one)] for one in node.inputs)
            built[id(node)] = self.one(Symbol(node.operator, inputs, node.shape, node.about))
        return built[id(symbol)]


def piece_of(weights: Symbol, start: int, stop: int) -> Symbol:
    """Rows of a matrix or numbers of a vector of weights; a piece of a piece is cut from the
    whole.
    """
    whole, first, _ = rows_of(weights)
    return whole.cut(first + start, first + stop)


def beside(left: Symbol, right: Symbol) -> Symbol:
    """Matrices of as many rows side by side."""
    (left_base, start, stop), (right_base, *span) = rows_of(left), rows_of(right)
    columns = left.shape[1] + right.shape[1]
    whole = left_base.shape[0]
    if [start, stop] == span and whole == right_base.shape[0]:
        # The same rows of both: rows of the joined matrix.
        return Symbol("beside", (left_base, right_base), (whole, columns)).cut(start, stop)
    return Symbol("beside", (left, right), (left.shape[0], columns))


def rows_of(matrix: Symbol) -> tuple[Symbol, int, int]:
    """The matrix (or vector) that rows are cut from, and the range of rows."""
    if matrix.operator == "cut":
        return matrix.inputs[0], *matrix.about
    return matrix, 0, matrix.shape[0]


_READ = {"linear": 1, "norm": 1, "softmax": 1, "dot": 2, "mix": 2}
"""How many of an operator's inputs are vectors of the row, not weights."""


def _copied(symbol: Symbol) -> Symbol:
    """Copies constant vectors into the row where an operator reads vectors of the row."""
    count = _READ.get(symbol.operator, 0)
    if symbol.is_constant or not any(node.is_constant for node in symbol.inputs[:count]):
        return symbol
    read = (Symbol("copy", (node,), node.shape) if node.is_constant else node for node in symbol.inputs[:count])
    return Symbol(symbol.operator, (*read, *symbol.inputs[count:]), symbol.shape, symbol.about)


def _lookup(symbol: Symbol) -> Symbol:
    if symbol.operator != "linear":
        return symbol
    x, matrix, *bias = symbol.inputs
    parts = x.inputs if x.operator == "concat" else (x,)
    if parts[0].operator != "one_hot":
        return symbol
    columns = transposed(matrix)
    column = rows(columns, parts[0].inputs[0])
    if len(parts) > 1:
        rest = concat(*parts[1:]) if len(parts) > 2 else parts[1]
        column = column + Symbol("linear", (rest, transposed(columns.cut(parts[0].size, x.size))), symbol.shape)
    return column + bias[0] if bias else column


def _cut(symbol: Symbol) -> Symbol:
    if symbol.operator != "cut" or symbol.inputs[0].operator != "linear":
        return symbol
    x, matrix, *bias = symbol.inputs[0].inputs
    start, stop = symbol.about
    kept = (piece_of(node, start, stop) for node in (matrix, *bias))
    return Symbol("linear", (x, *kept), symbol.shape)


def _join(symbol: Symbol, gain: float) -> Symbol:
    if symbol.operator != "add" or any(node.operator != "linear" for node in symbol.inputs):
        return symbol
    if any(node.shape != symbol.shape for node in symbol.inputs):
        return symbol
    (x, left, *left_bias), (h, right, *right_bias) = (node.inputs for node in symbol.inputs)
    # If one is computed from the other, they cannot be joined.
    if x is h or any(node is h for node in in_order([x])) or any(node is x for node in in_order([h])):
        return symbol
    if gain != 1 and _is_embedded(x):
        x, left = x * gain, _scaled(left, 1 / gain)
    biases = [*left_bias, *right_bias]
    bias = (biases[0] + biases[1],) if len(biases) == 2 else tuple(biases)
    joined = Symbol("concat", (x, h), (x.size + h.size,))
    return Symbol("linear", (joined, beside(left, right), *bias), symbol.shape)


def _is_embedded(x: Symbol) -> bool:
    return x.operator in ("rows", "choose")


def _scaled(matrix: Symbol, factor: float) -> Symbol:
    base, start, stop = rows_of(matrix)
    return (base * factor).cut(start, stop)


def _merge(shared: Shared, outputs: Outputs) -> Outputs:
    """Join products of one vector with adjacent rows of one matrix."""
    groups: dict[tuple[int, int, bool], list[Symbol]] = {}
    for symbol in in_order(outputs.values()):
        if symbol.operator == "linear":
            base, _, _ = rows_of(symbol.inputs[1])
            groups.setdefault((id(symbol.inputs[0]), id(base), len(symbol.inputs) > 2), []).append(symbol)
    pieces: dict[int, Symbol] = {}
    for products in groups.values():
        for run in _runs(products):
            if len(run) > 1:
                _cut_apart(run, pieces)
    return _with_pieces(shared, outputs, pieces) if pieces else outputs


def _runs(products: list[Symbol]) -> Iterator[list[Symbol]]:
    """Groups of products with adjacent rows."""
    run: list[Symbol] = []
    for node in sorted(products, key=lambda node: rows_of(node.inputs[1])[1]):
        if run and rows_of(run[-1].inputs[1])[2] != rows_of(node.inputs[1])[1]:
            yield run
            run = []
        run.append(node)
    yield run


def _cut_apart(run: list[Symbol], pieces: dict[int, Symbol]) -> None:
    """Replace a run of products by pieces of one product."""
    x, first, *bias = run[0].inputs
    base, start, _ = rows_of(first)
    stop = rows_of(run[-1].inputs[1])[2]
    biases = tuple([_side_by_side([node.inputs[2] for node in run])] if bias else [])
    whole = Symbol("linear", (x, base.cut(start, stop), *biases), (stop - start,))
    offset = 0
    for node in run:
        pieces[id(node)] = whole.cut(offset, offset + node.size)
        offset += node.size


def _side_by_side(vectors: list[Symbol]) -> Symbol:
    """Concatenated vectors of weights; adjacent pieces of one vector become a longer piece."""
    spans = [(node.inputs[0], *node.about) if node.operator == "cut" else (node, 0, node.size) for node in vectors]
    base, start, stop = spans[0]
    for other, first, last in spans[1:]:
        if other is not base or first != stop:
            return Symbol("concat", tuple(vectors), (sum(node.size for node in vectors),))
        stop = last
    return base.cut(start, stop)


def _with_pieces(shared: Shared, outputs: Outputs, pieces: dict[int, Symbol]) -> Outputs:
    """The outputs with products replaced by their pieces of larger products."""
    built: dict[int, Symbol] = {}

    def build(symbol: Symbol) -> Symbol:
        for node in in_order([symbol]):
            if id(node) in built:
                continue
            if id(node) in pieces:
                piece = pieces[id(node)]
                x, *weights = piece.inputs[0].inputs
                whole = Symbol("linear", (build(x), *weights), piece.inputs[0].shape)
                built[id(node)] = shared.deep(Symbol("cut", (whole,), piece.shape, piece.about))
            else:
                inputs = tuple(built[id(one)] for one in node.inputs)
                built[id(node)] = shared.one(Symbol(node.operator, inputs, node.shape, node.about))
        return built[id(symbol)]

    return {name: build(symbol) for name, symbol in outputs.items()}
