"""The cells over whole chunks, B x T, fast; and the registry of all cells. What they promise: ``recurrent.py``."""

import math
from abc import abstractmethod
from collections.abc import Callable
from types import ModuleType
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from elman.errors import UsageError
from elman.nn import bptt, cells, dropout, fast_bptt, fused
from elman.nn.cells import Cell, State, Weights
from elman.nn.conv import GatedConv
from elman.nn.dropout import Masks
from elman.nn.feed_forward import FeedForward
from elman.nn.recurrent import Chunk, Recurrent, padding_of
from elman.nn.scan_cells import MinGru, MinLstm, RgLru
from elman.nn.transformer import TransformerLayer

_MANY = 1000
"""Vectors from which on compiled steps are worth their start, about a second, where nothing is trained."""
_SHORT = 8
"""Steps below which setting up compiled ones takes longer than torch's own loop."""
_WIDE = 448
"""Hidden size from which on torch's bfloat16 LSTM loses to compiled steps in training."""


class Feedback(Recurrent):
    """A layer whose hidden state comes back through hidden-to-hidden weights, so that steps must wait for each other.

    >>> layer = CELLS["gru"](3, 5)
    >>> x = torch.randn(2, 7, 3)
    >>> whole, _ = layer(x, layer.initial_state(2))
    >>> before, state = layer(x[:, :4], layer.initial_state(2))
    >>> after, _ = layer(x[:, 4:], state)
    >>> torch.allclose(whole, torch.cat([before, after], dim=1), atol=1e-6)
    True
    """

    gates: ClassVar[int] = 1
    """Blocks of rows in the weights."""
    cell: ClassVar[Cell]
    """The reference step; the first of the states it returns is also the output."""
    loop: ClassVar[Callable[..., Any] | None] = None
    """torch's own steps through a chunk, for short ones."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        weight_drop: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> None:
        """``weight_drop`` is the share of hidden-to-hidden weights dropped in training; ``generator`` starts them.

        Raises:
            UsageError: a size below 1 or a share outside [0, 1).
        """
        super().__init__(input_size, hidden_size)
        self.weight_drop = dropout.check("weight drop", weight_drop)
        rows = self.gates * hidden_size
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows))
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Uniform in ±1/sqrt(H)."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One step by the reference cell."""
        weights = Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        state = type(self).cell(x, state, weights)
        return state[0], state

    def _run(self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None) -> Chunk:
        weight_hh = dropout.drop_weights(self.weight_hh, self.weight_drop, masks)
        return self._through(x, state, Weights(self.weight_ih, weight_hh, self.bias_ih, self.bias_hh), reset, lengths)

    def _through(
        self, x: Tensor, state: State, weights: Weights, reset: Tensor | None, lengths: Tensor | None
    ) -> Chunk:
        """The chunk with time first, ``x[T, B, D]``; here by hand-written backpropagation."""
        if self.loop is not None and len(x) < _SHORT and reset is None and lengths is None and fast_bptt.suits(x):
            first, cast = state[0].to(x.dtype).unsqueeze(0), [weight.to(x.dtype) for weight in weights]
            y, last = self.loop(x, first, cast, True, 1, 0.0, torch.is_grad_enabled(), False, False)
            return y, (last[0],)
        if lengths is None:
            histories = self._histories(x.contiguous(), state, weights, reset)
            return histories[0], tuple(history[-1] for history in histories)
        padding = padding_of(x, lengths)
        histories = self._histories(x.masked_fill(padding, 0), state, weights, reset)
        last, rows = (lengths - 1).clamp(min=0), torch.arange(x.shape[1], device=x.device)
        empty = (lengths == 0).unsqueeze(1)
        after = (torch.where(empty, old, new[last, rows]) for old, new in zip(state, histories, strict=True))
        return histories[0].masked_fill(padding, 0), tuple(after)

    @abstractmethod
    def _histories(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> State:
        """Each state tensor after every step, ``[T, B, H]``."""

    def _passes(self, x: Tensor) -> ModuleType:
        """The hand-written passes for a chunk: compiled ones, except that a prompt must not wait for the compiler."""
        worth = torch.is_grad_enabled() or x.shape[0] * x.shape[1] >= _MANY
        return fast_bptt if worth and fast_bptt.suits(x) else bptt


class Rnn(Feedback):
    """Elman's network with tanh."""

    cell = staticmethod(cells.rnn)
    loop = staticmethod(torch._VF.rnn_tanh)  # type: ignore[attr-defined]

    def _histories(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> State:
        return (self._passes(x).rnn(x, state, weights, reset),)


class ReluRnn(Feedback):
    """Elman's network with max(0, .)."""

    cell = staticmethod(cells.rnn_relu)
    loop = staticmethod(torch._VF.rnn_relu)  # type: ignore[attr-defined]

    def start_from_identity(self) -> None:
        """Begin as a plain accumulator, ``W_hh = I`` and no biases (Le, Jaitly and Hinton 2015)."""
        with torch.no_grad():
            nn.init.eye_(self.weight_hh)
            self.bias_ih.zero_()
            self.bias_hh.zero_()

    def _histories(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> State:
        return (self._passes(x).rnn_relu(x, state, weights, reset),)


class Gru(Feedback):
    """The gated recurrent unit."""

    gates = 3
    cell = staticmethod(cells.gru)
    loop = staticmethod(torch._VF.gru)  # type: ignore[attr-defined]

    def _histories(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> State:
        return (self._passes(x).gru(x, state, weights, reset),)


class Lstm(Feedback):
    """Long short-term memory."""

    gates = 4
    state_names = ("h", "c")
    cell = staticmethod(cells.lstm)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Uniform in ±1/sqrt(H), and the forget gate open: its bias is 1."""
        super().reset_parameters(generator)
        forget = slice(self.hidden_size, 2 * self.hidden_size)
        with torch.no_grad():
            self.bias_ih[forget] = 1
            self.bias_hh[forget] = 0

    def start_to_remember(self, lag: float) -> None:
        """Let the forget gates begin so that units remember for up to ``lag`` steps (Tallec and Ollivier 2018).

        Forget biases are log(u) with u spread evenly from 1 to ``lag - 1``, input biases their negatives: a unit with
        bias log(u) keeps u/(u+1) of its cell a step. Even, where the paper draws at random, so that nothing is drawn.

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
        """Whether torch's kernel is the faster one, as measured, for ``rows`` = B * T vectors.

        It is not for a few vectors, where it spends its time rearranging the weights, and not for the
        backward pass of wide layers in bfloat16.
        """
        wide = dtype == torch.bfloat16 and self.hidden_size >= _WIDE and torch.is_grad_enabled()
        return rows > 10 and not wide

    def _through(
        self, x: Tensor, state: State, weights: Weights, reset: Tensor | None, lengths: Tensor | None
    ) -> Chunk:
        # On a GPU every step by itself would be a launch; there torch's kernel is always the faster one.
        if not x.is_cuda and not self.fused(x.dtype, x.shape[0] * x.shape[1]):
            return super()._through(x, state, weights, reset, lengths)
        h, c = state
        cast = Weights(*(weight.to(x.dtype) for weight in weights))
        y, h, c = fused.lstm(x, (h, c), cast, reset=reset, lengths=lengths)
        return y, (h, c)

    def _histories(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> State:
        return self._passes(x).lstm(x, state, weights, reset)


CELLS: dict[str, Callable[..., Recurrent]] = {
    "rnn": Rnn,
    "rnn-relu": ReluRnn,
    "gru": Gru,
    "lstm": Lstm,
    "mingru": MinGru,
    "minlstm": MinLstm,
    "rglru": RgLru,
    "feed-forward": FeedForward,
    "conv": GatedConv,
    "transformer": TransformerLayer,
}
"""Every cell by its name: ``CELLS[name](input_size, hidden_size, weight_drop=0.0, generator=None)``."""
