"""A forecaster as the training loop sees it: windows of all series in any order."""

from collections.abc import Generator
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from elman.data.series_windows import Windows
from elman.models.forecaster import ForecastNetwork
from elman.models.forecaster_config import ForecasterConfig
from elman.tasks.forecast.data import ForecastData
from elman.tasks.forecast.plan import ForecastPlan
from elman.tasks.forecast.recipe import MOST_EPOCHS
from elman.training.example_objective import ExampleObjective
from elman.training.objective import Arrays, Validation
from elman.training.processes import ALONE, Processes


class WindowObjective(ExampleObjective):
    """The objective of windows."""

    plan: ForecastPlan
    unit = "windows"
    most_epochs = MOST_EPOCHS
    higher_is_better = False

    def __init__(
        self, config: ForecasterConfig, plan: ForecastPlan, *, data: ForecastData, start: Arrays | None
    ) -> None:
        self.config, self.data = config, data
        self.store, self.train = data.store(config), data.origins("train")
        super().__init__(plan, np.ones(len(self.train), np.int64), start)

    def new_network(self) -> ForecastNetwork:
        levels = self.data.encoding.levels
        return ForecastNetwork(self.config, self.data.sizes, levels=levels, drop=self.plan.dropout)

    def rate_factor(self, name: str) -> float:
        return self.plan.linear_rate if name.startswith("wide") else 1.0

    def examples(self, rows: NDArray[np.int64]) -> Windows:
        return self.store.windows(*self.train.take(rows))

    @cached_property
    def valid(self) -> list[Windows]:
        """The windows of the validation part."""
        return list(self.store.parts(*self.data.origins("valid")))

    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """The loss of the validation part."""
        assert isinstance(network, ForecastNetwork)

        def sums(windows: Windows) -> NDArray[np.float64]:
            with torch.no_grad():
                loss = network.loss(windows, ())
            return np.array([float(loss.total), loss.count])

        total, count = np.sum([np.zeros(2), *(yield from processes.each(sums, self.valid))], axis=0)
        return float(total / max(count, 1))

    def describe_validation(self, figure: float) -> Validation:
        return Validation({"valid_nats": figure}, f"scaled quantile loss {figure:.4f}", f"{figure:.4f}")
