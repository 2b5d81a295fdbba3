"""The equations of a cell, written from its recorded step.

    f = sigmoid(W_if x + b_if + W_hf h + b_hf)      a matrix before a vector: their product
    c = f * c + i * g                               * / + - unit by unit
    tail = concat(tail[1:], branch)                 a vector in pieces of one size, counted from 0

Lines are read downwards like a program: a name on the right has its latest value.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from elman.cells.recording import Recorded
from elman.cells.symbol import Symbol, in_order
from elman.explain.simplify import UNARY, simplified

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_SUM, _TERM, _FACTOR, _ATOM = range(4)
"""Precedence of a text: ``a + b``, ``a * b``, ``W a``, ``f(a)``."""

_PIECES = ("{letter}_{piece}", "{letter}_{short}{piece}", "{name}_{piece}", "{name}[{start}:{stop}]")
"""Names of rows of weights; the first pattern that gives distinct names is used."""


class Equation(NamedTuple):
    """One line."""

    name: str
    right: str

    def __str__(self) -> str:
        return f"{self.name} = {self.right}"


def equations(recorded: Recorded) -> list[Equation]:
    """One line for each named value, in an order in which each can be computed.

    >>> from elman.cells.cell import Sizes
    >>> from elman.cells.recording import record_step
    >>> from elman.cells.registry import CELLS
    >>> print(*equations(record_step(CELLS["mingru"], Sizes(inputs=2, hidden=3))), sep="\\n")
    z = sigmoid(W_z x + b_z)
    v = W_v x + b_v
    h = (1 - z) * h + z * v
    """
    plain = simplified(recorded)
    order, names = _ordered(plain)
    writer = _Writer(names, order)
    lines = [Equation(names[id(symbol)], writer.written(symbol)[0]) for symbol in order]
    marked = (line.name for line in lines if line.name.endswith("'"))
    return lines + [Equation(name.rstrip("'"), name) for name in marked]


def expression(symbol: Symbol, names: dict[int, str]) -> str:
    """One value as the right side of an equation; ``names`` of its operands by id of the symbol."""
    return _Writer(names, [symbol]).written(symbol)[0]


def _ordered(plain: Recorded) -> tuple[list[Symbol], dict[int, str]]:
    """The values of the lines in order, and their names.

    They follow the author's order where each can be computed, with the state's parts last. A name
    is overwritten only after the last use of its old value. If that is impossible, the new value is
    marked, as h'.
    """
    names, after = dict(plain.names), {id(node) for node in plain.after}
    symbols = list(in_order([plain.output, *plain.after]))
    given = {node: position for position, node in enumerate(names)}
    waiting = [node for node in symbols if id(node) in names and node.operator != "constant"]
    waiting.sort(key=lambda node: (id(node) in after, given[id(node)]))
    asked = {id(line): [node for node in _written(line, names) if node is not line] for line in waiting}
    bound = {node.about[0]: node for node in symbols if node.operator == "input"}
    done: list[Symbol] = []
    while waiting:
        ready = [line for line in waiting if not any(node in waiting for node in asked[id(line)])]

        def overwrites(line: Symbol) -> bool:
            old = bound.get(names[id(line)])
            return any(old is node for other in waiting if other is not line for node in asked[id(other)])

        line = next((node for node in ready if not overwrites(node)), ready[0])
        if overwrites(line):
            names[id(line)] += "'"
        bound[names[id(line)]] = line
        waiting.remove(line)
        done.append(line)
    return done, names


def _written(line: Symbol, names: dict[int, str]) -> Iterator[Symbol]:
    """All symbols written in a value's own line, including the value."""
    waiting = [line]
    while waiting:
        node = waiting.pop()
        yield node
        if node is line or id(node) not in names and _weights_of(node) is None:
            waiting += node.inputs


