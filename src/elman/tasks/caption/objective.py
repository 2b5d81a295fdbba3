"""Captions as the training loop sees them: buckets of captions, and the loss on the validation part."""

from elman.models.captioner import CaptionerNetwork
from elman.models.captioner_config import CaptionerConfig, CaptionerSizes
from elman.models.decoder import DecoderDrops
from elman.tasks.caption.data import EncodedCaptions
from elman.tasks.caption.recipe import MOST_EPOCHS
from elman.tasks.decoder_objective import DecoderObjective
from elman.tasks.decoder_plan import DecoderPlan
from elman.training.objective import Arrays


class CaptionObjective(DecoderObjective):
    """The objective of a captioner.

    Args:
        start: the first weights.
    """

    most_epochs = MOST_EPOCHS

    def __init__(
        self,
        config: CaptionerConfig,
        plan: DecoderPlan,
        *,
        sizes: CaptionerSizes,
        train: EncodedCaptions,
        valid: EncodedCaptions,
        start: Arrays | None,
    ) -> None:
        super().__init__(plan, train=train, valid=valid, start=start)
        self.config, self.sizes = config, sizes

    def network(self, drops: DecoderDrops) -> CaptionerNetwork:
        return CaptionerNetwork(self.config, self.sizes, drops=drops)
