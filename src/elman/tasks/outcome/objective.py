"""Outcomes as the training loop sees them: rows in any order, or pieces of a history with
states."""

from collections.abc import Generator
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from elman.data.cursor import Cursor
from elman.metrics.calibration import log_loss, softmax
from elman.models.outcome import OutcomeNetwork
from elman.models.outcome_batch import OutcomeBatch
from elman.models.outcome_config import OutcomeConfig
from elman.tasks.outcome.data import OutcomeData
from elman.tasks.outcome.logits import with_levels
from elman.tasks.outcome.plan import OutcomePlan
from elman.tasks.outcome.recipe import MOST_EPOCHS
from elman.training.example_objective import ExampleObjective
from elman.training.objective import Arrays, Batch, State, Validation
from elman.training.processes import ALONE, Processes

_VALID_ROWS = 4096


class RowObjective(ExampleObjective):
    """The objective of independent rows."""

    plan: OutcomePlan
    most_epochs = MOST_EPOCHS
    higher_is_better = False

    def __init__(self, config: OutcomeConfig, plan: OutcomePlan, *, data: OutcomeData, start: Arrays | None) -> None:
        self.config, self.data = config, data
        rows = data.parts["train"]
        self.rows = rows[data.targets[rows] >= 0]
        super().__init__(plan, np.ones(len(self.rows), np.int64), start)

    def new_network(self) -> OutcomeNetwork:
        return OutcomeNetwork(self.config, self.data.sizes, drop=self.plan.dropout, unknown=self.plan.unknown)

    def examples(self, rows: NDArray[np.int64]) -> OutcomeBatch:
        return self.data.batch(self.rows[rows])

    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """The log loss of the validation part in nats."""
        assert isinstance(network, OutcomeNetwork)
        rows = self.data.parts["valid"]
        logits = yield from self.logits(network, rows, processes)
        return nats_of(logits, self.data.targets[rows])

    def logits(
        self, network: OutcomeNetwork, rows: NDArray[np.int64], processes: Processes = ALONE
    ) -> Generator[float, None, NDArray[np.float32]]:
        """The logits ``[N, K]`` of rows, by processes that make the same call; yields the share
        that is done."""

        def logits_of(some: NDArray[np.int64]) -> NDArray[np.float32]:
            return network.run(self.data.batch(some), ())[0].float().cpu().numpy()

        batches = [rows[start : start + _VALID_ROWS] for start in range(0, len(rows), _VALID_ROWS)]
        nothing = np.zeros((0, self.data.sizes.outcomes), np.float32)
        return np.concatenate([nothing, *(yield from processes.each(logits_of, batches))])

    def describe_validation(self, figure: float) -> Validation:
        return Validation({"valid_nats": figure}, f"log loss {figure:.4f}", f"{figure:.4f}")


class HistoryObjective(RowObjective):
    """The objective of rows that update states: pieces of the history in the order of time.

    A piece never ends between rows of one time. Gradients end where a piece begins (truncated
    backpropagation through time); states go on, and are zero again when the history begins anew.
    """

    def initial_state(self, network: nn.Module) -> State:
        assert isinstance(network, OutcomeNetwork)
        return network.initial_state(len(self.data.gaps[1].names))

    @cached_property
    def pieces(self) -> list[OutcomeBatch]:
        """The training part in pieces."""
        return self._pieces(self.data.parts["train"])

    def _pieces(self, rows: NDArray[np.int64]) -> list[OutcomeBatch]:
        times = np.array(self.data.times)[rows]
        found, start = [], 0
        while start < len(rows):
            stop = min(start + self.plan.batch, len(rows))
            while stop < len(rows) and times[stop] == times[stop - 1]:
                stop += 1
            some = rows[start:stop]
            found.append(with_levels(self.data, some)._replace(fresh=not some[0]))
            start = stop
        return found

    def batch(self, cursor: Cursor, update: int) -> Batch:
        last = cursor.offset + 1 == len(self.pieces)
        after = Cursor(cursor.epoch + 1, 0) if last else Cursor(cursor.epoch, cursor.offset + 1)
        return Batch(self.pieces[cursor.offset], after)

    def is_valid_cursor(self, cursor: Cursor) -> bool:
        return 0 <= cursor.offset < len(self.pieces)

    @property
    def updates_per_epoch(self) -> float:
        return len(self.pieces)

    def logits(
        self, network: OutcomeNetwork, rows: NDArray[np.int64], processes: Processes = ALONE
    ) -> Generator[float, None, NDArray[np.float32]]:
        """The logits of rows, the states of which follow from all rows before."""
        before = np.arange(rows[0]) if len(rows) else rows
        state = network.initial_state(len(self.data.gaps[1].names))
        pieces = [*self._before(before), *self._pieces(rows)]
        found: list[NDArray[np.float32]] = []
        for number, piece in enumerate(pieces, 1):
            with torch.no_grad():
                logits, state = network.run(piece, state)
            found.append(logits.float().cpu().numpy())
            yield number / len(pieces)
        return np.concatenate(found)[len(before) :]

    def _before(self, rows: NDArray[np.int64]) -> list[OutcomeBatch]:
        return self.pieces if len(rows) == len(self.data.parts["train"]) else self._pieces(rows)


def nats_of(logits: NDArray[Any], targets: NDArray[np.int64]) -> float:
    """The log loss of rows whose outcome is known."""
    known = targets >= 0
    return log_loss(targets[known], softmax(logits[known])) if known.any() else 0.0
