"""Records a cell's step: called once with symbols, it gives the graph of its computation."""

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
    """The input state by part names."""
    output: Symbol
    after: tuple[Symbol, ...]
    """The next state."""
    names: dict[int, str]
    """The variable names of values in the step, by ``id`` of the symbol."""


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
        x: the input (default: an input ``x``).
        state: the state before (default: an input for each part).
        prefix: of the weights' names in the model folder, such as ``stack.layers.0.``.
        named: whether to record the variable names of values.
    """
    x = Symbol.input("x", sizes.inputs) if x is None else x
    state = {name: Symbol.input(name, size) for name, size in cell.state(sizes).items()} if state is None else state
    weights = {name: Symbol.parameter(prefix + name, shape) for name, shape in cell.weights(sizes).items()}
    names: dict[int, str] = {}
    step: Any = cell.step

    def note(frame: FrameType, event: str, _: Any) -> None:
        # The step's own variable names are used in equations and drawings.
        if event == "return" and frame.f_code is getattr(step, "__code__", None):
            for name, value in frame.f_locals.items():
                if isinstance(value, Symbol):
                    names.setdefault(id(value), name)

    # A running profiler is not replaced; values then have no names.
    watched = named and sys.getprofile() is None
    try:
        if watched:
            sys.setprofile(note)
        output, after = step(x, tuple(state.values()), Weights(weights, sizes))
    finally:
        if watched:
            sys.setprofile(None)
    return Recorded(x, dict(state), output, tuple(after), names)
