"""The JSON of /v1/forecast."""

from typing import Annotated

from pydantic import BaseModel, Field

from elman.serve.schemas import Body, Name

Numbers = Annotated[list[float | None], Field(max_length=1 << 20)]


class SeriesBody(Body):
    """A series: its values, or the name of a series of the training."""

    series: Annotated[str, Field(max_length=1000)] = Field("", description="Its name.")
    values: Numbers | None = Field(None, description="Its last values; null where one is missing.")
    start: Annotated[str, Field(max_length=100)] | None = Field(None, description="The time of the first value.")
    covariates: dict[str, Numbers] = Field({}, description="Of the values' steps, then of the future, by name.")


class ForecastBody(Body):
    """What to forecast."""

    input: Annotated[list[SeriesBody], Field(min_length=1)] | None = Field(
        None, description="Series; by default those of the training, from their ends."
    )
    model: Name | None = Field(None, description="Which model; by default the first one that forecasts.")
    horizon: int | None = Field(None, ge=1, le=1 << 16, description="How many steps; by default as trained.")
    history: int = Field(0, ge=0, le=1 << 16, description="How many known values before the forecast to give too.")


class SeriesForecast(BaseModel):
    """The forecast of a series: its median and quantiles by level, and known values before it."""

    series: str
    times: list[str]
    forecast: list[float]
    quantiles: dict[str, list[float]]
    history: list[float | None] | None = None


class ForecastAnswer(BaseModel):
    """A forecast for each series of the request, in their order."""

    model: str
    forecasts: list[SeriesForecast]
