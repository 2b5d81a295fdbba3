"""Objective: what a task gives the training loop."""

import dataclasses
from collections.abc import Generator
from typing import Any, NamedTuple, Protocol, runtime_checkable

from numpy.typing import NDArray
from torch import Tensor, nn

from elman.data.cursor import Cursor
from elman.data.part import Part
from elman.nn.dropout import Masks
from elman.nn.loss import Loss
from elman.training.processes import ALONE, Processes

State = tuple[Tensor, ...]
"""What is carried from one batch to the next; empty if batches do not follow each other."""
Arrays = dict[str, NDArray[Any]]


@runtime_checkable
class Divisible(Protocol):
    """Data of a batch whose rows several processes can share."""

    @property
    def rows(self) -> int:
        """How many there are."""
        ...

    def part(self, part: Part) -> Any:
        """Some of the rows, padded as all of them."""
        ...


class Batch(NamedTuple):
    """What one update learns from."""

    data: Any
    """The argument of ``TrainableNetwork.loss``; ``Divisible`` if several processes can share it.
    Of other data each trains on all."""
    cursor: Cursor
    """Where the next batch begins."""
    share: float = 1.0
    """Factor of the learning rate: smaller for a batch that is shorter than the others.
    """


@dataclasses.dataclass(frozen=True)
class Validation:
    """A validation figure, as the log and the screen show it."""

    log: dict[str, float]
    """Entries of the training log; ``valid_nats`` is the loss that is drawn next to the training
    loss."""
    words: str
    """For example ``1.9342 bits per byte, perplexity 83.20``."""
    short: str
    """For the progress line and the learning curve."""


class TrainableNetwork(Protocol):
    """What the loop needs of a network besides being an ``nn.Module``."""

    def loss(self, data: Any, state: State, masks: Masks | None = None) -> Loss:
        """The loss of a batch; dropout and penalties only with ``masks``."""
        ...

    def to_arrays(self) -> Arrays:
        """Copies of all weights by name."""
        ...


class Objective(Protocol):
    """A network, its batches, and the figure that says which weights are best.

    Everything random follows from the plan's seed and the update, so that a resumed run repeats it.
    """

    unit: str
    """What ``Loss.count`` counts, for rates: ``tokens``, ``examples``."""
    higher_is_better: bool
    """The direction of the validation figure."""
    most_epochs: float
    """How often the data may be read if minutes set the length of training; more would only
    overfit.
    """

    def make_network(self) -> nn.Module:
        """The network with its first weights; it also is a ``TrainableNetwork``."""
        ...

    def initial_state(self, network: nn.Module) -> State:
        """The state before the first batch."""
        ...

    def batch(self, cursor: Cursor, update: int) -> Batch:
        """The batch of an update."""
        ...

    def is_valid_cursor(self, cursor: Cursor) -> bool:
        """Whether a checkpoint's cursor lies inside the data."""
        ...

    def epochs_at(self, cursor: Cursor) -> float:
        """How often the data has been read."""
        ...

    @property
    def updates_per_epoch(self) -> float:
        """Updates that read all the data once."""
        ...

    def describe_cursor(self, cursor: Cursor) -> str:
        """For error messages: ``batch at epoch 1, token 70 of each row``."""
        ...

    def rate_factor(self, name: str) -> float:
        """Factor of the learning rate of a weight, by its name."""
        ...

    def is_frozen(self, name: str, update: int) -> bool:
        """Whether a weight stays as it is in this update."""
        ...

    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """Compute the validation figure, the same in all processes, which may share the work.

        Yields the share that is done, so that it can be timed. Until it has yielded 1 it must not
        exchange anything with the other processes: they may not have begun the same call.
        """
        ...

    def describe_validation(self, figure: float) -> Validation:
        """A figure in words."""
        ...


class Observer(Protocol):
    """Looks at the network after each validation and changes nothing."""

    def begin(self, update: int) -> None:
        """The run starts or resumes after this many updates; later records are void."""
        ...

    def note(self, network: nn.Module, update: int) -> None:
        """Look at the network after this many updates."""
        ...

    def explosion(self, network: nn.Module) -> str:
        """What to add to the message about a non-finite number; may be empty."""
        ...
