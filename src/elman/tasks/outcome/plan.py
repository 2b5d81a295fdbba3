"""OutcomePlan: how a model of outcomes is trained."""

import dataclasses

from elman.training.plan import Plan


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutcomePlan(Plan):
    """A plan with additional fields for columns."""

    unknown: float = 0.02
    """How often a category is read as unknown in training."""

    SHARES = (*Plan.SHARES, "unknown")
