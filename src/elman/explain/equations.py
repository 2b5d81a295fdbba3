"""The equations of a cell, written from its recorded step.

    f = sigmoid(W_if x + b_if + W_hf h + b_hf)      a matrix before a vector: their product
    c = f * c + i * g                               * / + - unit by unit
    tail = concat(tail[1:], branch)                 a vector in pieces of one size, counted from 0

Lines are read downwards, as a program: on the right stands the latest value of a name.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from elman.cells.recording import Recorded
from elman.cells.symbol import Symbol, in_order
from elman.explain.simplify import UNARY, simplified

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_SUM, _TERM, _FACTOR, _ATOM = range(4)
"""How tightly a text holds together: ``a + b``, ``a * b``, ``W a``, ``f(a)``."""

_PIECES = ("{letter}_{piece}", "{letter}_{short}{piece}", "{name}_{piece}", "{name}[{start}:{stop}]")
"""How rows of weights are called; the first pattern that gives different rows different names is
taken."""


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
    lines = [Equation(names[id(each)], writer.written(each)[0]) for each in order]
    marked = (line.name for line in lines if line.name.endswith("'"))
    return lines + [Equation(name.rstrip("'"), name) for name in marked]


def expression(symbol: Symbol, names: dict[int, str]) -> str:
    """One value as the right side of an equation; ``names`` by id of the symbols that it is written
    of.
    """
    return _Writer(names, [symbol]).written(symbol)[0]


def _ordered(plain: Recorded) -> tuple[list[Symbol], dict[int, str]]:
    """The lines from the first to the last, and the names under which they stand there.

    They come as the step's author names them, the state's parts last, where each can be computed; a
    name gets its new value when nobody asks for the old one any more. If that cannot be, the new
    one is marked, as h'.
    """
    names, after = dict(plain.names), {id(each) for each in plain.after}
    symbols = list(in_order([plain.output, *plain.after]))
    given = {each: place for place, each in enumerate(names)}
    waiting = [each for each in symbols if id(each) in names and each.operator != "constant"]
    waiting.sort(key=lambda each: (id(each) in after, given[id(each)]))
    asked = {id(line): [each for each in _written(line, names) if each is not line] for line in waiting}
    bound = {each.about[0]: each for each in symbols if each.operator == "input"}
    done: list[Symbol] = []
    while waiting:
        ready = [line for line in waiting if not any(each in waiting for each in asked[id(line)])]

        def overwrites(line: Symbol) -> bool:
            old = bound.get(names[id(line)])
            return any(old is each for other in waiting if other is not line for each in asked[id(other)])

        line = next((each for each in ready if not overwrites(each)), ready[0])
        if overwrites(line):
            names[id(line)] += "'"
        bound[names[id(line)]] = line
        waiting.remove(line)
        done.append(line)
    return done, names


def _written(line: Symbol, names: dict[int, str]) -> Iterator[Symbol]:
    """All that is written in a value's own line, the value among it."""
    waiting = [line]
    while waiting:
        each = waiting.pop()
        yield each
        if each is line or id(each) not in names and _weights_of(each) is None:
            waiting += each.inputs


class _Writer:
    def __init__(self, names: dict[int, str], order: list[Symbol]) -> None:
        self.names = names
        self.units: dict[int, int] = {}
        for each in (each for line in order for each in _written(line, names)):
            if each.operator == "cut":
                (source,) = each.inputs
                self.units[id(source)] = math.gcd(self.units.get(id(source), source.size), *each.about)
        self.weights = _weight_names(order, names)

    def text(self, symbol: Symbol, level: int = _SUM) -> str:
        """A value within a line, in parentheses where ``level`` asks for something that holds
        together better.
        """
        if id(symbol) in self.names:
            return self.names[id(symbol)]
        text, own = self.written(symbol)
        return text if own >= level else f"({text})"

    def written(self, symbol: Symbol) -> tuple[str, int]:
        """A value's own line, and how tightly it holds together."""
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
            start, stop = (each // unit for each in symbol.about)
            end = "" if stop * unit == inputs[0].size else stop
            place = start if stop == start + 1 else f"{start}:{end}"
            return f"{self.text(inputs[0], _ATOM)}[{place}]", _ATOM
        more = [] if operator in UNARY or operator == "norm" else [short(each) for each in symbol.about if each != 1]
        return f"{operator}({', '.join([*map(self.text, inputs), *more])})", _ATOM


def short(number: float) -> str:
    """A number as people write it.

    >>> [short(each) for each in (1.0, -8.0, 0.5, 1e9)]
    ['1', '-8', '0.5', '1e9']
    """
    return f"{number:.4g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def _weight_names(order: list[Symbol], names: dict[int, str]) -> dict[int, str]:
    """What weights are called: W a matrix, b a bias, w another vector; rows after the value that
    they are for.

    The rows of ``weight_ih`` for f are W_f, or W_if where there are other rows for f;
    ``weight_conv[0]`` is w_conv[0].
    """
    written = [(each, names.get(id(line), "").rstrip("'")) for line in order for each in _written(line, names)]
    found = [(each, weights, piece) for each, piece in written if (weights := _weights_of(each)) is not None]
    taken = {*names.values(), *(each.about[0] for each, _ in written if each.operator == "input")}
    different = {(id(weights), each.about if each is not weights else ()) for each, weights, _ in found}
    texts: dict[int, str] = {}
    for pattern in _PIECES:
        texts = {id(each): _weight_name(each, weights, piece, pattern, taken) for each, weights, piece in found}
        if len(set(texts.values())) == len(different):
            break
    return texts


def _weights_of(symbol: Symbol) -> Symbol | None:
    """The weights that a symbol is, or is rows of."""
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
