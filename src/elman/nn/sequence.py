"""The cells over whole chunks, B x T, fast; and the registry of all cells.

Every recurrence offers the same three calls:

    initial_state(batch) -> state
    step(x[B, D], state) -> (y[B, H], state)
    forward(x[B, T, D], state, reset=None, lengths=None, masks=None) -> (y[B, T, H], state)

``reset[B, T]`` (bool) marks document starts: before that step the state is the initial one. With
``lengths[B]`` the state returned is the one after each row's last real step (length 0 keeps the given
state), and outputs at padding are zero whatever stands there. The state is a value: passed in, returned,
never kept.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from elman.errors import UsageError
from elman.nn import bptt, cells, dropout, fused
from elman.nn.cells import Cell, State, Weights
from elman.nn.dropout import Masks

Chunk = tuple[Tensor, State]
"""Outputs ``[.., .., H]`` and the state after them."""


class Recurrence(Protocol):
    """What a cell's layer and a stack of them have in common."""

    def initial_state(self, batch: int) -> State: ...

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]: ...


class Recurrent(nn.Module, ABC):
    """One recurrent layer.

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
    state_names: ClassVar[tuple[str, ...]] = ("h",)
    """One name per state tensor; the first is also the output."""
    cell: ClassVar[Cell]
    """The reference step."""

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
        super().__init__()
        if min(input_size, hidden_size) < 1:
            raise UsageError(f"layer of {input_size} inputs and {hidden_size} units; both must be at least 1")
        self.input_size = input_size
        self.hidden_size = hidden_size
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

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"

    def initial_state(self, batch: int) -> State:
        """The state of B fresh rows: zeros."""
        return tuple(self.weight_hh.new_zeros(batch, self.hidden_size) for _ in self.state_names)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One step by the reference cell."""
        weights = Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        state = type(self).cell(x, state, weights)
        return state[0], state

    def forward(
        self,
        x: Tensor,
        state: State,
        reset: Tensor | None = None,
        lengths: Tensor | None = None,
        masks: Masks | None = None,
    ) -> Chunk:
        """All T steps at once; under autocast the products run in its type, and the state keeps its own."""
        if x.shape[1] == 0:
            return x.new_zeros(*x.shape[:2], self.hidden_size), state
        weight_hh = dropout.drop_weights(self.weight_hh, self.weight_drop, masks)
        weights = Weights(self.weight_ih, weight_hh, self.bias_ih, self.bias_hh)
        device = x.device.type
        low = torch.is_autocast_enabled(device)
        x = x.to(torch.get_autocast_dtype(device) if low else self.weight_hh.dtype)
        # Time comes first inside; a chunk that comes from another layer lies so already and is not copied.
        inputs = x.transpose(0, 1)
        starts = reset.T if reset is not None and bool(reset.any()) else None
        if lengths is not None and bool((lengths >= x.shape[1]).all()):
            lengths = None
        with torch.autocast(device, enabled=False):
            outputs, after = self._run(inputs, state, weights, starts, lengths)
        after = tuple(new.to(old.dtype) for new, old in zip(after, state, strict=True))
        return outputs.transpose(0, 1), after

    def _run(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None, lengths: Tensor | None) -> Chunk:
        """The chunk with time first, ``x[T, B, D]``; here by hand-written backpropagation."""
        if lengths is None:
            histories = self._histories(x.contiguous(), state, weights, reset)
            return histories[0], tuple(history[-1] for history in histories)
        padding = (torch.arange(len(x), device=x.device).unsqueeze(1) >= lengths).unsqueeze(-1)
        histories = self._histories(x.masked_fill(padding, 0), state, weights, reset)
        last, rows = (lengths - 1).clamp(min=0), torch.arange(x.shape[1], device=x.device)
        empty = (lengths == 0).unsqueeze(1)
        after = (torch.where(empty, old, new[last, rows]) for old, new in zip(state, histories, strict=True))
        return histories[0].masked_fill(padding, 0), tuple(after)

    @abstractmethod
    def _histories(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> State:
        """Each state tensor after every step, ``[T, B, H]``."""


class Rnn(Recurrent):
    """Elman's network with tanh."""

    cell = staticmethod(cells.rnn)

    def _histories(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> State:
        return (bptt.rnn(x, state, weights, reset),)


class ReluRnn(Recurrent):
    """Elman's network with max(0, .)."""

    cell = staticmethod(cells.rnn_relu)

    def start_from_identity(self) -> None:
        """Begin as a plain accumulator, ``W_hh = I`` and no biases (Le, Jaitly and Hinton 2015)."""
        with torch.no_grad():
            nn.init.eye_(self.weight_hh)
            self.bias_ih.zero_()
            self.bias_hh.zero_()

    def _histories(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> State:
        return (bptt.rnn_relu(x, state, weights, reset),)


class Gru(Recurrent):
    """The gated recurrent unit."""

    gates = 3
    cell = staticmethod(cells.gru)

    def _histories(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> State:
        return (bptt.gru(x, state, weights, reset),)


class Lstm(Recurrent):
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

    def fused(self, dtype: torch.dtype, rows: int) -> bool:
        """Whether torch's kernel is the faster one, as measured, for ``rows`` = B * T vectors.

        It is not for a few vectors, where it spends its time rearranging the weights, and not for the
        backward pass of wide layers in bfloat16.
        """
        return rows > 10 and (dtype != torch.bfloat16 or self.hidden_size < 900)

    def _run(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None, lengths: Tensor | None) -> Chunk:
        if not self.fused(x.dtype, x.shape[0] * x.shape[1]):
            return super()._run(x, state, weights, reset, lengths)
        h, c = state
        cast = Weights(*(weight.to(x.dtype) for weight in weights))
        y, h, c = fused.lstm(x, (h, c), cast, reset=reset, lengths=lengths)
        return y, (h, c)

    def _histories(self, x: Tensor, state: State, weights: Weights, reset: Tensor | None) -> State:
        return bptt.lstm(x, state, weights, reset)


CELLS: dict[str, Callable[..., Recurrent]] = {
    "rnn": Rnn,
    "rnn-relu": ReluRnn,
    "gru": Gru,
    "lstm": Lstm,
}
"""Every cell by its name: ``CELLS[name](input_size, hidden_size, weight_drop=0.0, generator=None)``."""


def unroll(
    layer: Recurrence, x: Tensor, state: State, reset: Tensor | None = None, lengths: Tensor | None = None
) -> Chunk:
    """What ``layer.forward`` means, step by step: the slow twin of every recurrence and stack."""
    outputs = []
    for t, row in enumerate(x.unbind(dim=1)):
        before = state
        if reset is not None:
            fresh = layer.initial_state(len(x))
            before = tuple(torch.where(reset[:, t, None], new, old) for new, old in zip(fresh, state, strict=True))
        if lengths is None:
            y, state = layer.step(row, before)
        else:
            real = (t < lengths).unsqueeze(1)
            # NaN in padding would come back through the gradient of torch.where; it must not enter at all.
            y, after = layer.step(row.where(real, 0), before)
            state = tuple(torch.where(real, new, old) for new, old in zip(after, state, strict=True))
            y = y.where(real, 0)
        outputs.append(y)
    return torch.stack(outputs, dim=1), state
