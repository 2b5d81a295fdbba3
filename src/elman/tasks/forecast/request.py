"""ForecastRequest: a user's request to train a forecaster."""

import dataclasses

from elman.data.series import SeriesConfig
from elman.tasks.request import Request


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecastRequest(Request):
    """What the user asked for."""

    task = "forecast"
    data_config = SeriesConfig

    data: SeriesConfig = SeriesConfig()
    rival: bool = True
    """Whether ridge regression and what ``evaluation.fitted_rivals`` has are compared besides the
    naive forecasts."""
