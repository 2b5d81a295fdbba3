"""Counts the multiplications of a step in its recording."""

from functools import cache

from elman.cells.cell import Cell, Sizes
from elman.cells.recording import record_step
from elman.cells.symbol import in_order


@cache
def products(cell: Cell, sizes: Sizes) -> int:
    """Multiplications of one step in matrix products, including attention.

    >>> from elman.cells.registry import CELLS
    >>> products(CELLS["lstm"], Sizes(inputs=3, hidden=5))  # 4 * 5 * (3 + 5)
    160
    """
    recorded = record_step(cell, sizes)
    count = 0
    for symbol in in_order([recorded.output, *recorded.after]):
        if symbol.operator == "linear":
            rows, columns = symbol.inputs[1].shape
            count += rows * columns
        elif symbol.operator in ("dot", "mix"):
            # Every number of the W keys or values is multiplied once.
            count += symbol.inputs[1].size
    return count


@cache
def hidden_weights(cell: Cell, sizes: Sizes) -> tuple[str, ...]:
    """Names of the matrices that multiply a part of the state itself: the hidden-to-hidden weights.

    >>> from elman.cells.registry import CELLS
    >>> sizes = Sizes(inputs=3, hidden=5)
    >>> hidden_weights(CELLS["gru"], sizes), hidden_weights(CELLS["mingru"], sizes)
    (('weight_hh',), ())
    """
    recorded = record_step(cell, sizes)
    carried = {id(part) for part in recorded.state.values()}
    names = [
        symbol.inputs[1].about[0]
        for symbol in in_order([recorded.output, *recorded.after])
        if symbol.operator == "linear" and id(symbol.inputs[0]) in carried and symbol.inputs[1].operator == "parameter"
    ]
    return tuple(dict.fromkeys(names))
