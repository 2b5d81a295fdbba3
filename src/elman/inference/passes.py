"""Passes: a recorded program made fast without changing what it computes.

    lookups     a matrix times a one-hot vector is a column of the matrix
    cuts        a piece of a product is a product with fewer rows
    joins       two products added up are one, of both matrices side by side and both vectors joined
    merges      products of one vector with neighbouring rows of one matrix are one

A joined product reads the same weights in one go; of an LSTM's two products a step one is left, of
a GRU's six rows of blocks three. Every pass takes outputs and gives outputs that compute the same
(up to the order of sums); equal values are one symbol afterwards.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from elman.cells.symbol import Symbol, in_order
from elman.inference.program import Function, Program, rows, transposed

Outputs = dict[str, Symbol]


def optimise(program: Program, *, gain: float = 1.0) -> Program:
    """All passes. ``gain`` multiplies looked-up embeddings where they are joined with a state, and
    the weights they meet are divided by it: it makes both about as large, so that 8 bits with one
    scale round neither away."""

    def run(function: Function) -> Function:
        shared = Shared()
        outputs = shared.rewrite(function.outputs, _lookup)
        outputs = shared.rewrite(outputs, _cut)
        outputs = shared.rewrite(outputs, lambda symbol: _join(symbol, gain))
        return Function(shared.rewrite(_merge(shared, outputs), _copied))

    return program.mapped(run)


class Shared:
    """Symbols by what they are: equal ones become one."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Symbol] = {}

    def one(self, symbol: Symbol) -> Symbol:
        """The symbol that stands for all equal ones; its inputs must be such symbols."""
        about = tuple((each.shape, each.tobytes()) if isinstance(each, np.ndarray) else each for each in symbol.about)
        key = symbol.operator, tuple(map(id, symbol.inputs)), symbol.shape, about
        return self._known.setdefault(key, symbol)

    def rewrite(self, outputs: Mapping[str, Symbol], rule: Callable[[Symbol], Symbol]) -> Outputs:
        """Rebuild from the inputs on; ``rule`` gives a symbol, whose inputs are rebuilt already, or
        another for it.
        """
        made: dict[int, Symbol] = {}
        for symbol in in_order(outputs.values()):
            inputs = tuple(made[id(each)] for each in symbol.inputs)
            rebuilt = self.one(Symbol(symbol.operator, inputs, symbol.shape, symbol.about))
            ruled = rule(rebuilt)
            made[id(symbol)] = rebuilt if ruled is rebuilt else self.deep(ruled)
        return {name: made[id(symbol)] for name, symbol in outputs.items()}

    def deep(self, symbol: Symbol) -> Symbol:
        """``one`` of a symbol whose inputs may be new."""
        made: dict[int, Symbol] = {}
        for each in in_order([symbol]):
            inputs = tuple(made[id(one)] for one in each.inputs)
            made[id(each)] = self.one(Symbol(each.operator, inputs, each.shape, each.about))
        return made[id(symbol)]


def piece_of(weights: Symbol, start: int, stop: int) -> Symbol:
    """Rows of a matrix or numbers of a vector of weights; of a piece, a piece of the whole."""
    whole, first, _ = rows_of(weights)
    return whole.cut(first + start, first + stop)


def beside(left: Symbol, right: Symbol) -> Symbol:
    """Matrices of as many rows side by side."""
    (left_base, start, stop), (right_base, *span) = rows_of(left), rows_of(right)
    columns = left.shape[1] + right.shape[1]
    whole = left_base.shape[0]
    if [start, stop] == span and whole == right_base.shape[0]:
        # The same rows of both: rows of both side by side.
        return Symbol("beside", (left_base, right_base), (whole, columns)).cut(start, stop)
    return Symbol("beside", (left, right), (left.shape[0], columns))


def rows_of(matrix: Symbol) -> tuple[Symbol, int, int]:
    """The matrix (or vector) that rows are cut from, and which."""
    if matrix.operator == "cut":
        return matrix.inputs[0], *matrix.about
    return matrix, 0, matrix.shape[0]


_READ = {"linear": 1, "norm": 1, "softmax": 1, "dot": 2, "mix": 2}
"""How many of an operator's inputs are vectors of the row, not weights."""


