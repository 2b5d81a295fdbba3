"""A recorded step as textbooks write it: each gate with rows of its own, composed functions under
one name.
"""

import dataclasses
from collections.abc import Callable

from elman.cells.operators import gelu
from elman.cells.recording import Recorded
from elman.cells.symbol import Symbol, in_order

UNARY = frozenset({"sigmoid", "tanh", "relu", "exp", "expm1", "sqrt", "erf", "softplus", "gelu"})
ELEMENTWISE = UNARY | {"add", "sub", "mul", "div"}
_COMPOSED: dict[str, Callable[[Symbol], Symbol]] = {"gelu": gelu}
"""Operators that are made of others; a step that calls them is shown with their names."""


def simplified(recorded: Recorded) -> Recorded:
    """The same step: pieces of a product are products with fewer rows, and every value worth a line
    has a name.

    >>> from elman.cells.cell import Sizes
    >>> from elman.cells.recording import record_step
    >>> from elman.cells.registry import CELLS
    >>> recorded = simplified(record_step(CELLS["mingru"], Sizes(inputs=2, hidden=3)))
    >>> ends = (recorded.output, *recorded.after)
    >>> {recorded.names[id(each)]: each.operator for each in in_order(ends) if id(each) in recorded.names}
    {'z': 'sigmoid', 'v': 'linear', 'h': 'add'}
    """
    rewriting = _Rewriting(recorded)
    made = {id(each): rewriting.rewritten(each) for each in in_order([recorded.output, *recorded.after])}
    after = [made[id(each)] for each in recorded.after]
    output = made[id(recorded.output)]
    ends = [output, *after]
    users = users_of(ends)
    # In the author's order, and without what is written no more.
    places = {id(made[each]): place for place, each in enumerate(recorded.names) if each in made}
    names = {each: rewriting.names[each] for each in sorted(set(users) & set(rewriting.names), key=places.__getitem__)}
    for symbol in in_order(ends):
        if id(symbol) in names and _is_part(symbol, names, users, set(recorded.state) | {"x"}):
            del names[id(symbol)]
    parts = []
    for part, symbol in zip(recorded.state, after, strict=True):
        known = symbol.about[0] if symbol.operator == "input" else names.get(id(symbol))
        if known not in (None, part) or symbol.is_constant:
            # It goes by another name too, and gets a line that says so.
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
    """The symbols that take each symbol, by its id."""
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
        # Inputs and weights are known by their own names.
        if id(symbol) in self.given and symbol.operator not in ("input", "parameter", "number"):
            self.names.setdefault(id(new), self.given[id(symbol)])
        return new

    def piece(self, whole: Symbol, start: int, stop: int) -> Symbol:
        """Rows of a value without a name are values of rows."""
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
        found: dict[int, Symbol] = {}
        if _matches(function(hole), symbol, hole, found):
            return Symbol(name, (found[id(hole)],), symbol.shape)
    return symbol


def _matches(pattern: Symbol, symbol: Symbol, hole: Symbol, found: dict[int, Symbol]) -> bool:
    if pattern is hole:
        return found.setdefault(id(hole), symbol) is symbol
    if pattern.operator != symbol.operator or len(pattern.inputs) != len(symbol.inputs):
        return False
    if pattern.operator == "number":
        return pattern.about == symbol.about
    pairs = zip(pattern.inputs, symbol.inputs, strict=True)
    return bool(pattern.inputs) and all(_matches(one, other, hole, found) for one, other in pairs)


def _is_part(symbol: Symbol, names: dict[int, str], users: dict[int, list[Symbol]], inputs: set[str]) -> bool:
    """Whether it is called after an input and the one value that it goes into, as r_x of r: it is
    written in there.
    """
    name, above = names[id(symbol)], symbol
    while len(users[id(above)]) == 1:
        (above,) = users[id(above)]
        if id(above) in names:
            return name in {f"{names[id(above)]}_{each}" for each in inputs}
    return False


def _is_long(symbol: Symbol, names: dict[int, str], users: dict[int, list[Symbol]]) -> bool:
    """Whether it stands in several places and is too much to be written there."""
    if len(users[id(symbol)]) < 2 or symbol.is_constant or not symbol.inputs:
        return False
    inner = [each for each in symbol.inputs if each.inputs and not each.is_constant and id(each) not in names]
    return symbol.operator == "linear" or bool(inner)
