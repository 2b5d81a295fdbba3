"""A cell's step written down: called once with symbols, it leaves the graph of what it computes."""

import dataclasses
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

from elman.cells.cell import Cell, Sizes, Weights
from elman.cells.symbol import Symbol


@dataclasses.dataclass(frozen=True)
class Recorded:
    """One step of one layer as a graph."""

    x: Symbol
    state: dict[str, Symbol]
    """What comes in, by the names of the state's parts."""
    output: Symbol
    after: tuple[Symbol, ...]
    """The next state."""
    names: dict[int, str]
    """What the step's author called its values, by ``id`` of the symbol."""


def record_step(
    cell: Cell,
    sizes: Sizes,
    *,
    x: Symbol | None = None,
    state: Mapping[str, Symbol] | None = None,
    prefix: str = "",
    named: bool = True,
) -> Recorded:
    """Call the step with symbols.

    Args:
        x: what comes in (default: an input ``x``).
        state: what was carried (default: an input for each part).
        prefix: of the weights' names in the model folder, such as ``stack.layers.0.``.
        named: whether to note what the step's author called its values.
    """
    x = Symbol.input("x", sizes.inputs) if x is None else x
    state = {name: Symbol.input(name, size) for name, size in cell.state(sizes).items()} if state is None else state
    weights = {name: Symbol.parameter(prefix + name, shape) for name, shape in cell.weights(sizes).items()}
    names: dict[int, str] = {}
    step: Any = cell.step

    def note(frame: FrameType, event: str, _: Any) -> None:
        # The step's own names of its values: they stand in equations and drawings.
        if event == "return" and frame.f_code is getattr(step, "__code__", None):
            for name, value in frame.f_locals.items():
                if isinstance(value, Symbol):
                    names.setdefault(id(value), name)

    # Where a profiler runs already it is left alone, and the values have no names.
    watched = named and sys.getprofile() is None
    try:
        if watched:
            sys.setprofile(note)
        output, after = step(x, tuple(state.values()), Weights(weights, sizes))
    finally:
        if watched:
            sys.setprofile(None)
    return Recorded(x, dict(state), output, tuple(after), names)
