"""The registry of all cells, and how to add one."""

import re
from collections.abc import Callable

from elman.cells import parallel, recurrent, windowed
from elman.cells.cell import Cell, Shapes, Sizes, StepFunction, one_h
from elman.cells.recording import Recorded, record_step
from elman.cells.symbol import Symbol, in_order
from elman.errors import UsageError
from elman.system.plugins import import_plugins

CELLS: dict[str, Cell] = {cell.name: cell for cell in (*recurrent.CELLS, *parallel.CELLS, *windowed.CELLS)}
"""Every cell by its name."""
HOW_TO_ADD = (
    "one of your own must be registered first: import the module that registers it, or name it in ELMAN_PLUGINS"
)


def cell_named(name: str) -> Cell:
    """A registered cell; an unknown name first lets modules register theirs (``plugins.py``).

    Raises:
        UsageError: no such cell.
    """
    if name not in CELLS:
        import_plugins()
    if name not in CELLS:
        raise UsageError(f"unknown cell {name!r}; known: {', '.join(CELLS)}; {HOW_TO_ADD}")
    return CELLS[name]


def register_cell(
    name: str,
    step: StepFunction,
    *,
    weights: Callable[[Sizes], Shapes],
    state: Callable[[Sizes], dict[str, int]] = one_h,
    says: str = "",
) -> Cell:
    """Add a recurrent cell, which can then be trained, served, exported, explained, x-rayed and
    compared.

    Args:
        name: its name for ``--model``.
        step: ``step(x, state, w) -> (y, next state)`` on the operators of
            ``elman.cells.operators``; ``x[.., D]``, ``y[.., H]``, ``state`` a tuple.
        weights: shapes of the weights by name, from the layer's sizes. Matrices start uniform with
            variance 1 / columns, vectors at zero.
        state: sizes of the state's parts by name (default: ``h``, of H numbers).
        says: one sentence on the cell.

    Raises:
        UsageError: the name is taken or invalid, or the step does not fit the declaration.

    >>> from elman.cells.operators import linear, tanh
    >>> def doubled(x, state, w):
    ...     (h,) = state
    ...     h = tanh(linear(x, w.weight_ih) + 2 * h)
    ...     return h, (h,)
    >>> def weights(sizes):
    ...     return {"weight_ih": (sizes.hidden, sizes.inputs)}
    >>> cell = register_cell("doubled", doubled, weights=weights)
    >>> CELLS.pop("doubled") is cell
    True
    """
    if name in CELLS:
        raise UsageError(f"there is a cell {name!r} already; choose another name")
    if not re.fullmatch("[a-z][a-z0-9-]*", name):
        raise UsageError(
            f"the cell's name is {name!r}; it must consist of lower-case letters, digits and -, such as my-cell"
        )
    cell = Cell(name, step, weights=weights, state=state, says=says or (step.__doc__ or "").split("\n")[0])
    check(cell)
    CELLS[name] = cell
    return cell


def check(cell: Cell) -> None:
    """Record one step with odd sizes and compare it with the declaration.

    Raises:
        UsageError: the output or the state has other sizes than declared, or an operator is
            misused.
    """
    sizes = Sizes(inputs=5, hidden=6, inner=7, window=cell.window or 0, heads=1)
    if not cell.weights(sizes):
        raise UsageError(f"the cell {cell.name!r} declares no weights, so there is nothing to train")
    if not cell.state(sizes):
        raise UsageError(f"the cell {cell.name!r} declares no state; it needs at least one part, such as h")
    try:
        recorded = record_step(cell, sizes)
        results = [recorded.output, *recorded.after]
        assert all(isinstance(each, Symbol) and not each.is_constant for each in results), (
            "the output and each part of the next state must depend on x or the state"
        )
        assert recorded.x in list(in_order(results)), "the step never uses x"
    except Exception as error:  # any error of the author's code
        parts = ", ".join(f"{name} of {size}" for name, size in cell.state(sizes).items())
        raise UsageError(
            f"the step of cell {cell.name!r} cannot be recorded with D = {sizes.inputs}, H = {sizes.hidden} and a "
            f"state with {parts}: {error}; it must use the operators of elman.cells.operators and + - * / only, and "
            "return the output and a tuple of the next state"
        ) from error
    unused = set(cell.weights(sizes)) - _used(recorded)
    if unused:
        raise UsageError(f"the step of cell {cell.name!r} never uses its weights {', '.join(sorted(unused))}")
    state_sizes, wanted = [part.size for part in recorded.after], list(cell.state(sizes).values())
    if recorded.output.size != sizes.hidden or state_sizes != wanted:
        raise UsageError(
            f"the step of cell {cell.name!r} gives {recorded.output.size} numbers and states of {state_sizes}; "
            f"it must give {sizes.hidden} and {wanted}"
        )


def _used(recorded: Recorded) -> set[str]:
    """The names of the weights that a step uses."""
    symbols = in_order([recorded.output, *recorded.after])
    return {symbol.about[0] for symbol in symbols if symbol.operator == "parameter"}
