"""SeriesEncoding: what a forecaster knows of its series besides their values, fitted on the
training part."""

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.series import Series, SeriesColumns, levels_of
from elman.data.time_grid import Grid, calendar_size
from elman.errors import FolderError, UsageError

SERIES_FILE = "series.json"
_MOST = 1 << 13


@dataclasses.dataclass(frozen=True)
class Covariate:
    """A column of numbers that is known for the future too."""

    name: str
    mean: float
    scale: float


@dataclasses.dataclass(frozen=True)
class SeriesEncoding:
    """Columns, grid and sizes."""

    columns: SeriesColumns
    grid: Grid
    season: int
    horizon: int
    levels: tuple[float, ...]
    """Of the quantiles, 0.5 among them."""
    calendar: tuple[str, ...]
    """Parts of the calendar that are read."""
    covariates: tuple[Covariate, ...]

    @property
    def middle(self) -> int:
        """Which of the levels is the median."""
        return self.levels.index(0.5)

    def scaled(self, covariates: NDArray[np.float64]) -> NDArray[np.float32]:
        """Covariates ``[T, F]`` with mean 0 and variance 1; a missing one is 0."""
        if not self.covariates:
            return np.zeros((len(covariates), 0), np.float32)
        mean, scale = (np.array([getattr(each, name) for each in self.covariates]) for name in ("mean", "scale"))
        return np.nan_to_num((covariates - mean) / scale, nan=0.0).clip(-10, 10).astype(np.float32)

    def to_bytes(self) -> bytes:
        values = {
            **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)},
            "columns": self.columns._asdict(),
            "grid": self.grid.to_json(),
            "covariates": [dataclasses.asdict(each) for each in self.covariates],
        }
        return json.dumps(values, ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "SeriesEncoding":
        """Rebuild from ``to_bytes``.

        Raises:
            FolderError: it is not as it was written.
        """
        try:
            values = json.loads(data)
            own: dict[str, Any] = values["columns"]
            lists = {name: tuple(own[name]) for name in ("values", "group", "covariates")}
            columns = SeriesColumns(time=own["time"], wide=own["wide"] is True, **lists)
            more: dict[str, Any] = {name: tuple(values[name]) for name in ("levels", "calendar")}
            covariates = tuple(_checked(Covariate(**each)) for each in values["covariates"])
            sizes = {name: values[name] for name in ("season", "horizon")}
            found = cls(columns=columns, grid=_grid(values["grid"]), covariates=covariates, **more, **sizes)
            names = (*columns.values, *columns.group, *columns.covariates, *([columns.time] if columns.time else []))
            good = all(isinstance(name, str) for name in names)
            good &= all(type(size) is int and 1 <= size <= _MOST for size in sizes.values())
            good &= columns.covariates == tuple(each.name for each in covariates) and calendar_size(found.calendar) >= 0
            good &= levels_of(",".join(map(repr, found.levels))) == found.levels and found.to_bytes() == data
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, UsageError):
            good, found = False, None
        if not good or found is None:
            raise FolderError(f"{SERIES_FILE} is damaged; copy the folder again")
        return found


def fit_covariates(names: Sequence[str], series: Sequence[Series]) -> tuple[Covariate, ...]:
    """Mean and deviation of each column over the values of training."""
    found: list[Covariate] = []
    for place, name in enumerate(names):
        values = np.concatenate([each.covariates[: len(each.values), place] for each in series])
        values = values[~np.isnan(values)]
        spread = float(values.std()) if len(values) else 0.0
        found.append(Covariate(name, float(values.mean()) if len(values) else 0.0, spread if spread > 0 else 1.0))
    return tuple(found)


def _checked(covariate: Covariate) -> Covariate:
    numbers = covariate.mean, covariate.scale
    if not all(isinstance(each, float) and math.isfinite(each) for each in numbers) or covariate.scale <= 0:
        raise ValueError("a covariate")
    return covariate


def _grid(values: dict[str, Any]) -> Grid:
    grid = Grid(**values)
    good = grid.unit in ("number", "second", "weekday", "month") and type(grid.day) is int and 0 <= grid.day <= 31
    if not good or not all(isinstance(each, float) and abs(each) < 1e15 for each in (grid.every, grid.phase)):
        raise ValueError("a grid")
    if not grid.every > 0:
        raise ValueError("a grid")
    return grid