def _copied(symbol: Symbol) -> Symbol:
    """Constant vectors where an operator reads vectors of the row: copied there."""
    count = _READ.get(symbol.operator, 0)
    if symbol.is_constant or not any(each.is_constant for each in symbol.inputs[:count]):
        return symbol
    read = (Symbol("copy", (each,), each.shape) if each.is_constant else each for each in symbol.inputs[:count])
    return Symbol(symbol.operator, (*read, *symbol.inputs[count:]), symbol.shape, symbol.about)


def _lookup(symbol: Symbol) -> Symbol:
    if symbol.operator != "linear" or symbol.inputs[0].operator != "one_hot":
        return symbol
    x, matrix, *bias = symbol.inputs
    found = rows(transposed(matrix), x.inputs[0])
    return found + bias[0] if bias else found


def _cut(symbol: Symbol) -> Symbol:
    if symbol.operator != "cut" or symbol.inputs[0].operator != "linear":
        return symbol
    x, matrix, *bias = symbol.inputs[0].inputs
    start, stop = symbol.about
    kept = (piece_of(each, start, stop) for each in (matrix, *bias))
    return Symbol("linear", (x, *kept), symbol.shape)


def _join(symbol: Symbol, gain: float) -> Symbol:
    if symbol.operator != "add" or any(each.operator != "linear" for each in symbol.inputs):
        return symbol
    if any(each.shape != symbol.shape for each in symbol.inputs):
        return symbol
    (x, left, *left_bias), (h, right, *right_bias) = (each.inputs for each in symbol.inputs)
    # One that is computed from the other would have to wait for itself.
    if x is h or any(each is h for each in in_order([x])) or any(each is x for each in in_order([h])):
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
    """Join products of one vector with rows of one matrix that follow upon each other."""
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
    """Products of which each one's first row follows upon the last row of the one before."""
    run: list[Symbol] = []
    for each in sorted(products, key=lambda each: rows_of(each.inputs[1])[1]):
        if run and rows_of(run[-1].inputs[1])[2] != rows_of(each.inputs[1])[1]:
            yield run
            run = []
        run.append(each)
    yield run


def _cut_apart(run: list[Symbol], pieces: dict[int, Symbol]) -> None:
    """One product for all of a run, and pieces of it for each."""
    x, first, *bias = run[0].inputs
    base, start, _ = rows_of(first)
    stop = rows_of(run[-1].inputs[1])[2]
    biases = tuple([_side_by_side([each.inputs[2] for each in run])] if bias else [])
    whole = Symbol("linear", (x, base.cut(start, stop), *biases), (stop - start,))
    place = 0
    for each in run:
        pieces[id(each)] = whole.cut(place, place + each.size)
        place += each.size


def _side_by_side(vectors: list[Symbol]) -> Symbol:
    """Vectors of weights as one; pieces of one vector that follow upon each other are a longer
    piece of it.
    """
    spans = [(each.inputs[0], *each.about) if each.operator == "cut" else (each, 0, each.size) for each in vectors]
    base, start, stop = spans[0]
    for other, first, last in spans[1:]:
        if other is not base or first != stop:
            return Symbol("concat", tuple(vectors), (sum(each.size for each in vectors),))
        stop = last
    return base.cut(start, stop)


def _with_pieces(shared: Shared, outputs: Outputs, pieces: dict[int, Symbol]) -> Outputs:
    """The outputs with a piece of a larger product in place of each product that has one."""
    made: dict[int, Symbol] = {}

    def build(symbol: Symbol) -> Symbol:
        for each in in_order([symbol]):
            if id(each) in made:
                continue
            if id(each) in pieces:
                piece = pieces[id(each)]
                x, *weights = piece.inputs[0].inputs
                whole = Symbol("linear", (build(x), *weights), piece.inputs[0].shape)
                made[id(each)] = shared.deep(Symbol("cut", (whole,), piece.shape, piece.about))
            else:
                inputs = tuple(made[id(one)] for one in each.inputs)
                made[id(each)] = shared.one(Symbol(each.operator, inputs, each.shape, each.about))
        return made[id(symbol)]

    return {name: build(symbol) for name, symbol in outputs.items()}
