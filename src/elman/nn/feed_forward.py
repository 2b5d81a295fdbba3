"""The feed-forward network over a window of words (Bengio, Ducharme, Vincent and Jauvin 2003)."""

from typing import Any

import torch
from torch import Tensor, nn

from elman.nn.cells import State
from elman.nn.dropout import Masks
from elman.nn.recurrent import Chunk
from elman.nn.scan_cells import product, spread
from elman.nn.windowed import Windowed, windows


class FeedForward(Windowed):
    """``y = W_out tanh(W_ih w + b) + W_direct w``, where w are the last W inputs side by side.

    An n-gram of order W + 1 that knows which words are alike. ``direct`` gives the connections of the paper that go
    round the hidden units; they start at zero.

    >>> layer = FeedForward(3, 5, window=4)
    >>> [tuple(part.shape) for part in layer.initial_state(2)]
    [(2, 9)]
    """

    state_names = ("tail",)
    usual = 4
    adds = False

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        direct: bool = True,
        generator: torch.Generator | None = None,
        **options: Any,
    ) -> None:
        """``generator`` draws the starting weights; the rest as in ``Windowed``."""
        super().__init__(input_size, hidden_size, **options)
        seen = self.window * input_size
        self.weight_ih = nn.Parameter(torch.empty(self.inner, seen))
        self.bias_ih = nn.Parameter(torch.zeros(self.inner))
        self.weight_out = nn.Parameter(torch.empty(hidden_size, self.inner))
        self.weight_direct = nn.Parameter(torch.zeros(hidden_size, seen)) if direct else None
        spread(self.weight_ih, seen, generator)
        spread(self.weight_out, self.inner, generator)

    def initial_state(self, batch: int) -> State:
        return (self.weight_ih.new_zeros(batch, (self.window - 1) * self.input_size),)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        seen = torch.cat([state[0], x], dim=1)
        return self._of(seen, None), (seen[:, self.input_size :],)

    def _through(
        self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None
    ) -> Chunk:
        seen, tail = windows(x, state[0], self.window, reset=reset, lengths=lengths)
        return self._of(seen, masks), (tail,)

    def _of(self, seen: Tensor, masks: Masks | None) -> Tensor:
        hidden = torch.tanh(product(seen, self.weight_ih, self.bias_ih))
        y = product(self._dropped(hidden, masks), self.weight_out)
        return y if self.weight_direct is None else y + product(seen, self.weight_direct)
