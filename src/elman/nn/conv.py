"""The gated convolutional network (Dauphin, Fan, Auli and Grangier 2017), one layer of it."""

import torch
from torch import Tensor, nn

from elman.cells.registry import CELLS
from elman.nn.dropout import Masks
from elman.nn.recurrent import Chunk, State, product
from elman.nn.windowed import Windowed, scaled, windows


class GatedConv(Windowed):
    """``y = x + W_out (a * sigmoid(g))``, where a and g are convolutions of the last W inputs, each
    scaled to size 1.

    L layers see L (W - 1) + 1 inputs. The paper normalises weights; scaling the inputs does the
    same for the steps.

    >>> layer = GatedConv(4, 4, inner=6, window=3)
    >>> [tuple(part.shape) for part in layer.initial_state(2)]
    [(2, 8)]
    """

    cell = CELLS["conv"]
    gain: nn.Parameter
    weight_ih: nn.Parameter
    bias_ih: nn.Parameter
    weight_out: nn.Parameter

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """As in ``Recurrent``, the gain at 1."""
        super().reset_parameters(generator)
        nn.init.ones_(self.gain)

    def _through(
        self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None
    ) -> Chunk:
        seen, tail = windows(scaled(x, self.gain), state[0], self.window, reset=reset, lengths=lengths)
        return self._across(x) + self._dropped(self._of(seen, masks), masks), (tail,)

    def _of(self, seen: Tensor, masks: Masks | None) -> Tensor:
        value, gate = product(seen, self.weight_ih, self.bias_ih).chunk(2, dim=-1)
        return product(value * torch.sigmoid(gate), self.weight_out)
