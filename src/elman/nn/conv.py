"""The gated convolutional network (Dauphin, Fan, Auli and Grangier 2017), one layer of it."""

from typing import Any

import torch
from torch import Tensor, nn

from elman.nn.cells import State
from elman.nn.dropout import Masks
from elman.nn.recurrent import Chunk
from elman.nn.scan_cells import product, spread
from elman.nn.windowed import Windowed, scaled, windows


class GatedConv(Windowed):
    """``y = x + W_out (a * sigmoid(g))``, where a and g are convolutions of the last W inputs, each scaled to size 1.

    L layers see L (W - 1) + 1 inputs. The paper normalises weights; scaling the inputs does the same for the steps.

    >>> layer = GatedConv(4, 4, inner=6, window=3)
    >>> [tuple(part.shape) for part in layer.initial_state(2)]
    [(2, 8)]
    """

    state_names = ("tail",)
    usual = 4

    def __init__(
        self, input_size: int, hidden_size: int, *, generator: torch.Generator | None = None, **options: Any
    ) -> None:
        """``generator`` draws the starting weights; the rest as in ``Windowed``."""
        super().__init__(input_size, hidden_size, **options)
        seen = self.window * input_size
        self.gain = nn.Parameter(torch.ones(input_size))
        self.weight_ih = nn.Parameter(torch.empty(2 * self.inner, seen))
        self.bias_ih = nn.Parameter(torch.zeros(2 * self.inner))
        self.weight_out = nn.Parameter(torch.empty(hidden_size, self.inner))
        for name, matrix in self.named_parameters(recurse=False):
            if matrix.ndim == 2:
                spread(matrix, seen if name == "weight_ih" else matrix.shape[1], generator)

    def initial_state(self, batch: int) -> State:
        return (self.weight_ih.new_zeros(batch, (self.window - 1) * self.input_size),)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        seen = torch.cat([state[0], scaled(x, self.gain)], dim=1)
        return self._across(x) + self._of(seen, None), (seen[:, self.input_size :],)

    def _through(
        self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None
    ) -> Chunk:
        seen, tail = windows(scaled(x, self.gain), state[0], self.window, reset=reset, lengths=lengths)
        return self._across(x) + self._dropped(self._of(seen, masks), masks), (tail,)

    def _of(self, seen: Tensor, masks: Masks | None) -> Tensor:
        value, gate = product(seen, self.weight_ih, self.bias_ih).chunk(2, dim=-1)
        return product(value * torch.sigmoid(gate), self.weight_out)
