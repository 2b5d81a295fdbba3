"""The parallel cells: all products and gates of a chunk at once, and one scan.

They have no hidden-to-hidden weights, so only ``h = a * h + b`` depends on the step before.
"""

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.registry import CELLS
from elman.errors import UsageError
from elman.nn import dropout
from elman.nn.causal_conv import causal_conv
from elman.nn.dropout import Masks
from elman.nn.gated_scan import gated_scan
from elman.nn.gates import MinGruInputs, MinLstmInputs, RgLruInputs
from elman.nn.recurrent import Chunk, Recurrent, State, padding_of, product, spread


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

    def __init__(self, input_size: int, hidden_size: int, *, weight_drop: float = 0.0, **options: Any) -> None:
        """``weight_drop`` must be 0; for others see ``Recurrent``.

        Raises:
            UsageError: a size below 1, or a weight drop other than 0.
        """
        super().__init__(input_size, hidden_size, **options)
        if dropout.check("weight drop", weight_drop):
            raise UsageError(
                f"weight drop is {weight_drop}, but this kind of layer has no hidden-to-hidden weights; it must be 0"
            )


class _Minimal(Parallel):
    weight_ih: nn.Parameter
    bias_ih: nn.Parameter
    inputs: ClassVar[type[MinGruInputs] | type[MinLstmInputs]]
    """The type of the blocks of rows."""

    def _run(self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None) -> Chunk:
        x = x if lengths is None else x.masked_fill(padding_of(x, lengths), 0)
        gates = product(x, self.weight_ih, self.bias_ih)
        y, last = gated_scan(self.inputs(gates), state[0], reset=reset, lengths=lengths)
        return y, (last,)


class MinGru(_Minimal):
    """The minimal GRU: its gate sees only the input (Feng et al. 2024).

    The values are linear in the input; in short runs that learns faster than the paper's positive
    values or tanh.
    """

    cell = CELLS["mingru"]
    inputs = MinGruInputs


class MinLstm(_Minimal):
    """The minimal LSTM, its two gates scaled to sum to 1 (Feng et al. 2024); values linear as in
    MinGru.
    """

    cell = CELLS["minlstm"]
    inputs = MinLstmInputs


class RgLru(Parallel):
    """Griffin's recurrent block: convolution, real-gated linear recurrent unit, gated output (De et
    al. 2024).

    The recurrent unit itself mixes no units; the block around it maps D inputs to H units and mixes
    their outputs: ``y = W_out (gelu(gate) * h)``. Its state is h and the last three inputs of the
    convolution. Its gates have full matrices (block-diagonal in the paper), and the output gate
    starts open.
    """

    cell = CELLS["rglru"]
    weight_ih: nn.Parameter
    bias_ih: nn.Parameter
    weight_conv: nn.Parameter
    bias_conv: nn.Parameter
    weight_gates: nn.Parameter
    bias_gates: nn.Parameter
    decay: nn.Parameter
    weight_out: nn.Parameter
    bias_out: nn.Parameter

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Where r is 1, a unit keeps 0.9 to 0.999 of its state."""
        for matrix in (self.weight_ih, self.weight_gates, self.weight_out):
            spread(matrix, matrix.shape[1], generator)
        spread(self.weight_conv, len(self.weight_conv), generator)
        for bias in (self.bias_ih, self.bias_conv, self.bias_gates, self.bias_out):
            nn.init.zeros_(bias)
        with torch.no_grad():
            self.bias_ih[self.hidden_size :] = 1
            kept = nn.init.uniform_(self.decay, 0.9, 0.999, generator=generator)
            self.decay.copy_((-kept.log() / 8).expm1().log())

    def _run(self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None) -> Chunk:
        h, tail = state
        padding = None if lengths is None else padding_of(x, lengths)
        x = x if padding is None else x.masked_fill(padding, 0)
        halves = zip(self.weight_ih.chunk(2), self.bias_ih.chunk(2), strict=True)
        convolved, gate = (product(x, weight, bias) for weight, bias in halves)
        u, tail = causal_conv(convolved, tail, self.weight_conv, self.bias_conv, reset=reset, lengths=lengths)
        gates = product(u, self.weight_gates, self.bias_gates)
        inputs = RgLruInputs(gates, u, 8 * F.softplus(self.decay))
        y, h = gated_scan(inputs, h, reset=reset, lengths=lengths)
        y = product(F.gelu(gate) * y, self.weight_out, self.bias_out)
        return y if padding is None else y.masked_fill(padding, 0), (h, tail)
