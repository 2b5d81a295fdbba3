"""DecoderPlan: how a network that writes texts is trained."""

import dataclasses

from elman.training.plan import Plan


@dataclasses.dataclass(frozen=True, kw_only=True)
class DecoderPlan(Plan):
    """A plan with additional fields for networks with a decoder."""

    output_dropout: float = 0.2
    """Share of the units dropped before the output, locked over the text."""
    label_smoothing: float = 0.1
    """Probability spread evenly over all types."""
    scheduled_sampling: float = 0.0
    """Share of the target's tokens that the decoder reads as it predicts them itself (Bengio et al.
    2015)."""

    SHARES = (*Plan.SHARES, "output_dropout", "label_smoothing", "scheduled_sampling")
