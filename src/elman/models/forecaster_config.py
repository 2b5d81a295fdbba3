"""The configuration of a forecaster, without the torch that trains it."""

import dataclasses
from typing import Literal

from elman.config import Config
from elman.errors import UsageError
from elman.models.stack_config import StackConfig, check_size


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecasterConfig(StackConfig):
    """Shape of a network from the last values of a series to quantiles of the next ones.

    >>> ForecasterConfig(hidden_size=8).top_size
    8
    """

    cell: str = "gru"
    """The recurrent cell that reads the values, or another kind of layer."""
    layers: int = 1
    embedding_size: int = 48
    """Size of what the cell reads at each step (E)."""
    hidden_size: int = 64
    """Size of the cell's state (H)."""
    dense_size: int = 128
    """Units between the cell and the quantiles."""
    context_window: int = 48
    """Values before the origin of a forecast that are read."""
    patch: int = 1
    """Values that the cell reads in one step; must divide the context window."""
    skip: bool = True
    input: Literal["learned"] = "learned"
    """A learned product of the values."""
    window: int | None = None
    """Context length of window layers, in steps of the cell."""
    heads: int | None = None
    """Heads of a transformer's attention."""
    projection: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_stack()
        for name in ("dense_size", "context_window", "patch"):
            check_size(name, getattr(self, name))
        if self.context_window % self.patch or self.context_window > 1 << 14:
            raise UsageError.of(
                "context_window", self.context_window, f"at most 16,384 and a multiple of the patch ({self.patch})"
            )
        if self.projection:
            raise UsageError("projection does not apply to forecast; leave it out", field="projection")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecasterSizes(Config):
    """Sizes that follow from the data."""

    horizon: int
    """Steps of a forecast (H)."""
    quantiles: int
    """Q."""
    middle: int
    """Which quantile is the median."""
    calendar: int = 0
    """Numbers that say where in the calendar the origin lies (C)."""
    covariates: int = 0
    """F."""

    def __post_init__(self) -> None:
        super().__post_init__()
        whole = [self.horizon, self.quantiles, self.middle, self.calendar, self.covariates]
        if not all(type(size) is int and 0 <= size <= 1 << 13 for size in whole) or self.middle >= self.quantiles:
            raise UsageError("the sizes of the series are out of bounds")

    def patch_size(self, config: ForecasterConfig) -> int:
        """Numbers that the cell reads at a step."""
        return config.patch * (2 + self.covariates)

    def row_size(self, config: ForecasterConfig) -> int:
        """Numbers of a window besides its patches (Z)."""
        before_and_after = (config.context_window + self.horizon) * self.covariates
        return config.context_window + self.calendar + before_and_after
