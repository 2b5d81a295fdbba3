"""Loss: the result of a network for one batch of training."""

from typing import NamedTuple

from torch import Tensor


class Mean(NamedTuple):
    """A sum and its count; divide once, later."""

    total: Tensor
    count: float


class Loss(NamedTuple):
    """A sum and its count, as ``Mean``, and what goes with them."""

    total: Tensor
    """Nats (or squared errors), fp32."""
    count: float
    """Tokens or examples; of weighted ones, their weights."""
    state: tuple[Tensor, ...] = ()
    """The state for the next batch."""
    penalties: tuple[Mean, ...] = ()
    """Penalties added to the mean in training."""

    @property
    def means(self) -> tuple[Mean, ...]:
        """All that is added up, the loss first."""
        return (Mean(self.total, self.count), *self.penalties)
