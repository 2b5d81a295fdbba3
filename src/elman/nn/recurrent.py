"""The interface of every recurrence over B x T, and its step-by-step reference.

    initial_state(batch) -> state
    step(x[B, D], state) -> (y[B, H], state)
    forward(x[B, T, D], state, reset=None, lengths=None, masks=None) -> (y[B, T, H], state)

``reset[B, T]`` (bool) marks document starts: before that step the state is the initial one. With
``lengths[B]`` the state returned is the one after each row's last real step (length 0 keeps the
given state), and outputs at padding are zero, whatever the inputs. The state is a value: passed in,
returned, never stored.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.cells.cell import Cell, Sizes, Weights
from elman.errors import UsageError
from elman.nn.dropout import Masks

State = tuple[Tensor, ...]
"""The tensors of a state in the order of the cell's ``state``, ``[B, size]`` each."""
Chunk = tuple[Tensor, State]
"""Outputs ``[.., .., H]`` and the state after them."""


class Recurrent(nn.Module, ABC):
    """One layer of a registered cell, which declares its parameters, state and step."""

    cell: Cell
    """The registered cell."""

    def __init__(
        self, input_size: int, hidden_size: int, *, generator: torch.Generator | None = None, **sizes: Any
    ) -> None:
        """``generator`` draws the initial weights; ``sizes`` are further fields of
        ``elman.cells.cell.Sizes``.

        Raises:
            UsageError: a size below 1.
        """
        super().__init__()
        if min(input_size, hidden_size) < 1:
            raise UsageError(f"layer of {input_size} inputs and {hidden_size} units; both must be at least 1")
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.sizes = Sizes(inputs=input_size, hidden=hidden_size, **sizes)
        for name, shape in self.cell.weights(self.sizes).items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape)))
        self.reset_parameters(generator)

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Matrices uniform with variance 1 / columns, vectors at zero."""
        for parameter in self.parameters(recurse=False):
            if parameter.ndim == 2:
                spread(parameter, parameter.shape[1], generator)
            else:
                nn.init.zeros_(parameter)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"

    @property
    def state_names(self) -> tuple[str, ...]:
        """One name per state tensor."""
        return tuple(self.cell.state(self.sizes))

    def initial_state(self, batch: int) -> State:
        """The state of B fresh rows: zeros."""
        like = next(self.parameters())
        return tuple(like.new_zeros(batch, size) for size in self.cell.state(self.sizes).values())

    def weights(self) -> dict[str, Tensor]:
        """The layer's own weights by name, as the cell declares them."""
        return dict(self.named_parameters(recurse=False))

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One step by the cell's equations, nothing dropped: ``x[B, D]`` to ``[B, H]``."""
        return self.cell.step(x, state, Weights(self.weights(), self.sizes))

    def forward(
        self,
        x: Tensor,
        state: State,
        reset: Tensor | None = None,
        lengths: Tensor | None = None,
        masks: Masks | None = None,
    ) -> Chunk:
        """All T steps at once; under autocast products use its type, and the state keeps its
        own.
        """
        if x.shape[1] == 0:
            return x.new_zeros(*x.shape[:2], self.hidden_size), state
        device = x.device.type
        low = torch.is_autocast_enabled(device)
        x = x.to(torch.get_autocast_dtype(device) if low else next(self.parameters()).dtype)
        # Time comes first inside. A chunk from another layer is stored so already and is not
        # copied.
        inputs = x.transpose(0, 1)
        starts = reset.T if reset is not None and bool(reset.any()) else None
        if lengths is not None and bool((lengths >= x.shape[1]).all()):
            lengths = None
        with torch.autocast(device, enabled=False) if low else nullcontext():
            outputs, after = self._run(inputs, state, starts, lengths, masks)
        after = tuple(new.to(old.dtype) for new, old in zip(after, state, strict=True))
        return outputs.transpose(0, 1), after

    @abstractmethod
    def _run(self, x: Tensor, state: State, reset: Tensor | None, lengths: Tensor | None, masks: Masks | None) -> Chunk:
        """The chunk with time first, ``x[T, B, D]`` and ``reset[T, B]``; autocast is off."""


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``weight x + bias`` in the type of x."""
    return F.linear(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype))


def spread(weight: Tensor, inputs: int, generator: torch.Generator | None) -> None:
    """Draw weights that keep the size of their ``inputs``: uniform, of variance 1 / inputs."""
    bound = math.sqrt(3 / inputs)
    nn.init.uniform_(weight, -bound, bound, generator=generator)


def padding_of(x: Tensor, lengths: Tensor) -> Tensor:
    """Which steps of ``x[T, B, ..]`` are padding: bool, ``[T, B, 1]``."""
    return (torch.arange(len(x), device=x.device).unsqueeze(1) >= lengths).unsqueeze(-1)


def unroll(
    step: Callable[[Tensor, State], tuple[Tensor, State]],
    x: Tensor,
    state: State,
    *,
    reset: Tensor | None = None,
    lengths: Tensor | None = None,
) -> Chunk:
    """The reference of a layer's and a stack's ``forward``, step by step; time first,
    ``x[T, B, D]`` and ``reset[T, B]``.
    """
    outputs = []
    for t, row in enumerate(x.unbind()):
        before = state
        if reset is not None:
            before = tuple(part.masked_fill(reset[t].unsqueeze(1), 0) for part in state)
        if lengths is None:
            y, state = step(row, before)
        else:
            real = (t < lengths).unsqueeze(1)
            # NaN in padding would return through the gradient of torch.where, so it must not enter.
            y, after = step(row.where(real, 0), before)
            state = tuple(torch.where(real, new, old) for new, old in zip(after, state, strict=True))
            y = y.where(real, 0)
        outputs.append(y)
    return torch.stack(outputs), state
