"""Loss: what a network gives the training loop for one batch."""

from typing import NamedTuple

from torch import Tensor


class Loss(NamedTuple):
    """A sum and what it was summed over; divide once, later."""

    total: Tensor
    """Nats (or squared errors), fp32."""
    count: float
    """Tokens or examples; of weighted ones, their weights."""
    state: tuple[Tensor, ...] = ()
    """What is carried to the next batch."""
    penalty: Tensor | None = None
    """What training adds to the mean."""
