"""Fast layers with hidden-to-hidden weights; for their contract, see ``recurrent.py``."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from elman.cells.registry import CELLS
from elman.errors import UsageError
from elman.nn import dropout, fast_bptt, fused
from elman.nn.dropout import Masks
from elman.nn.recurrent import Chunk, Recurrent, State, padding_of
from elman.nn.unrolled import by_steps

_MANY = 1000
"""Without training, fewest vectors for which compiled steps are worth loading, which takes about a
second."""
_SHORT = 8
"""With fewer steps, setting up compiled ones takes longer than torch's own loop."""
_WIDE = 448
"""From this hidden size on, compiled steps beat torch's bfloat16 LSTM in training."""


class Feedback(Recurrent):
    """A layer whose steps depend on the state before.

    >>> layer = Gru(3, 5)
    >>> x = torch.randn(2, 7, 3)
    >>> whole, _ = layer(x, layer.initial_state(2))
    >>> before, state = layer(x[:, :4], layer.initial_state(2))
    >>> after, _ = layer(x[:, 4:], state)
    >>> torch.allclose(whole, torch.cat([before, after], dim=1), atol=1e-6)
    True
    """

    weight_ih: nn.Parameter
    """From the input, ``[G*H, D]``."""
    weight_hh: nn.Parameter
    """From the hidden state, ``[G*H, H]``."""
    bias_ih: nn.Parameter
    bias_hh: nn.Parameter
    loop: ClassVar[Callable[..., Any]]
    """torch's own steps through a chunk."""

    def __init__(self, input_size: int, hidden_size: int, *, weight_drop: float = 0.0, **options: Any) -> None:
        """``weight_drop`` is the share of hidden-to-hidden weights dropped in training; for others
        see ``Recurrent``.

        Raises:
            UsageError: a size below 1 or a dropout outside [0, 1).
        """
        super().__init__(input_size, hidden_size, **options)
        self.weight_drop = dropout.check("weight drop", weight_drop)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Uniform in ±1/sqrt(H)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def _run(self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None) -> Chunk:
        weight_hh = dropout.drop_weights(self.weight_hh, self.weight_drop, masks)
        return self._through(x, state, [self.weight_ih, weight_hh, self.bias_ih, self.bias_hh], reset, lengths)

    def _through(
        self, x: Tensor, state: State, weights: Sequence[Tensor], reset: Tensor | None, lengths: Tensor | None
    ) -> Chunk:
        """The chunk with time first, ``x[T, B, D]``."""
        if lengths is None:
            histories = self._histories(x, state, weights, reset, plain=reset is None)
            return histories[0], tuple(history[-1] for history in histories)
        padding = padding_of(x, lengths)
        histories = self._histories(x.masked_fill(padding, 0), state, weights, reset, plain=False)
        last, rows = (lengths - 1).clamp(min=0), torch.arange(x.shape[1], device=x.device)
        empty = (lengths == 0).unsqueeze(1)
        after = (torch.where(empty, old, new[last, rows]) for old, new in zip(state, histories, strict=True))
        return histories[0].masked_fill(padding, 0), tuple(after)

    def _histories(
        self, x: Tensor, state: State, weights: Sequence[Tensor], reset: Tensor | None, *, plain: bool
    ) -> State:
        """Each state tensor after every step, ``[T, B, H]``."""
        if self._compiles(x) and not (plain and len(x) < _SHORT):
            return self._compiled(x, state, weights, reset)
        return (through_kernel(type(self).loop, x, state[0], weights, reset),)

    def _compiled(self, x: Tensor, state: State, weights: Sequence[Tensor], reset: Tensor | None) -> State:
        return getattr(fast_bptt, self.cell.name.replace("-", "_"))(x.contiguous(), state, weights, reset)

    def _compiles(self, x: Tensor) -> bool:
        """Whether compiled steps are available and pay: a prompt must not wait for the compiler."""
        worth = torch.is_grad_enabled() or x.shape[0] * x.shape[1] >= _MANY
        return worth and fast_bptt.suits(x)


