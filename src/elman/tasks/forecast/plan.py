"""ForecastPlan: how a forecaster is trained."""

import dataclasses

from elman.training.plan import Plan


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecastPlan(Plan):
    """A plan with an additional field for the linear part."""

    linear_rate: float = 0.1
    """The learning rate of the linear part, which begins as ridge regression, relative to the
    others."""

    AMOUNTS = (*Plan.AMOUNTS, "linear_rate")
