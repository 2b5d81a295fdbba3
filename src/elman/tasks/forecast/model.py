"""ForecastModel: a trained forecaster and its uses, computed by the engine without torch."""

import dataclasses
import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import LARGEST, rows_of_lines, table_of
from elman.data.series import Series, joined, series_of
from elman.data.series_encoding import SERIES_FILE, SeriesEncoding
from elman.data.series_windows import SeriesStore, Windows
from elman.errors import UsageError
from elman.inference.engine_network import HistoryNetworkConfig
from elman.inference.forecaster import InferenceForecaster, inference_forecaster
from elman.models.forecaster_config import ForecasterConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.tasks.engine_file import Arrays, engine_network
from elman.tasks.folder_model import FolderModel
from elman.tasks.forecast.data import sizes_of
from elman.tasks.forecast.history_file import StoredSeries, read_history
from elman.text.readers.record import listed

if TYPE_CHECKING:
    from elman.evaluation.forecasts import ForecastReport
    from elman.tasks.folder_model import Weights

_BATCH = 256
_LONGEST = 1 << 20
_MOST_TIMES = 100
"""A recursive forecast is at most so many times as long as one of the training."""


@dataclasses.dataclass(frozen=True)
class Forecast:
    """The forecast of one series.

    >>> Forecast("a", ("2", "3"), (0.1, 0.5, 0.9), np.array([[1.0, 2], [3, 4], [5, 6]])).median.tolist()
    [3.0, 4.0]
    """

    series: str
    times: tuple[str, ...]
    """The time of each step ``[H]``."""
    levels: tuple[float, ...]
    quantiles: NDArray[np.float64]
    """``[Q, H]``."""

    @property
    def median(self) -> NDArray[np.float64]:
        """The forecast of each step ``[H]``."""
        return self.quantiles[self.levels.index(0.5)]

    def __str__(self) -> str:
        """Lines of CSV: series, time, forecast, quantiles."""
        import csv
        import io

        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        for time, median, row in zip(self.times, self.median, self.quantiles.T, strict=True):
            writer.writerow([self.series, time, f"{median:.6g}", *(f"{value:.6g}" for value in row)])
        return lines.getvalue().rstrip("\n")

    def to_json(self) -> dict[str, Any]:
        quantiles = {f"{level:g}": row.tolist() for level, row in zip(self.levels, self.quantiles, strict=True)}
        return {
            "series": self.series,
            "times": list(self.times),
            "forecast": self.median.tolist(),
            "quantiles": quantiles,
        }


