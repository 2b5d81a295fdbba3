"""Penalties on the top layer's outputs that training adds to the loss: for their size, and for how
fast they change.

Both are means of squares over all outputs (Merity, McCann and Socher 2017, "Revisiting activation
regularization for language RNNs": AR with weight alpha, TAR with weight beta).
"""

import dataclasses

import torch
from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Penalties:
    """Weights of the penalties; 0 leaves one out.

    >>> outputs = torch.tensor([[[1.0], [3.0]]])
    >>> penalties = Penalties(activation=2.0, temporal=1.0)
    >>> penalties.of(outputs, raw=outputs, reset=None)  # 2 * (1 + 9) / 2 + (3 - 1)^2
    tensor(14.)
    """

    activation: float = 0.0
    """Weight of the squared outputs after dropout (AR)."""
    temporal: float = 0.0
    """Weight of the squared differences of successive outputs before dropout (TAR)."""

    def of(self, dropped: Tensor, *, raw: Tensor, reset: Tensor | None) -> Tensor | None:
        """The penalty added to the mean nats per token, a scalar; None if both weights are 0.

        ``dropped`` and ``raw`` are ``[B, T, H]``, after and before dropout. Differences across
        document starts (``reset[B, T]``) are left out, since the state is reset there.
        """
        total = None
        if self.activation:
            total = self.activation * _exact(dropped).square().mean()
        if self.temporal:
            slow = self.temporal * _changes(_exact(raw), reset)
            total = slow if total is None else total + slow
        return total


def _changes(raw: Tensor, reset: Tensor | None) -> Tensor:
    squares = (raw[:, 1:] - raw[:, :-1]).square().mean(dim=2)
    kept = torch.ones_like(squares) if reset is None else (~reset[:, 1:]).to(squares)
    return (squares * kept).sum() / kept.sum().clamp(min=1)


def _exact(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
