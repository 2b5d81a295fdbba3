"""What every recurrence over B x T offers, and what that means step by step.

    initial_state(batch) -> state
    step(x[B, D], state) -> (y[B, H], state)
    forward(x[B, T, D], state, reset=None, lengths=None, masks=None) -> (y[B, T, H], state)

``reset[B, T]`` (bool) marks document starts: before that step the state is the initial one. With
``lengths[B]`` the state returned is the one after each row's last real step (length 0 keeps the given
state), and outputs at padding are zero whatever stands there. The state is a value: passed in, returned,
never kept.
"""

from abc import ABC, abstractmethod
from contextlib import nullcontext
from typing import ClassVar, Protocol

import torch
from torch import Tensor, nn

from elman.errors import UsageError
from elman.nn.cells import State
from elman.nn.dropout import Masks

Chunk = tuple[Tensor, State]
"""Outputs ``[.., .., H]`` and the state after them."""


class Recurrence(Protocol):
    """What a cell's layer and a stack of them have in common."""

    def initial_state(self, batch: int) -> State: ...

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]: ...


class Recurrent(nn.Module, ABC):
    """One recurrent layer; what all cells share."""

    state_names: ClassVar[tuple[str, ...]] = ("h",)
    """One name per state tensor."""
    weight_ih: nn.Parameter
    """From the input, ``[.., D]``; every cell has it."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        """Raises:
        UsageError: a size below 1.
        """
        super().__init__()
        if min(input_size, hidden_size) < 1:
            raise UsageError(f"layer of {input_size} inputs and {hidden_size} units; both must be at least 1")
        self.input_size = input_size
        self.hidden_size = hidden_size

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}"

    def initial_state(self, batch: int) -> State:
        """The state of B fresh rows: zeros."""
        return tuple(self.weight_ih.new_zeros(batch, self.hidden_size) for _ in self.state_names)

    @abstractmethod
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One step by the reference equations, nothing dropped: ``x[B, D]`` to ``[B, H]``."""

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
        device = x.device.type
        low = torch.is_autocast_enabled(device)
        x = x.to(torch.get_autocast_dtype(device) if low else self.weight_ih.dtype)
        # Time comes first inside; a chunk that comes from another layer lies so already and is not copied.
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
        """The chunk with time first, ``x[T, B, D]`` and ``reset[T, B]``, nothing under autocast any more."""


def padding_of(x: Tensor, lengths: Tensor) -> Tensor:
    """Which steps of ``x[T, B, ..]`` are padding: bool, ``[T, B, 1]``."""
    return (torch.arange(len(x), device=x.device).unsqueeze(1) >= lengths).unsqueeze(-1)


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
