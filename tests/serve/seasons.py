"""A small forecaster."""

from functools import cache

import numpy as np

from elman.data.series import Series, SeriesColumns
from elman.data.series_encoding import Covariate, SeriesEncoding
from elman.data.time_grid import Grid
from elman.inference.forecaster import inference_forecaster
from elman.models.forecaster_config import ForecasterConfig
from elman.models.forecaster_equations import weight_shapes
from elman.tasks.forecast.data import sizes_of
from elman.tasks.forecast.history_file import StoredSeries
from elman.tasks.forecast.model import ForecastModel

LEVELS = (0.1, 0.5, 0.9)


@cache
def forecaster() -> ForecastModel:
    """A model with weights drawn at random, of two series of months."""
    columns = SeriesColumns("month", ("y",), ("name",), ("sale",))
    covariates = (Covariate("sale", 0.5, 1.0),)
    encoding = SeriesEncoding(columns, Grid("month", 1.0), 2, 3, LEVELS, ("year",), covariates)
    config = ForecasterConfig(
        cell="rnn", embedding_size=3, hidden_size=3, dense_size=4, context_window=4, patch=2
    )  # fmt: skip
    rng = np.random.default_rng(0)
    shapes = [*weight_shapes(config, sizes_of(encoding))]
    shapes += [
        ("stack.layers.0.weight_ih", (3, 3)),
        ("stack.layers.0.weight_hh", (3, 3)),
        ("stack.layers.0.bias_ih", (3,)),
        ("stack.layers.0.bias_hh", (3,)),
    ]
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes}
    history = [
        StoredSeries(Series(name, 600, rng.normal(size=8), np.zeros((8, 1))), 606, 1.0, 1.0) for name in ("a", "b")
    ]
    return ForecastModel(inference_forecaster(arrays, config, sizes_of(encoding)), encoding, config, history=history)
