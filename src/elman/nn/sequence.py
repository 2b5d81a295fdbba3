"""The layer of every registered cell: a fast implementation if there is one, else unrolled
steps.
"""

from collections.abc import Callable
from typing import Any

from elman.cells.registry import cell_named
from elman.nn.conv import GatedConv
from elman.nn.feed_forward import FeedForward
from elman.nn.feedback import Gru, Lstm, ReluRnn, Rnn
from elman.nn.recurrent import Recurrent
from elman.nn.scan_cells import MinGru, MinLstm, RgLru
from elman.nn.transformer import TransformerLayer
from elman.nn.unrolled import UnrolledLayer

FAST: dict[str, Callable[..., Recurrent]] = {
    layer.cell.name: layer
    for layer in (Rnn, ReluRnn, Gru, Lstm, MinGru, MinLstm, RgLru, FeedForward, GatedConv, TransformerLayer)
}
"""Fast layers by the name of their cell; each computes the same as ``UnrolledLayer``."""


def make_layer(cell: str, input_size: int, hidden_size: int, **options: Any) -> Recurrent:
    """A layer of a registered cell; ``options`` are ``weight_drop``, ``generator`` and those of its
    kind.

    Raises:
        UsageError: an unknown cell, a size below 1, or an option that this kind of layer does not
            have.

    >>> make_layer("lstm", 4, 6)
    Lstm(4, 6)
    """
    registered = cell_named(cell)
    fast = FAST.get(cell)
    return (
        UnrolledLayer(registered, input_size, hidden_size, **options)
        if fast is None
        else fast(input_size, hidden_size, **options)
    )
