"""A layer of any registered cell, trained by autograd through single steps: slow, but the
reference.

The fast layers (``sequence.py``) compute the same function.
"""

from typing import Any

import torch
from torch import Tensor

from elman.cells.cell import Cell, Sizes, Weights
from elman.cells.counting import hidden_weights
from elman.errors import UsageError
from elman.nn import dropout
from elman.nn.dropout import Masks
from elman.nn.recurrent import Chunk, Recurrent, State, unroll


class UnrolledLayer(Recurrent):
    """A layer whose chunks are computed step by step.

    >>> from elman.cells.registry import CELLS
    >>> layer = UnrolledLayer(CELLS["gru"], 3, 5)
    >>> y, state = layer(torch.randn(2, 7, 3), layer.initial_state(2))
    >>> bool(torch.equal(y[:, -1], state[0]))
    True
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        *,
        weight_drop: float = 0.0,
        generator: torch.Generator | None = None,
        **sizes: Any,
    ) -> None:
        """``weight_drop`` is the share of hidden-to-hidden weights dropped in training; for others
        see ``Recurrent``.

        Raises:
            UsageError: a size below 1, a dropout outside [0, 1), or dropout of weights that the
                cell does not have.
        """
        self.cell = cell
        super().__init__(input_size, hidden_size, generator=generator, **sizes)
        self.weight_drop = dropout.check("weight drop", weight_drop)
        self._hidden = hidden_weights(cell, self.sizes)
        if weight_drop and not self._hidden:
            raise UsageError(
                f"weight drop is {weight_drop}, but {cell.name} has no hidden-to-hidden weights; it must be 0"
            )

    def _run(self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None) -> Chunk:
        weights = self.weights()
        for name in self._hidden:
            weights[name] = dropout.drop_weights(weights[name], self.weight_drop, masks)
        return by_steps(self.cell, self.sizes, weights, x, state, reset=reset, lengths=lengths)


def by_steps(
    cell: Cell,
    sizes: Sizes,
    weights: dict[str, Tensor],
    x: Tensor,
    state: State,
    *,
    reset: Tensor | None = None,
    lengths: Tensor | None = None,
) -> Chunk:
    """A chunk ``x[T, B, D]`` by the cell's steps: products in the type of x, everything else in the
    state's type.
    """
    low = x.dtype != state[0].dtype
    if low:
        weights = {name: weight.to(x.dtype) if weight.ndim == 2 else weight for name, weight in weights.items()}
    cell_weights = Weights(weights, sizes)

    def step(row: Tensor, before: State) -> tuple[Tensor, State]:
        y, after = cell.step(row, before, cell_weights)
        return y, tuple(new.to(old.dtype) for new, old in zip(after, before, strict=True))

    with torch.autocast(x.device.type, x.dtype if low else None, enabled=low):
        y, after = unroll(step, x.to(state[0].dtype), state, reset=reset, lengths=lengths)
    return y.to(x.dtype), after
