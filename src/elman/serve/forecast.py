"""/v1/forecast: the next values of series, with quantiles."""

import math
from typing import Any

from elman.serve.abilities import ForecastsSeries
from elman.serve.batching import too_slow
from elman.serve.errors import Problem, check_unicode
from elman.serve.forecast_schemas import ForecastBody
from elman.serve.request_context import RequestContext


def forecast_answer(body: ForecastBody, able: ForecastsSeries, context: RequestContext) -> dict[str, Any]:
    """The forecasts as ``ForecastModel.predictions`` gives them.

    Raises:
        Problem: too many series or numbers, or a name is not valid text.
        ElmanError: an unknown series, or values that do not fit the model.
    """
    model, limits = able.model, context.limits
    given = [each.model_dump() for each in body.input] if body.input is not None else model.stored()
    if len(given) > limits.max_texts:
        raise Problem(
            422, f"{len(given)} series; this server forecasts up to {limits.max_texts} in one request", param="input"
        )
    steps = body.horizon or model.encoding.horizon
    size = len(given) * (steps * (len(model.encoding.levels) + 2) + body.history)
    size += sum(len(each.get("values") or ()) for each in given)
    if size > limits.max_answer:
        raise Problem(
            422, f"{len(given)} series of {steps} steps: {size:,} numbers; this server reads and gives up to "
            f"{limits.max_answer:,} in one request", param="input",
        )  # fmt: skip
    check_unicode([each["series"] for each in given], param="input")
    known = [model.series_from(each, number) for number, each in enumerate(given, 1)]
    forecasts: list[dict[str, Any]] = []
    for series, forecast in zip(known, model.predictions(known, horizon=steps), strict=True):
        if context.patience.over:
            raise too_slow()
        found = forecast.to_json()
        if body.history:
            last = series.values[-body.history :].tolist()
            found["history"] = [None if math.isnan(value) else value for value in last]
        forecasts.append(found)
    return {"model": able.name, "forecasts": forecasts}
