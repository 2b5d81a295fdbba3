"""TranslatePlan: how a translator is trained."""

import dataclasses

from elman.training.plan import Plan


@dataclasses.dataclass(frozen=True, kw_only=True)
class TranslatePlan(Plan):
    """A plan with additional fields for pairs of texts."""

    output_dropout: float = 0.2
    """Share of the units dropped before the output, locked over the text."""
    label_smoothing: float = 0.1
    """Share of the probability that is wanted for all types alike."""
    bpe_dropout: float = 0.0
    """Share of the merges of subwords left out in training, so that words are read in many pieces
    (Provilkov et al. 2020)."""
    scheduled_sampling: float = 0.0
    """Share of the target's tokens that the decoder reads as it predicts them itself (Bengio et al.
    2015)."""

    SHARES = (*Plan.SHARES, "output_dropout", "label_smoothing", "bpe_dropout", "scheduled_sampling")
