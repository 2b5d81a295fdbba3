"""Penalties on the top layer's outputs that training adds to the loss: for their size, and for how
fast they change.

Both are means of squares over all outputs (Merity, McCann and Socher 2017, "Revisiting activation
regularization for language RNNs": AR with weight alpha, TAR with weight beta).
"""

import dataclasses

import torch
from torch import Tensor

from elman.nn.loss import Mean


@dataclasses.dataclass(frozen=True)
class Penalties:
    """Weights of the penalties; 0 leaves one out.

    >>> outputs = torch.tensor([[[1.0], [3.0]]])
    >>> penalties = Penalties(activation=2.0, temporal=1.0)
    >>> penalties.of(outputs, raw=outputs, reset=None)  # means 2 * (1 + 9) / 2 and (3 - 1)^2
    (Mean(total=tensor(20.), count=2), Mean(total=tensor(4.), count=1.0))
    """

    activation: float = 0.0
    """Weight of the squared outputs after dropout (AR)."""
    temporal: float = 0.0
    """Weight of the squared differences of successive outputs before dropout (TAR)."""

    def of(self, dropped: Tensor, *, raw: Tensor, reset: Tensor | None) -> tuple[Mean, ...]:
        """The penalties added to the mean nats per token, each a mean; none if both weights are 0.

        ``dropped`` and ``raw`` are ``[B, T, H]``, after and before dropout. Differences across
        document starts (``reset[B, T]``) are left out, since the state is reset there.
        """
        found = []
        if self.activation:
            found.append(Mean(self.activation * _exact(dropped).square().sum(), dropped.numel()))
        if self.temporal:
            total, count = _changes(_exact(raw), reset)
            found.append(Mean(self.temporal * total, count))
        return tuple(found)


def _changes(raw: Tensor, reset: Tensor | None) -> Mean:
    squares = (raw[:, 1:] - raw[:, :-1]).square().mean(dim=2)
    kept = torch.ones_like(squares) if reset is None else (~reset[:, 1:]).to(squares)
    return Mean((squares * kept).sum(), float(kept.sum()))


def _exact(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
