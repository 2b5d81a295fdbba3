"""Translation as the training loop sees it: buckets of pairs, and the loss on the validation part."""

import numpy as np
from numpy.typing import NDArray

from elman.data.cursor import Cursor
from elman.models.decoder import DecoderDrops
from elman.models.pair_batch import PairBatch
from elman.models.translator import TranslatorNetwork
from elman.models.translator_config import TranslatorConfig, TranslatorSizes
from elman.tasks.decoder_objective import DecoderObjective
from elman.tasks.translate.data import EncodedPairs, SampledPairs
from elman.tasks.translate.plan import TranslatePlan
from elman.tasks.translate.recipe import MOST_EPOCHS
from elman.training.objective import Arrays, Batch


class TranslateObjective(DecoderObjective):
    """The objective of a translator.

    Args:
        start: the first weights.
        sampled: the training pairs with subwords cut anew each time; None: they are always the same.
    """

    most_epochs = MOST_EPOCHS

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
        super().__init__(plan, train=train, valid=valid, start=start)
        self.config, self.sizes = config, sizes
        self._sampled, self._update = sampled, 0

    def network(self, drops: DecoderDrops) -> TranslatorNetwork:
        return TranslatorNetwork(self.config, self.sizes, drops=drops)

    def batch(self, cursor: Cursor, update: int) -> Batch:
        self._update = update
        return super().batch(cursor, update)

    def examples(self, rows: NDArray[np.int64]) -> PairBatch:
        if self._sampled is None:
            return super().examples(rows)
        return self._sampled.batch(rows, np.random.default_rng([self.plan.seed, self._update]))
