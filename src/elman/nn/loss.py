"""Loss: the result of a network for one batch of training."""

from typing import NamedTuple

from torch import Tensor


class Loss(NamedTuple):
    """A sum and its count; divide once, later."""

    total: Tensor
    """Nats (or squared errors), fp32."""
    count: float
    """Tokens or examples; of weighted ones, their weights."""
    state: tuple[Tensor, ...] = ()
    """The state for the next batch."""
    penalty: Tensor | None = None
    """Penalty added to the mean in training."""
