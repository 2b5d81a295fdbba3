"""A recurrence in each direction, for encoders. It reads the future, so it has no step()."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import Function

from elman.nn.sequence import make_layer


class Bidirectional(nn.Module):
    """Concatenated outputs of both directions over each row's real steps.

    >>> encoder = Bidirectional(cell="gru", input_size=3, hidden_size=4)
    >>> y, final = encoder(torch.randn(2, 5, 3), torch.tensor([5, 2]))
    >>> tuple(y.shape), tuple(final.shape)
    ((2, 5, 8), (2, 8))
    """

    def __init__(
        self, *, cell: str, input_size: int, hidden_size: int, generator: torch.Generator | None = None
    ) -> None:
        """Raises:
        UsageError: an unknown cell.
        """
        super().__init__()
        self.forwards = make_layer(cell, input_size, hidden_size, generator=generator)
        self.backwards = make_layer(cell, input_size, hidden_size, generator=generator)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """``x[B, T, D]`` to outputs ``[B, T, 2H]``, zero at padding, and the last of both,
        ``[B, 2H]``.

        The first H units read from the left up to each step, the last H from the right.
        """
        batch = len(x)
        y_forwards, after_forwards = self.forwards(x, self.forwards.initial_state(batch), lengths=lengths)
        y_backwards, after_backwards = self.backwards(
            mirrored(x, lengths), self.backwards.initial_state(batch), lengths=lengths
        )
        y = torch.cat([y_forwards, mirrored(y_backwards, lengths)], dim=-1)
        return y, torch.cat([after_forwards[0], after_backwards[0]], dim=-1)


def mirrored(x: Tensor, lengths: Tensor) -> Tensor:
    """Each row's real steps of ``x[B, T, D]`` in reverse order; padding stays where it is.

    >>> x = torch.tensor([[1.0, 2, 3], [4, 5, 0]]).unsqueeze(-1)
    >>> mirrored(x, torch.tensor([3, 2])).squeeze(-1).tolist()
    [[3.0, 2.0, 1.0], [5.0, 4.0, 0.0]]
    """
    time = torch.arange(x.shape[1], device=x.device).unsqueeze(1)
    order = (lengths - 1 - time).where(time < lengths, time)
    return _Mirrored.apply(x, order)


class _Mirrored(Function):
    """A mirror with time first in memory, as the recurrences need it.

    It is its own inverse, so it is its own gradient too.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Tensor) -> Tensor:
        ctx.order = order
        rows = torch.arange(len(x), device=x.device)
        return x.transpose(0, 1)[order, rows].transpose(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return _Mirrored.apply(gradients[0], ctx.order), None
