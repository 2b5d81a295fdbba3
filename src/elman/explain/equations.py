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


def _lines(plain: Recorded) -> list[Symbol]:
    ends = [plain.output, *plain.after]
    return [each for each in in_order(ends) if id(each) in plain.names and each.operator != "constant"]


def _ordered(plain: Recorded) -> tuple[list[Symbol], dict[int, str]]:
    """The lines from the first to the last, and the names under which they stand there.

    They come as the step's author names them, the state's parts last, where each can be computed; a name gets its new
    value when nobody asks for the old one any more. If that cannot be, the new one is marked, as h'.
    """
    names = dict(plain.names)
    waiting = _lines(plain)
    asked = {id(each): _asked(each, names) for each in waiting}
    after = {id(each) for each in plain.after}
    given = list(plain.names)
    waiting.sort(key=lambda each: (id(each) in after, given.index(id(each))))
    bound = {each.about[0]: each for each in in_order([plain.output, *plain.after]) if each.operator == "input"}
    done: list[Symbol] = []
    while waiting:
        left = {id(each) for each in waiting}
        ready = [each for each in waiting if not any(id(other) in left for other in asked[id(each)])]

        def overwrites(symbol: Symbol) -> bool:
            old = bound.get(names[id(symbol)])
            others = (each for each in waiting if each is not symbol)
            return old is not None and any(old is value for each in others for value in asked[id(each)])

        line = next((each for each in ready if not overwrites(each)), ready[0])
        if overwrites(line):
            names[id(line)] += "'"
        bound[names[id(line)]] = line
        waiting.remove(line)
        done.append(line)
    return done, names


def _asked(symbol: Symbol, names: dict[int, str]) -> list[Symbol]:
    """The inputs and the named values of which a line is written."""
    found: list[Symbol] = []
    inner = list(symbol.inputs)
    while inner:
        each = inner.pop()
        if id(each) in names or each.operator == "input":
            found.append(each)
        else:
            inner += each.inputs
    return found


class _Writer:
    def __init__(self, names: dict[int, str], order: list[Symbol]) -> None:
        self.names = names
        self.units: dict[int, int] = {}
        for line in order:
            for each in _inside(line, names):
                if each.operator == "cut":
                    (source,) = each.inputs
                    self.units[id(source)] = math.gcd(self.units.get(id(source), source.size), *each.about)
        self.weights = _weight_names(order, names)

    def text(self, symbol: Symbol, level: int = _SUM) -> str:
        """A value within a line, in parentheses where ``level`` asks for something that holds together better."""
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


def _inside(line: Symbol, names: dict[int, str]) -> Iterator[Symbol]:
    """All that is written in one line, the line's own value among it."""
    inner = [line]
    while inner:
        each = inner.pop()
        yield each
        inner += [other for other in each.inputs if id(other) not in names and not _is_weight(each)]


def short(number: float) -> str:
    """A number as people write it.

    >>> [short(each) for each in (1.0, -8.0, 0.5, 1e9)]
    ['1', '-8', '0.5', '1e9']
    """
    return f"{number:.4g}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def _weight_names(order: list[Symbol], names: dict[int, str]) -> dict[int, str]:
    """What weights are called: W a matrix, b a bias, w another vector; rows after the value that they are for.

    The rows of ``weight_ih`` for f are W_f, or W_if where there are other rows for f; ``weight_conv[0]`` is w_conv[0].
    """
    found: list[tuple[Symbol, str]] = []
    for line in order:
        seen = [each for each in _inside(line, names) if _is_weight(each)]
        found += [(each, names[id(line)].rstrip("'")) for each in seen]
    texts: dict[int, str] = {}
    for scheme in range(4):
        texts = {id(each): _weight_name(each, piece, scheme) for each, piece in found}
        different = {(_source(each), each.about if each.operator != "parameter" else ()) for each, _ in found}
        if len(set(texts.values())) == len(different) and not set(texts.values()) & set(names.values()):
            break
    return texts


def _is_weight(symbol: Symbol) -> bool:
    if symbol.operator in ("cut", "row"):
        return symbol.inputs[0].operator == "parameter"
    return symbol.operator == "parameter"


def _source(symbol: Symbol) -> str:
    return (symbol if symbol.operator == "parameter" else symbol.inputs[0]).about[0]


def _weight_name(symbol: Symbol, piece: str, scheme: int) -> str:
    kind, _, suffix = _source(symbol).partition("_")
    if kind not in ("weight", "bias"):
        kind, suffix = "", _source(symbol)
    whole = symbol if symbol.operator == "parameter" else symbol.inputs[0]
    letter = "b" if kind == "bias" else "w" if len(whole.shape) == 1 or symbol.operator == "row" else "W"
    if not kind and (scheme < 3 and letter == "w" or suffix[:1].isupper()):
        name = suffix
    elif symbol.operator == "cut" and scheme == 0:
        return f"{letter}_{piece}"
    elif symbol.operator == "cut" and scheme == 1:
        return f"{letter}_{suffix[0]}{piece}" if len(suffix) == 2 else f"{letter}_{suffix}_{piece}"
    else:
        name = f"{letter}_{suffix}"
    if symbol.operator == "row":
        return f"{name}[{symbol.about[0]}]"
    if symbol.operator == "cut":
        start, stop = symbol.about
        return f"{name}_{piece}" if scheme == 2 else f"{name}[{start}:{stop}]"
    return name