class _Writer:
    def __init__(self, names: dict[int, str], order: list[Symbol]) -> None:
        self.names = names
        self.units: dict[int, int] = {}
        for node in (node for line in order for node in _written(line, names)):
            if node.operator == "cut":
                (source,) = node.inputs
                self.units[id(source)] = math.gcd(self.units.get(id(source), source.size), *node.about)
        self.weights = _weight_names(order, names)

    def text(self, symbol: Symbol, level: int = _SUM) -> str:
        """A value within a line, in parentheses if ``level`` needs a higher precedence."""
        if id(symbol) in self.names:
            return self.names[id(symbol)]
        text, own = self.written(symbol)
        return text if own >= level else f"({text})"

    def written(self, symbol: Symbol) -> tuple[str, int]:
        """A value's own line, and its precedence."""
        operator, inputs = symbol.operator, symbol.inputs
        if id(symbol) in self.weights:
            return self.weights[id(symbol)], _ATOM
        if operator == "input":
            return symbol.about[0], _ATOM
        if operator == "number":
            return short(symbol.about[0]), _ATOM
        if operator == "same":
            return self.text(inputs[0]), _ATOM
        if operator == "linear":
            x, weight, *bias = inputs
            product = f"{self.text(weight, _ATOM)} {self.text(x, _ATOM)}"
            return (f"{product} + {self.text(bias[0], _TERM)}", _SUM) if bias else (product, _FACTOR)
        if operator == "sub" and inputs[0].operator == "number" and inputs[0].about[0] == 0:
            return f"-{self.text(inputs[1], _TERM)}", _SUM
        if operator in _SIGNS:
            left, right = (_SUM, _TERM) if operator in ("add", "sub") else (_TERM, _FACTOR)
            right = _SUM if operator == "add" else right
            return f"{self.text(inputs[0], left)} {_SIGNS[operator]} {self.text(inputs[1], right)}", left
        if operator == "cut":
            unit = self.units[id(inputs[0])]
            start, stop = (bound // unit for bound in symbol.about)
            end = "" if stop * unit == inputs[0].size else stop
            index = start if stop == start + 1 else f"{start}:{end}"
            return f"{self.text(inputs[0], _ATOM)}[{index}]", _ATOM
        more = [] if operator in UNARY or operator == "norm" else [short(bound) for bound in symbol.about if bound != 1]
        return f"{operator}({', '.join([*map(self.text, inputs), *more])})", _ATOM


def short(number: float) -> str:
    """A number in short form.

    >>> [short(each) for each in (1.0, -8.0, 0.5, 1e9)]
    ['1', '-8', '0.5', '1e9']
    """
    return f"{number:.4g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def _weight_names(order: list[Symbol], names: dict[int, str]) -> dict[int, str]:
    """Names of weights: W a matrix, b a bias, w another vector; rows are named after their value.

    The rows of ``weight_ih`` for f are W_f, or W_if where there are other rows for f;
    ``weight_conv[0]`` is w_conv[0].
    """
    written = [(node, names.get(id(line), "").rstrip("'")) for line in order for node in _written(line, names)]
    weight_rows = [(node, weights, piece) for node, piece in written if (weights := _weights_of(node)) is not None]
    taken = {*names.values(), *(node.about[0] for node, _ in written if node.operator == "input")}
    different = {(id(weights), node.about if node is not weights else ()) for node, weights, _ in weight_rows}
    texts: dict[int, str] = {}
    for pattern in _PIECES:
        texts = {id(node): _weight_name(node, weights, piece, pattern, taken) for node, weights, piece in weight_rows}
        if len(set(texts.values())) == len(different):
            break
    return texts


def _weights_of(symbol: Symbol) -> Symbol | None:
    """The weights of a symbol that is weights or rows of weights."""
    symbol = symbol.inputs[0] if symbol.operator in ("cut", "row") else symbol
    return symbol if symbol.operator == "parameter" else None


def _weight_name(symbol: Symbol, weights: Symbol, piece: str, pattern: str, taken: set[str]) -> str:
    kind, _, suffix = weights.about[0].partition("_")
    vector = len(weights.shape) == 1 or symbol.operator == "row"
    if kind in ("weight", "bias") and suffix:
        letter = "b" if kind == "bias" else "w" if vector else "W"
    else:
        letter, suffix = weights.about[0], ""
        if letter in taken or not vector and letter[0].islower():
            letter, suffix = "w" if vector else "W", letter
    name = f"{letter}_{suffix}" if suffix else letter
    if symbol.operator == "row":
        return f"{name}[{symbol.about[0]}]"
    if symbol.operator == "cut":
        start, stop = symbol.about
        short = suffix[0] if len(suffix) == 2 else f"{suffix}_" * bool(suffix)
        return pattern.format(name=name, letter=letter, short=short, piece=piece, start=start, stop=stop)
    return name
