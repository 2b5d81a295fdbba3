"""Translation as the training loop sees it: buckets of pairs, and the loss on the validation part."""

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray
from torch import nn

from elman.data.cursor import Cursor
from elman.models.pair_batch import PairBatch
from elman.models.translator import TranslatorDrops, TranslatorNetwork
from elman.models.translator_config import TranslatorConfig, TranslatorSizes
from elman.tasks.translate.data import EncodedPairs, SampledPairs
from elman.tasks.translate.plan import TranslatePlan
from elman.tasks.translate.recipe import MOST_EPOCHS
from elman.training.example_objective import ExampleObjective
from elman.training.objective import Arrays, Batch, Validation

_VALID_ROWS = 128


class TranslateObjective(ExampleObjective):
    """The objective of a translator.

    Args:
        start: the first weights.
        sampled: the training pairs with subwords cut anew each time; None: they are always the same.
    """

    plan: TranslatePlan
    unit = "tokens"
    most_epochs = MOST_EPOCHS
    higher_is_better = False

    def __init__(
        self,
        config: TranslatorConfig,
        plan: TranslatePlan,
        *,
        sizes: TranslatorSizes,
        train: EncodedPairs,
        valid: EncodedPairs,
        start: Arrays | None,
        sampled: SampledPairs | None = None,
    ) -> None:
        super().__init__(plan, train.lengths)
        self.config, self.sizes, self.train, self.valid, self._start = config, sizes, train, valid, start
        self._sampled, self._update = sampled, 0

    def make_network(self) -> nn.Module:
        plan = self.plan
        drops = TranslatorDrops(
            input=plan.input_dropout,
            between=plan.dropout,
            embedding=plan.embedding_dropout,
            weights=plan.weight_drop,
            output=plan.output_dropout,
            smoothing=plan.label_smoothing,
            sampling=plan.scheduled_sampling,
        )
        network = TranslatorNetwork(self.config, self.sizes, drops=drops)
        if self._start is not None:
            network.load_arrays(self._start)
        return network

    def batch(self, cursor: Cursor, update: int) -> Batch:
        self._update = update
        return super().batch(cursor, update)

    def examples(self, rows: NDArray[np.int64]) -> PairBatch:
        if self._sampled is None:
            return self.train.batch(rows)
        return self._sampled.batch(rows, np.random.default_rng([self.plan.seed, self._update]))

    def validate(self, network: nn.Module) -> Generator[float, None, float]:
        """Mean nats per token of the validation part, without label smoothing."""
        assert isinstance(network, TranslatorNetwork)
        order, total, count = np.argsort(self.valid.lengths, kind="stable"), 0.0, 0.0
        for start in range(0, len(order), _VALID_ROWS):
            loss = network.loss(self.valid.batch(order[start : start + _VALID_ROWS]), ())
            total, count = total + float(loss.total), count + loss.count
            yield min(1.0, (start + _VALID_ROWS) / len(order))
        return total / count

    def describe_validation(self, figure: float) -> Validation:
        return Validation({"valid_nats": figure}, f"{figure:.4f} nats per token", f"{figure:.3f} nats")