def through_kernel(
    kernel: Callable[..., Any], x: Tensor, h: Tensor, weights: Sequence[Tensor], reset: Tensor | None
) -> Tensor:
    """Hidden states ``[T, B, H]`` by torch's own kernel (cuDNN on GPUs), called once between
    document starts.

    ``x[T, B, D]``, ``h[B, H]``, ``reset[T, B]``; weights as torch.nn orders them.
    """
    h, parts = h.to(x.dtype), [weight.to(x.dtype) for weight in weights]
    parts = fused.in_one_piece(parts) if x.is_cuda else parts
    starts = [] if reset is None else reset.any(dim=1).nonzero().flatten().tolist()
    pieces = []
    for start, stop in pairwise(sorted({0, *starts, len(x)})):
        if reset is not None:
            h = h.masked_fill(reset[start].unsqueeze(1), 0)
        y, last = kernel(x[start:stop], h.unsqueeze(0), parts, True, 1, 0.0, torch.is_grad_enabled(), False, False)
        h = last[0]
        pieces.append(y)
    return torch.cat(pieces) if len(pieces) > 1 else pieces[0]


class Rnn(Feedback):
    """Elman's network with tanh."""

    cell = CELLS["rnn"]
    loop = staticmethod(torch._VF.rnn_tanh)


class ReluRnn(Feedback):
    """Elman's network with max(0, .)."""

    cell = CELLS["rnn-relu"]
    loop = staticmethod(torch._VF.rnn_relu)


class Gru(Feedback):
    """The gated recurrent unit."""

    cell = CELLS["gru"]
    loop = staticmethod(torch._VF.gru)


class Lstm(Feedback):
    """Long short-term memory."""

    cell = CELLS["lstm"]

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Uniform in ±1/sqrt(H), and the forget gate open: its bias is 1."""
        super().reset_parameters(generator)
        forget = slice(self.hidden_size, 2 * self.hidden_size)
        with torch.no_grad():
            self.bias_ih[forget] = 1
            self.bias_hh[forget] = 0

    def start_to_remember(self, lag: float) -> None:
        """Start the forget gates so that units remember for up to ``lag`` steps (Tallec and
        Ollivier 2018).

        Forget biases are log(u) with u spread evenly from 1 to ``lag - 1``, input biases their
        negatives: a unit with bias log(u) keeps u/(u+1) of its cell a step. The paper draws u at
        random; here it is even, so that no random numbers are needed.

        Raises:
            UsageError: a lag below 2.
        """
        if not 2 <= lag <= 1e6:
            raise UsageError(f"the forget bias is for {lag:g} tokens; it must be at least 2 and at most a million")
        spread = torch.linspace(1.0, max(lag - 1.0, 1.0), self.hidden_size).log()
        with torch.no_grad():
            self.bias_ih[: self.hidden_size] = -spread
            self.bias_ih[self.hidden_size : 2 * self.hidden_size] = spread
            self.bias_hh[: 2 * self.hidden_size] = 0

    def fused(self, dtype: torch.dtype, rows: int) -> bool:
        """Whether torch's kernel is faster for ``rows`` = B * T vectors, as measured.

        It is slower for a few vectors, where it spends its time rearranging the weights, and for
        the backward pass of wide layers in bfloat16.
        """
        wide = dtype == torch.bfloat16 and self.hidden_size >= _WIDE and torch.is_grad_enabled()
        return rows > 10 and not wide

    def _through(
        self, x: Tensor, state: State, weights: Sequence[Tensor], reset: Tensor | None, lengths: Tensor | None
    ) -> Chunk:
        # On a GPU every single step would be a launch, so torch's kernel is always faster there.
        if x.is_cuda or self.fused(x.dtype, x.shape[0] * x.shape[1]):
            h, c = state
            cast = [weight.to(x.dtype) for weight in weights]
            y, h, c = fused.lstm(x, (h, c), cast, reset=reset, lengths=lengths)
            return y, (h, c)
        if self._compiles(x):
            return super()._through(x, state, weights, reset, lengths)
        named = dict(zip(self.weights(), weights, strict=True))
        return by_steps(self.cell, self.sizes, named, x, state, reset=reset, lengths=lengths)

    def _histories(
        self, x: Tensor, state: State, weights: Sequence[Tensor], reset: Tensor | None, *, plain: bool
    ) -> State:
        return self._compiled(x, state, weights, reset)
