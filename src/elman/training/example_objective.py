"""ExampleObjective: what tasks of labelled examples have in common as the training loop sees
them."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from elman.data.cursor import Cursor
from elman.data.padding import buckets
from elman.training.objective import Arrays, Batch, State, Validation
from elman.training.plan import Plan
from elman.training.processes import ALONE, Processes


class ExampleObjective(ABC):
    """An ``Objective`` of examples in buckets of similar length; no state is carried.

    A task adds the network, its batches and its validation figure.

    Args:
        lengths: of the training examples ``[N]``, in steps of the network.
        start: the first weights; None: random ones.
    """

    unit = "examples"
    higher_is_better = True
    most_epochs = 30.0

    def __init__(self, plan: Plan, lengths: NDArray[np.int64], start: Arrays | None = None) -> None:
        self.plan = plan
        self._lengths, self._start = lengths, start
        self._epoch = lru_cache(maxsize=2)(self._buckets)

    @abstractmethod
    def new_network(self) -> Any:
        """The network with random weights."""

    def make_network(self) -> nn.Module:
        network = self.new_network()
        if self._start is not None:
            network.load_arrays(self._start)
        return network

    @abstractmethod
    def examples(self, rows: NDArray[np.int64]) -> Any:
        """The training examples of the given numbers, as ``Network.loss`` takes them."""

    @abstractmethod
    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """Compute the validation figure; yields the share that is done."""

    @abstractmethod
    def describe_validation(self, figure: float) -> Validation:
        """A figure in words."""

    def initial_state(self, network: nn.Module) -> State:
        return ()

    def batch(self, cursor: Cursor, update: int) -> Batch:
        epoch = self._epoch(cursor.epoch)
        last = cursor.offset + 1 == len(epoch)
        after = Cursor(cursor.epoch + 1, 0) if last else Cursor(cursor.epoch, cursor.offset + 1)
        return Batch(self.examples(epoch[cursor.offset]), after)

    def is_valid_cursor(self, cursor: Cursor) -> bool:
        return cursor.offset < len(self._epoch(cursor.epoch))

    def epochs_at(self, cursor: Cursor) -> float:
        return cursor.epoch + cursor.offset / self.updates_per_epoch

    @property
    def updates_per_epoch(self) -> float:
        return len(self._epoch(0))

    def describe_cursor(self, cursor: Cursor) -> str:
        return f"batch {cursor.offset + 1} of epoch {cursor.epoch + 1}"

    def rate_factor(self, name: str) -> float:
        return 1.0

    def is_frozen(self, name: str, update: int) -> bool:
        return False

    def _buckets(self, epoch: int) -> list[NDArray[np.int64]]:
        return buckets(self._lengths, batch=self.plan.batch, seed=self.plan.seed, epoch=epoch)