class ForecastModel(FolderModel):
    """A trained forecaster.

    Attributes:
        encoding: columns, grid, season, horizon and levels of its series.
        history: the end of each training series.
        widen: the factor of the distances between quantiles, fitted on the validation part.
    """

    kind = "forecaster"
    article_and_kind = "a forecaster"

    def __init__(
        self,
        network: InferenceForecaster,
        encoding: SeriesEncoding,
        config: ForecasterConfig,
        *,
        history: Sequence[StoredSeries] = (),
        folder: Path | None = None,
    ) -> None:
        super().__init__(folder)
        self.network, self.encoding, self.config = network, encoding, config
        self.history = {each.series.name: each for each in history}
        self.widen = 1.0

    @classmethod
    def _from_folder(cls, folder: Path, values: dict[str, Any], weights: "Weights") -> "ForecastModel":
        encoding = SeriesEncoding.from_bytes(model_folder.static_files(folder)[SERIES_FILE])
        config, sizes = ForecasterConfig.from_json(values), sizes_of(encoding)

        def stored(arrays: Arrays, own: HistoryNetworkConfig) -> "ForecastModel":
            history = read_history(arrays, own.history, encoding)
            return cls(InferenceForecaster(arrays, own), encoding, config, history=history, folder=folder)

        return engine_network(
            folder,
            weights,
            HistoryNetworkConfig,
            {"network": config.to_json(), "sizes": sizes.to_json()},
            stored=stored,
            made=lambda arrays: cls(inference_forecaster(arrays, config, sizes), encoding, config, folder=folder),
        )

    def calibrate(self, found: Mapping[str, Any]) -> None:
        self.widen = float(found.get("widen", 1.0))

    def __repr__(self) -> str:
        return f"ForecastModel(horizon {self.encoding.horizon}, season {self.encoding.season})"

    @property
    def first_line(self) -> str:
        """The names of the columns of ``str(Forecast)``."""
        return ",".join(["series", "time", "forecast", *(f"q{level:g}" for level in self.encoding.levels)])

    def forecast(
        self, series: Sequence[Mapping[str, Any] | Sequence[float]] | None = None, *, horizon: int | None = None
    ) -> list[Forecast]:
        """Forecast series.

        Args:
            series: see ``predictions``; by default the series of the training, from their ends.
            horizon: steps; beyond those of the training, medians are read as values (recursive
                forecast).

        >>> import elman
        >>> model = elman.load("passengers-model")  # doctest: +SKIP
        >>> model.forecast()[0].median.round()  # doctest: +SKIP
        array([450., 426., 464.])
        """
        return list(self.predictions(iter(self.stored()) if series is None else series, horizon=horizon))

    def stored(self) -> list[dict[str, Any]]:
        """The series of the training, as ``predictions`` takes them."""
        return [{"series": name} for name in self.history]

    def predictions(
        self, series: Iterable[Mapping[str, Any] | Sequence[float] | Series], *, horizon: int | None = None
    ) -> Iterator[Forecast]:
        """Forecasts of a stream of series, in its order and in constant memory.

        Args:
            series: each a list of numbers, or ``{"values": [..], "start": "2024-01", "series":
                NAME, "covariates": {NAME: [..]}}``. Covariates hold the values' steps, then those
                of the future. A name alone is a series of the training.
            horizon: as in ``forecast``.
        """
        if isinstance(series, (str, Mapping)):
            raise UsageError("this is one series, and several are expected; give a list of series")
        steps = self.encoding.horizon if horizon is None else horizon
        most = _MOST_TIMES * self.encoding.horizon
        if not 1 <= steps <= most:
            raise UsageError.of("horizon", steps, f"from 1 to {most:,}, {_MOST_TIMES} times as trained")
        stream = enumerate(series, 1)
        while some := list(islice(stream, _BATCH)):
            yield from self._forecasts([self.series_from(each, number) for number, each in some], steps)

    def rows_of(self, lines: Iterator[str], *, name: str) -> Iterator[Series]:
        """The series in lines of CSV or JSON."""
        rows = list(rows_of_lines(lines, name=name))
        if not rows:
            return
        table = table_of(rows, [f"{name}, line {number}" for number in range(2, len(rows) + 2)])
        encoding = self.encoding
        for series in series_of(table, encoding.columns, grid=encoding.grid).series:
            before = self.history.get(series.name)
            if before is None or encoding.columns.time is None or before.series.start >= series.start:
                yield series
            else:
                yield joined(before.series.cut(series.start), series)

    def _forecasts(self, series: Sequence[Series], horizon: int) -> list[Forecast]:
        found: list[NDArray[np.float64]] = []
        done, now = 0, list(series)
        while done < horizon:
            count = len(now)
            store = SeriesStore(now, self.encoding, context=self.config.context_window, patch=self.config.patch)
            ends = np.array([len(each.values) for each in now], np.int64)
            windows = store.windows(np.arange(count), ends, ends)
            quantiles = self.quantiles_of(windows)
            found.append(quantiles)
            done += quantiles.shape[2]
            if done < horizon:
                medians = quantiles[:, self.encoding.middle]
                now = [
                    each._replace(values=np.concatenate([each.values, median]))
                    for each, median in zip(now, medians, strict=True)
                ]
        whole = np.concatenate(found, axis=2)[:, :, :horizon]
        grid, levels = self.encoding.grid, self.encoding.levels
        return [
            Forecast(each.name, tuple(grid.labels(each.stop + np.arange(horizon))), levels, own)
            for each, own in zip(series, whole, strict=True)
        ]

    def quantiles_of(self, windows: Windows) -> NDArray[np.float64]:
        """Calibrated quantiles in the units of the series ``[N, Q, H]``."""
        return windows.restored(widened(self.network.quantiles(windows), self.widen, self.encoding.middle))

    def series_from(self, given: Any, number: int = 1) -> Series:
        """A series as ``predictions`` takes it; the number is for messages.

        Raises:
            UsageError: it is none, or does not fit the training.
        """
        if isinstance(given, Series):
            return given
        position = f"series {number}"
        values: Any = given
        name, start, covariates = "", None, {}
        if isinstance(given, Mapping):
            strange = sorted(set(given) - {"series", "values", "start", "covariates"})
            if strange:
                raise UsageError(f"{position} has {strange[0]!r}; it may have series, values, start and covariates")
            name, values, start = str(given.get("series", "")), given.get("values"), given.get("start")
            covariates = given.get("covariates") or {}
            if values is None:
                if name not in self.history:
                    raise UsageError(f"{position}: no values, and no series of the training is named {name!r}")
                known = self.history[name].series
                future = self._covariates_of(covariates, 0, position)
                if not covariates:
                    return known
                return known._replace(covariates=np.concatenate([known.covariates[: len(known.values)], future]))
        numbers = _numbers_of(values, position)
        return Series(
            name, self._step_of(start, position), numbers, self._covariates_of(covariates, len(numbers), position)
        )

    def _covariates_of(self, given: Any, size: int, position: str) -> NDArray[np.float64]:
        """Covariates ``[size or more, F]`` from lists by name."""
        if not isinstance(given, Mapping):
            raise UsageError(f"{position}: covariates are of type {type(given).__name__}; give lists by name")
        names = [each.name for each in self.encoding.covariates]
        strange = [name for name in given if name not in names]
        if strange:
            raise UsageError(
                f"{position} has covariates {strange[0]!r}; those of the training are: {listed(names) or 'none'}"
            )
        columns = {name: _numbers_of(column, position) for name, column in given.items()}
        table = np.full((max([size, *map(len, columns.values())]), len(names)), math.nan)
        for name, column in columns.items():
            table[: len(column), names.index(name)] = column
        return table

    def _step_of(self, start: Any, position: str) -> int:
        if start is None:
            return 0
        grid = self.encoding.grid
        step = grid.step_of(str(start))
        if step is None or not abs(step - np.rint(step)) < 1e-6:
            raise UsageError(f"{position}: start is {start!r}; it must lie on steps of {grid.words}, as in training")
        return round(step)

    def evaluate(
        self, *sources: str | Path, rival: bool = True, progress: Progress | None = None, **settings: Any
    ) -> "ForecastReport":
        """MASE, sMAPE, quantile loss and coverage on the rows of files that training has not seen.

        Args:
            rival: whether ridge regression, Theta, and ETS and MSTL where statsforecast is
                installed, are compared.
            settings: how the files are read (``SeriesConfig``); by default as in training.
        """
        from elman.tasks.forecast.evaluation import evaluate_sources

        names = [str(source) for source in sources]
        return evaluate_sources(self, names, settings=settings, rival=rival, progress=progress or Progress())[0]

    @property
    def model_hash(self) -> str:
        """Hex digest of configuration, columns, weights and series as they are used."""
        series = [hashlib.sha256(each.series.values.tobytes()).hexdigest() for each in self.history.values()]
        columns = hashlib.sha256(self.encoding.to_bytes()).hexdigest()
        return self.hash_of(self.network, [columns], [repr(self.widen), *series])

    def describe(self) -> dict[str, Any]:
        """For tables and model cards."""
        return {
            "name": self.config.cell,
            "series": len(self.history),
            "horizon": self.encoding.horizon,
            "context_window": self.config.context_window,
            "precision": self.network.precision,
        }


