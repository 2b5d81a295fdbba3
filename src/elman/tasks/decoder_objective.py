"""DecoderObjective: what the training of translators and captioners has in common."""

from abc import abstractmethod
from collections.abc import Generator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from elman.data.padding import by_length
from elman.models.decoder import DecoderDrops, DecoderNetwork
from elman.tasks.decoder_plan import DecoderPlan
from elman.training.example_objective import ExampleObjective
from elman.training.objective import Arrays, Validation
from elman.training.processes import ALONE, Processes

_VALID_ROWS = 128


class EncodedExamples(Protocol):
    """Sources with their targets, as the network reads them."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Steps of each example ``[N]``."""
        ...

    def batch(self, rows: NDArray[np.int64]) -> Any:
        """Some of the examples, by their numbers."""
        ...


class DecoderObjective(ExampleObjective):
    """The objective of a network with a decoder; a subclass makes the network.

    Args:
        start: the first weights.
    """

    plan: DecoderPlan
    unit = "tokens"
    higher_is_better = False

    def __init__(
        self, plan: DecoderPlan, *, train: EncodedExamples, valid: EncodedExamples, start: Arrays | None
    ) -> None:
        super().__init__(plan, train.lengths)
        self.train, self.valid, self._start = train, valid, start

    @abstractmethod
    def network(self, drops: DecoderDrops) -> DecoderNetwork:
        """A network with fresh weights."""

    def make_network(self) -> nn.Module:
        plan = self.plan
        network = self.network(
            DecoderDrops(
                input=plan.input_dropout,
                between=plan.dropout,
                embedding=plan.embedding_dropout,
                weights=plan.weight_drop,
                output=plan.output_dropout,
                smoothing=plan.label_smoothing,
                sampling=plan.scheduled_sampling,
            )
        )
        if self._start is not None:
            network.load_arrays(self._start)
        return network

    def examples(self, rows: NDArray[np.int64]) -> Any:
        return self.train.batch(rows)

    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """Mean nats per token of the validation part, without label smoothing."""
        assert isinstance(network, DecoderNetwork)

        def sums(some: NDArray[np.int64]) -> NDArray[np.float64]:
            loss = network.loss(self.valid.batch(some), ())
            return np.array([float(loss.total), loss.count])

        found = yield from processes.each(sums, by_length(self.valid.lengths, _VALID_ROWS))
        total, count = np.sum(found, axis=0)
        return float(total / count)

    def describe_validation(self, figure: float) -> Validation:
        return Validation({"valid_nats": figure}, f"{figure:.4f} nats per token", f"{figure:.3f} nats")
