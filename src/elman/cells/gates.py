"""Finds the gates of a cell in its recording.

A gate is a value between 0 and 1 for each unit: the result of a sigmoid, or such a result divided
by a sum of them. Its name is the variable's in the step. ``keep`` is the coefficient of the old
state in the new: ``new = keep * old + ...``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from elman.cells.cell import Cell, Sizes, States, Value
from elman.cells.evaluate import evaluate
from elman.cells.recording import Recorded, record_step
from elman.cells.symbol import Symbol, in_order

KEEP = "keep"
_MEANINGS = {
    "i": "input gate", "f": "forget gate", "o": "output gate", "r": "reset gate", "z": "update gate",
    "h": "hidden state", "c": "cell state",
}  # fmt: skip
_OWN = {("rglru", "r"): "recurrence gate"}


@dataclass(frozen=True)
class Gates:
    """The gates of one step, as symbols of its recording."""

    by_name: dict[str, Symbol]
    """Gates in the order of their names in the step."""
    keep: Symbol | None
    """None if the new state has no such term."""
    kept: str
    """The part of the state that ``keep`` belongs to; empty without one."""


def gates_in(recorded: Recorded) -> Gates:
    """The gates of a recorded step.

    >>> from elman.cells.registry import CELLS
    >>> gates = gates_in(record_step(CELLS["lstm"], Sizes(inputs=2, hidden=3)))
    >>> list(gates.by_name), gates.kept, gates.keep is gates.by_name["f"]
    (['i', 'f', 'o'], 'c', True)
    """
    results = [recorded.output, *recorded.after]
    computed = {id(symbol): symbol for symbol in in_order(results) if symbol not in results}
    by_name = {
        name: computed[key] for key, name in recorded.names.items() if key in computed and _is_gate(computed[key])
    }
    for (name, old), new in zip(recorded.state.items(), recorded.after, strict=True):
        keep = _coefficient(new, old)
        if keep is not None:
            return Gates(by_name, keep, name)
    return Gates(by_name, None, "")


def gate_values(cell: Cell, sizes: Sizes, x: Value, state: States, weights: Mapping[str, Value]) -> dict[str, Value]:
    """Gates by name, and ``keep``, of one step that reads ``x[.., D]`` in ``state``; empty for
    cells without any.
    """
    gates = _gates(cell, sizes)
    wanted = {**gates.by_name, **({} if gates.keep is None else {KEEP: gates.keep})}
    inputs = {"x": x, **dict(zip(cell.state(sizes), state, strict=True)), **weights}
    values = dict(zip(wanted, evaluate(wanted.values(), inputs), strict=True))
    if isinstance(values.get(KEEP), float):
        # The same number for all units, such as a fixed decay.
        old = inputs[gates.kept]
        values[KEEP] = old * 0 + values[KEEP]
    return values


def meaning(cell: str, name: str) -> str:
    """The usual name of a gate or state part; empty if there is none.

    >>> meaning("gru", "z")
    'update gate'
    """
    return _OWN.get((cell, name)) or _MEANINGS.get(name, "")


@cache
def _gates(cell: Cell, sizes: Sizes) -> Gates:
    return gates_in(record_step(cell, sizes))


def _is_gate(symbol: Symbol) -> bool:
    if symbol.operator == "cut":
        return _is_gate(symbol.inputs[0])
    if symbol.operator == "div":
        part, whole = symbol.inputs
        return _is_gate(part) and whole.operator == "add" and all(map(_is_gate, whole.inputs)) and part in whole.inputs
    return symbol.operator == "sigmoid"


def _coefficient(symbol: Symbol, old: Symbol) -> Symbol | None:
    """The coefficient of ``old`` in ``symbol``, through sums, products and quotients; None if there
    is none.
    """
    if symbol is old:
        return Symbol.of(1.0)
    if symbol.operator not in ("add", "sub", "mul", "div"):
        return None
    left, right = symbol.inputs
    a, b = _coefficient(left, old), _coefficient(right, old)
    if symbol.operator in ("add", "sub"):
        if b is None:
            return a
        signed = b if symbol.operator == "add" else -b
        return signed if a is None else a + signed
    if symbol.operator == "div":
        return None if a is None or b is not None else _times(a, 1 / right)
    if (a is None) == (b is None):
        return None
    return _times(a, right) if a is not None else _times(b, left)


def _times(coefficient: Symbol | None, factor: Symbol) -> Symbol:
    assert coefficient is not None
    is_one = coefficient.operator == "number" and coefficient.about == (1.0,)
    return factor if is_one else coefficient * factor
