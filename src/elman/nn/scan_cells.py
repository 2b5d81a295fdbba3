"""The parallel cells: all products and gates of a chunk at once, and one scan.

No weights lead from the hidden state back to itself, so that only ``h = a * h + b`` waits for the step before.
"""

import math
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.errors import UsageError
from elman.nn import cells, dropout
from elman.nn.causal_conv import causal_conv
from elman.nn.cells import InputCell, InputWeights, RglruWeights, State
from elman.nn.dropout import Masks
from elman.nn.gated_scan import gated_scan
from elman.nn.gates import MinGruInputs, MinLstmInputs, RgLruInputs
from elman.nn.recurrent import Chunk, Recurrent, padding_of

_WINDOW = 4
"""K, how many inputs RG-LRU's convolution sees."""


class Parallel(Recurrent):
    """A layer without hidden-to-hidden weights.

    >>> layer = RgLru(3, 5)
    >>> x = torch.randn(2, 7, 3)
    >>> whole, _ = layer(x, layer.initial_state(2))
    >>> before, state = layer(x[:, :4], layer.initial_state(2))
    >>> after, _ = layer(x[:, 4:], state)
    >>> torch.allclose(whole, torch.cat([before, after], dim=1), atol=1e-6)
    True
    """

    def __init__(self, input_size: int, hidden_size: int, *, weight_drop: float = 0.0) -> None:
        """Raises:
        UsageError: a size below 1, or a weight drop other than 0.
        """
        super().__init__(input_size, hidden_size)
        if dropout.check("weight drop", weight_drop):
            raise UsageError(
                f"weight drop is {weight_drop}, but this kind of layer has no hidden-to-hidden weights; it must be 0"
            )


class _Minimal(Parallel):
    blocks: ClassVar[int]
    """Blocks of rows in the weights."""
    cell: ClassVar[InputCell]
    """The reference step."""
    inputs: ClassVar[type[MinGruInputs] | type[MinLstmInputs]]
    """What the blocks mean."""

    def __init__(
        self, input_size: int, hidden_size: int, *, weight_drop: float = 0.0, generator: torch.Generator | None = None
    ) -> None:
        """``generator`` draws the starting weights; ``weight_drop`` must be 0."""
        super().__init__(input_size, hidden_size, weight_drop=weight_drop)
        rows = self.blocks * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        spread(self.weight_ih, input_size, generator)
        nn.init.zeros_(self.bias_ih)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        state = type(self).cell(x, state, InputWeights(self.weight_ih, self.bias_ih))
        return state[0], state

    def _run(self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None) -> Chunk:
        x = x if lengths is None else x.masked_fill(padding_of(x, lengths), 0)
        gates = product(x, self.weight_ih, self.bias_ih)
        y, last = gated_scan(self.inputs(gates), state[0], reset=reset, lengths=lengths)
        return y, (last,)


class MinGru(_Minimal):
    """The minimal GRU: its gate sees only the input (Feng et al. 2024).

    The values are linear in the input: on short runs that learns faster than the paper's positive ones, and than tanh.
    """

    blocks = 2
    cell = staticmethod(cells.mingru)
    inputs = MinGruInputs


class MinLstm(_Minimal):
    """The minimal LSTM, its two gates scaled to sum to 1 (Feng et al. 2024); values linear as in MinGru."""

    blocks = 3
    cell = staticmethod(cells.minlstm)
    inputs = MinLstmInputs


class RgLru(Parallel):
    """Griffin's recurrent block: convolution, real-gated linear recurrent unit, gated output (De et al. 2024).

    The unit alone mixes nothing; the block around it brings D inputs to H units and their outputs together:
    ``y = W_out (gelu(gate) * h)``. Its state is h and the last three inputs of the convolution. The matrices of its
    gates are full, where the paper's are in blocks on the diagonal, and the output's gate starts open.
    """

    state_names = ("h", "tail")

    def __init__(
        self, input_size: int, hidden_size: int, *, weight_drop: float = 0.0, generator: torch.Generator | None = None
    ) -> None:
        """``generator`` draws the starting weights; ``weight_drop`` must be 0."""
        super().__init__(input_size, hidden_size, weight_drop=weight_drop)
        self.weight_ih = nn.Parameter(torch.empty(2 * hidden_size, input_size))
        self.bias_ih = nn.Parameter(torch.empty(2 * hidden_size))
        self.weight_conv = nn.Parameter(torch.empty(_WINDOW, hidden_size))
        self.bias_conv = nn.Parameter(torch.empty(hidden_size))
        self.weight_gates = nn.Parameter(torch.empty(2 * hidden_size, hidden_size))
        self.bias_gates = nn.Parameter(torch.empty(2 * hidden_size))
        self.decay = nn.Parameter(torch.empty(hidden_size))
        self.weight_out = nn.Parameter(torch.empty(hidden_size, hidden_size))
        self.bias_out = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Where r is 1, a unit keeps 0.9 to 0.999 of its state."""
        for matrix in (self.weight_ih, self.weight_gates, self.weight_out):
            spread(matrix, matrix.shape[1], generator)
        spread(self.weight_conv, _WINDOW, generator)
        for bias in (self.bias_ih, self.bias_conv, self.bias_gates, self.bias_out):
            nn.init.zeros_(bias)
        with torch.no_grad():
            self.bias_ih[self.hidden_size :] = 1
            kept = nn.init.uniform_(self.decay, 0.9, 0.999, generator=generator)
            self.decay.copy_((-kept.log() / 8).expm1().log())

    def initial_state(self, batch: int) -> State:
        sizes = (self.hidden_size, (_WINDOW - 1) * self.hidden_size)
        return tuple(self.decay.new_zeros(batch, size) for size in sizes)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return cells.rglru(x, state, self._weights())

    def _run(self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None) -> Chunk:
        h, tail = state
        weights = self._weights()
        padding = None if lengths is None else padding_of(x, lengths)
        x = x if padding is None else x.masked_fill(padding, 0)
        halves = zip(weights.weight_ih.chunk(2), weights.bias_ih.chunk(2), strict=True)
        branch, gate = (product(x, weight, bias) for weight, bias in halves)
        u, tail = causal_conv(branch, tail, weights.weight_conv, weights.bias_conv, reset=reset, lengths=lengths)
        gates = product(u, weights.weight_gates, weights.bias_gates)
        inputs = RgLruInputs(gates, u, 8 * F.softplus(weights.decay))
        y, h = gated_scan(inputs, h, reset=reset, lengths=lengths)
        y = product(F.gelu(gate) * y, weights.weight_out, weights.bias_out)
        return y if padding is None else y.masked_fill(padding, 0), (h, tail)

    def _weights(self) -> RglruWeights:
        return RglruWeights(*(getattr(self, name) for name in RglruWeights._fields))


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``weight x + bias`` in the type of x."""
    return F.linear(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype))


def spread(weight: Tensor, inputs: int, generator: torch.Generator | None) -> None:
    """Draw weights that keep the size of their ``inputs``: uniform, of variance 1 / inputs."""
    bound = math.sqrt(3 / inputs)
    nn.init.uniform_(weight, -bound, bound, generator=generator)
