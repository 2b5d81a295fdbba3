"""TranslatePlan: how a translator is trained."""

import dataclasses

from elman.tasks.decoder_plan import DecoderPlan


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslatePlan(DecoderPlan):
    """A plan with additional fields for pairs of texts."""

    bpe_dropout: float = 0.0
    """Share of the merges of subwords left out in training, so that words are read in many pieces
    (Provilkov et al. 2020)."""

    SHARES = (*DecoderPlan.SHARES, "bpe_dropout")
