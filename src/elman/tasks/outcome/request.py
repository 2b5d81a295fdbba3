"""OutcomeRequest: a user's request to train a model of outcomes."""

import dataclasses

from elman.data.columns import ColumnsConfig
from elman.tasks.request import Request


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutcomeRequest(Request):
    """What the user asked for."""

    task = "outcome"
    data_config = ColumnsConfig

    data: ColumnsConfig = ColumnsConfig()
    rival: bool = True
    """Whether ratings and logistic regression are trained for comparison."""