def widened(quantiles: NDArray[np.floating], factor: float, middle: int) -> NDArray[np.float64]:
    """Quantiles ``[N, Q, H]`` with distances from their median times a factor."""
    median = quantiles[:, middle : middle + 1].astype(np.float64)
    return median + factor * (quantiles - median)


def _numbers_of(values: Any, position: str) -> NDArray[np.float64]:
    if isinstance(values, str) or not isinstance(values, (Sequence, np.ndarray)):
        raise UsageError(f"{position} is of type {type(values).__name__}; give a list of numbers")
    if not 1 <= len(values) <= _LONGEST:
        raise UsageError(f"{position} has {len(values):,} values; it must have from 1 to {_LONGEST:,}")
    found = np.array([_number_of(value, position) for value in values])
    if math.isnan(found[-1]):
        known = np.flatnonzero(~np.isnan(found))
        if not len(known):
            raise UsageError(f"{position} has no known value; give at least one number")
        found = found[: known[-1] + 1]
    return found


def _number_of(value: Any, position: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        raise UsageError(f"{position} holds {str(value)[:40]!r}; give numbers, or null for a missing value")
    if abs(float(value)) > LARGEST:
        raise UsageError(f"{position} holds {value:g}; numbers are at most {LARGEST:g}, and null is a missing value")
    return float(value)
