"""Texts that a network writes as the training loop sees them: buckets of examples, and the loss on
the validation part."""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from elman.data.cursor import Cursor
from elman.data.padding import by_length
from elman.models.decoder import DecoderDrops, DecoderNetwork
from elman.tasks.decoder_plan import DecoderPlan
from elman.training.example_objective import ExampleObjective
from elman.training.objective import Arrays, Batch, Validation
from elman.training.processes import ALONE, Processes

if TYPE_CHECKING:
    from elman.tasks.decoder_job import DecoderJob

_VALID_ROWS = 128


class DrawnExamples(Protocol):
    """Training examples that are drawn anew each time."""

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        """Some of the examples, by their numbers."""
        ...


class DecoderObjective(ExampleObjective):
    """The objective of a network with a decoder.

    Args:
        drawn: the training examples, where they are drawn anew each time.
    """

    plan: DecoderPlan
    unit = "tokens"
    higher_is_better = False

    def __init__(
        self, job: "DecoderJob", plan: DecoderPlan, *, drawn: DrawnExamples | None, start: Arrays | None
    ) -> None:
        super().__init__(plan, job.train.lengths, start)
        self.job, self.most_epochs = job, float(job.most_epochs)
        self._drawn, self._update = drawn, 0

    def new_network(self) -> DecoderNetwork:
        plan = self.plan
        return self.job.make_network(
            DecoderDrops(
                **plan.drops,
                output=plan.output_dropout,
                smoothing=plan.label_smoothing,
                sampling=plan.scheduled_sampling,
            )
        )

    def batch(self, cursor: Cursor, update: int) -> Batch:
        self._update = update
        return super().batch(cursor, update)

    def examples(self, rows: NDArray[np.int64]) -> Any:
        if self._drawn is None:
            return self.job.train.batch(rows)
        return self._drawn.batch(rows, np.random.default_rng([self.plan.seed, self._update]))

    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """Mean nats per token of the validation part, without label smoothing."""
        assert isinstance(network, DecoderNetwork)

        def sums(some: NDArray[np.int64]) -> NDArray[np.float64]:
            loss = network.loss(self.job.valid.batch(some), ())
            return np.array([float(loss.total), loss.count])

        found = yield from processes.each(sums, by_length(self.job.valid.lengths, _VALID_ROWS))
        total, count = np.sum(found, axis=0)
        return float(total / count)

    def describe_validation(self, figure: float) -> Validation:
        return Validation({"valid_nats": figure}, f"{figure:.4f} nats per token", f"{figure:.3f} nats")
