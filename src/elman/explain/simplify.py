"""A recorded step in textbook form: each gate has its own rows, composed functions have one
name.
"""

import dataclasses
from collections.abc import Callable

from elman.cells.operators import gelu
from elman.cells.recording import Recorded
from elman.cells.symbol import Symbol, in_order

UNARY = frozenset({"sigmoid", "tanh", "relu", "exp", "expm1", "sqrt", "erf", "softplus", "gelu"})
ELEMENTWISE = UNARY | {"add", "sub", "mul", "div"}
_COMPOSED: dict[str, Callable[[Symbol], Symbol]] = {"gelu": gelu}
"""Operators composed of others, which are shown by their names."""


def simplified(recorded: Recorded) -> Recorded:
    """The same step with pieces of products as products of fewer rows, and names for all values
    with a line.

    >>> from elman.cells.cell import Sizes
    >>> from elman.cells.recording import record_step
    >>> from elman.cells.registry import CELLS
    >>> recorded = simplified(record_step(CELLS["mingru"], Sizes(inputs=2, hidden=3)))
    >>> ends = (recorded.output, *recorded.after)
    >>> named = [symbol for symbol in in_order(ends) if id(symbol) in recorded.names]
    >>> {recorded.names[id(symbol)]: symbol.operator for symbol in named}
    {'z': 'sigmoid', 'v': 'linear', 'h': 'add'}
    """
    rewriting = _Rewriting(recorded)
    rewritten_by_id = {
        id(symbol): rewriting.rewritten(symbol) for symbol in in_order([recorded.output, *recorded.after])
    }
    after = [rewritten_by_id[id(state)] for state in recorded.after]
    output = rewritten_by_id[id(recorded.output)]
    ends = [output, *after]
    users = users_of(ends)
    # In the author's order, without values that are no longer written.
    order = {id(rewritten_by_id[key]): index for index, key in enumerate(recorded.names) if key in rewritten_by_id}
    names = {key: rewriting.names[key] for key in sorted(set(users) & set(rewriting.names), key=order.__getitem__)}
    for symbol in in_order(ends):
        if id(symbol) in names and _is_part(symbol, names, users, set(recorded.state) | {"x"}):
            del names[id(symbol)]
    parts = []
    for part, symbol in zip(recorded.state, after, strict=True):
        known = symbol.about[0] if symbol.operator == "input" else names.get(id(symbol))
        if known not in (None, part) or symbol.is_constant:
            # It has a second name, and gets a line for it.
            symbol = Symbol("same", (symbol,), symbol.shape)
        if symbol.operator != "input":
            names[id(symbol)] = part
        parts.append(symbol)
    names.setdefault(id(output), "y")
    number = 0
    for symbol in in_order(ends):
        if id(symbol) not in names and (symbol.operator == "constant" or _is_long(symbol, names, users)):
            number += 1
            names[id(symbol)] = f"t{number}"
    return dataclasses.replace(recorded, output=output, after=tuple(parts), names=names)


def users_of(ends: list[Symbol]) -> dict[int, list[Symbol]]:
    """The users of each symbol, by its id."""
    users: dict[int, list[Symbol]] = {}
    for symbol in in_order(ends):
        users.setdefault(id(symbol), [])
        for each in symbol.inputs:
            users[id(each)].append(symbol)
    return users


class _Rewriting:
    def __init__(self, recorded: Recorded) -> None:
        self.given = recorded.names
        self.made: dict[int, Symbol] = {}
        self.names: dict[int, str] = {}

    def rewritten(self, symbol: Symbol) -> Symbol:
        inputs = tuple(self.made[id(each)] for each in symbol.inputs)
        if symbol.operator == "cut":
            new = self.piece(inputs[0], *symbol.about)
        else:
            new = _composed(Symbol(symbol.operator, inputs, symbol.shape, symbol.about)) if inputs else symbol
        self.made[id(symbol)] = new
        # Inputs and weights keep their own names.
        if id(symbol) in self.given and symbol.operator not in ("input", "parameter", "number"):
            self.names.setdefault(id(new), self.given[id(symbol)])
        return new

    def piece(self, whole: Symbol, start: int, stop: int) -> Symbol:
        """Rows of an unnamed value are computed from rows of its inputs."""
        if id(whole) in self.names:
            return whole.cut(start, stop)
        if whole.operator == "linear":
            x, *weights = whole.inputs
            return Symbol("linear", (x, *(each.cut(start, stop) for each in weights)), (stop - start,))
        if whole.operator in ELEMENTWISE:
            parts = (self.piece(each, start, stop) if each.shape == whole.shape else each for each in whole.inputs)
            return Symbol(whole.operator, tuple(parts), (stop - start,))
        return whole.cut(start, stop)


def _composed(symbol: Symbol) -> Symbol:
    for name, function in _COMPOSED.items():
        hole = Symbol.input("", symbol.size)
        arguments: dict[int, Symbol] = {}
        if _matches(function(hole), symbol, hole, arguments):
            return Symbol(name, (arguments[id(hole)],), symbol.shape)
    return symbol


def _matches(pattern: Symbol, symbol: Symbol, hole: Symbol, arguments: dict[int, Symbol]) -> bool:
    if pattern is hole:
        return arguments.setdefault(id(hole), symbol) is symbol
    if pattern.operator != symbol.operator or len(pattern.inputs) != len(symbol.inputs):
        return False
    if pattern.operator == "number":
        return pattern.about == symbol.about
    pairs = zip(pattern.inputs, symbol.inputs, strict=True)
    return bool(pattern.inputs) and all(_matches(one, other, hole, arguments) for one, other in pairs)


def _is_part(symbol: Symbol, names: dict[int, str], users: dict[int, list[Symbol]], inputs: set[str]) -> bool:
    """Whether it is named after an input and its only user, as r_x of r; then it is written within
    that.
    """
    name, above = names[id(symbol)], symbol
    while len(users[id(above)]) == 1:
        (above,) = users[id(above)]
        if id(above) in names:
            return name in {f"{names[id(above)]}_{each}" for each in inputs}
    return False


def _is_long(symbol: Symbol, names: dict[int, str], users: dict[int, list[Symbol]]) -> bool:
    """Whether it is used several times and too long to repeat."""
    if len(users[id(symbol)]) < 2 or symbol.is_constant or not symbol.inputs:
        return False
    inner = [each for each in symbol.inputs if each.inputs and not each.is_constant and id(each) not in names]
    return symbol.operator == "linear" or bool(inner)
