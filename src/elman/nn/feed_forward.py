"""The feed-forward network over a window of words (Bengio, Ducharme, Vincent and Jauvin 2003)."""

from typing import Any

import torch
from torch import Tensor, nn

from elman.cells.registry import CELLS
from elman.nn.dropout import Masks
from elman.nn.recurrent import Chunk, State, product, spread
from elman.nn.windowed import Windowed, windows


class FeedForward(Windowed):
    """``y = W_out tanh(W_ih w + b) + W_direct w``, where w are the last W inputs side by side.

    An n-gram of order W + 1 with word vectors. ``direct`` adds the paper's connections past the
    hidden units; they start at zero.

    >>> layer = FeedForward(3, 5, window=4)
    >>> [tuple(part.shape) for part in layer.initial_state(2)]
    [(2, 9)]
    """

    cell = CELLS["feed-forward"]
    weight_ih: nn.Parameter
    bias_ih: nn.Parameter
    weight_out: nn.Parameter
    weight_direct: nn.Parameter

    def __init__(self, input_size: int, hidden_size: int, *, direct: bool = True, **options: Any) -> None:
        """As in ``Windowed``."""
        super().__init__(input_size, hidden_size, direct=direct, **options)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Direct connections start at zero."""
        spread(self.weight_ih, self.weight_ih.shape[1], generator)
        spread(self.weight_out, self.inner, generator)
        nn.init.zeros_(self.bias_ih)
        if self.sizes.direct:
            nn.init.zeros_(self.weight_direct)

    def _through(
        self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None
    ) -> Chunk:
        seen, tail = windows(x, state[0], self.window, reset=reset, lengths=lengths)
        return self._of(seen, masks), (tail,)

    def _of(self, seen: Tensor, masks: Masks | None) -> Tensor:
        hidden = torch.tanh(product(seen, self.weight_ih, self.bias_ih))
        y = product(self._dropped(hidden, masks), self.weight_out)
        return y + product(seen, self.weight_direct) if self.sizes.direct else y
