"""The data of a forecaster: series read, split by time, and their windows."""

import dataclasses
import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.series import Series, SeriesConfig, joined, levels_of, read_series
from elman.data.series_encoding import SeriesEncoding, fit_covariates
from elman.data.series_windows import SeriesStore
from elman.data.time_grid import Grid, calendar_size
from elman.errors import TextError, UsageError
from elman.models.forecaster_config import ForecasterConfig, ForecasterSizes
from elman.progress import Progress, counted
from elman.tasks.forecast.request import ForecastRequest

PARTS = ("train", "valid", "test")
_HELD_OUT = 0.1


@dataclasses.dataclass(frozen=True)
class Origins:
    """Forecasts to make: of which series, from where, and where the known values end."""

    which: NDArray[np.int64]
    origins: NDArray[np.int64]
    """Values before each."""
    stops: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.which)

    def take(self, some: Any) -> "Origins":
        """Some of them."""
        return Origins(self.which[some], self.origins[some], self.stops[some])

    def __iter__(self) -> Iterator[NDArray[np.int64]]:
        return iter((self.which, self.origins, self.stops))


@dataclasses.dataclass(frozen=True)
class ForecastData:
    """All series, what was fitted on their training part, and where their parts end."""

    series: tuple[Series, ...]
    encoding: SeriesEncoding
    ends: Mapping[str, NDArray[np.int64]]
    """How many values of each series lie before the end of a part ``[S]``, by part."""
    stride: int
    notes: tuple[str, ...]

    @property
    def sizes(self) -> ForecasterSizes:
        """The sizes of the network that follow from the data."""
        return sizes_of(self.encoding)

    @property
    def usual_length(self) -> int:
        """Values of a usual series in training."""
        return int(np.median(self.ends["train"]))

    @property
    def deviations(self) -> list[float]:
        """The standard deviation of each series in training; 0 where training has none of its
        values."""
        parts = zip(self.series, self.ends["train"].tolist(), strict=True)
        return [float(np.nanstd(each.values[:end])) if end else 0.0 for each, end in parts]

    def store(self, config: ForecasterConfig) -> SeriesStore:
        """The series as windows are taken from them."""
        return SeriesStore(self.series, self.encoding, context=config.context_window, patch=config.patch)

    def origins(self, part: str) -> Origins:
        """The forecasts of a part: every step of training, every ``stride`` steps of the others.

        The values that a forecast is compared with all lie in its part.
        """
        found: list[tuple[int, range, int]] = []
        horizon, season = self.encoding.horizon, self.encoding.season
        for which in range(len(self.series)):
            end = int(self.ends[part][which])
            if part == "train":
                first = min(max(2 * season, 2), max(1, end // 2))
                last = end - horizon
                # Of a short series, forecasts that reach beyond training are cut.
                found.append((which, range(first, max(last + 1, min(first + 1, end))), end))
                continue
            begin = int(self.ends[PARTS[PARTS.index(part) - 1]][which])
            if begin < end and begin > 0:
                found.append((which, range(begin, max(end - horizon, begin) + 1, self.stride), end))
        return Origins(
            np.concatenate(
                [np.full(len(some), which, np.int64) for which, some, _ in found] or [np.zeros(0, np.int64)]
            ),
            np.concatenate([np.array(some, np.int64) for _, some, _ in found] or [np.zeros(0, np.int64)]),
            np.concatenate([np.full(len(some), end, np.int64) for _, some, end in found] or [np.zeros(0, np.int64)]),
        )

    @property
    def hash(self) -> str:
        """16 hex digits that identify series and parts."""
        digest = hashlib.sha256(self.encoding.to_bytes() + repr(self.stride).encode())
        for series in self.series:
            digest.update(repr((series.name, series.start)).encode() + series.values.tobytes())
            digest.update(series.covariates.tobytes())
        for name in PARTS:
            digest.update(self.ends[name].tobytes())
        return digest.hexdigest()[:16]

    def about(self) -> dict[str, Any]:
        """For the model card."""
        counts: dict[str, Any] = {}
        before = np.zeros(len(self.series), np.int64)
        for name in PARTS:
            values = int((self.ends[name] - before).sum())
            if values:
                counts[name] = {"values": values, "forecasts": len(self.origins(name))}
            before = self.ends[name]
        grid = self.encoding.grid
        facts = {"series": len(self.series), "step": grid.words, "season": self.encoding.season}
        return {"hash": self.hash, **counts, **facts, "horizon": self.encoding.horizon}


def sizes_of(encoding: SeriesEncoding) -> ForecasterSizes:
    """The sizes of the network that reads these series."""
    return ForecasterSizes(
        horizon=encoding.horizon,
        quantiles=len(encoding.levels),
        middle=encoding.middle,
        calendar=calendar_size(encoding.calendar),
        covariates=len(encoding.covariates),
    )


def read_data(request: ForecastRequest, *, encoding: SeriesEncoding | None = None, progress: Progress) -> ForecastData:
    """Read the series for a training.

    Args:
        encoding: that of an interrupted training.

    Raises:
        TextError: anything wrong with the rows.
        UsageError: settings that contradict the rows or each other.
    """
    config = request.data
    for name in ("valid", "test"):
        if getattr(request, name) and getattr(config, f"{name}_from") is not None:
            raise UsageError(f"--{name} and --{name}-from both say what that part is; give one of them")
    table = read_series(request.sources, config=config, progress=progress)
    series, notes, grid = table.series, list(table.notes), table.grid
    known: dict[str, NDArray[np.int64]] = {"train": _lengths(series)}
    for name in ("valid", "test"):
        sources: tuple[str, ...] = getattr(request, name)
        if sources:
            more = read_series(sources, config=config, columns=table.columns, grid=grid, progress=progress)
            series, strange = _continued(series, more.series, timed=table.columns.time is not None)
            notes += [f"{name}: {note}" for note in more.notes]
            if strange:
                notes.append(f"{strange:,} series of the {name} part that training does not have were left out")
            known[name] = _lengths(series)
    season = config.season or grid.season or 1
    if config.season is None and grid.season is None:
        notes.append("no season is known without dates; name one with --season if values repeat")
    horizon = config.horizon or max(season, 1)
    ends = _split(series, known, config, grid, horizon)
    longest = int(ends["train"].max())
    if config.season is None and longest < 2 * season:
        notes.append(f"the season of {season} steps is longer than half of the series, and was not used")
        season = 1
    if longest < season + 2:
        raise TextError(
            f"{counted(longest, 'value')} to train on: too few for a season of {season}; give longer series"
        )
    if encoding is None:
        train = [each.cut(each.start + int(end)) for each, end in zip(series, ends["train"], strict=True)]
        encoding = SeriesEncoding(
            table.columns,
            grid,
            season,
            horizon,
            levels_of(config.levels),
            grid.calendar_parts(longest),
            fit_covariates(table.columns.covariates, train),
        )
    data = ForecastData(tuple(series), encoding, ends, config.stride or horizon, tuple(notes))
    _tell(data, progress)
    return data


def _lengths(series: Sequence[Series]) -> NDArray[np.int64]:
    return np.array([len(each.values) for each in series], np.int64)


def _continued(series: list[Series], more: Sequence[Series], *, timed: bool) -> tuple[list[Series], int]:
    """Series with the values of a later part, and how many of the part's series are not known."""
    found = {each.name: each for each in series}
    strange = 0
    for later in more:
        before = found.get(later.name)
        if before is None:
            strange += 1
            continue
        if timed and later.start < before.stop:
            raise TextError(f"series {later.name!r} of a later part begins before training ends; give later rows")
        found[later.name] = continued(before, later, timed=timed)
    return list(found.values()), strange


def continued(before: Series, later: Series, *, timed: bool) -> Series:
    """A series with more values; without times they follow the last known one."""
    return joined(before, later if timed else later._replace(start=before.stop))


def _split(
    series: Sequence[Series],
    known: Mapping[str, NDArray[np.int64]],
    config: SeriesConfig,
    grid: Grid,
    horizon: int,
) -> dict[str, NDArray[np.int64]]:
    """Where each part of each series ends; parts that are not given are the last values of
    training."""
    ends = {"train": known["train"].copy()}
    # A test part follows the validation part, so it is not cut from training where that part is
    # given.
    for name in [] if "valid" in known else [name for name in ("test", "valid") if name not in known]:
        begin = getattr(config, f"{name}_from")
        ends[name] = ends["train"].copy()
        if begin is not None:
            step = _step_of(begin, grid, f"--{name}-from")
            cut = np.array([step - each.start for each in series], np.int64)
        else:
            lengths = ends["train"]
            held = np.maximum((_HELD_OUT * lengths).astype(np.int64) // horizon, 1) * horizon
            # A short series trains at least; if none is longer, none can be judged.
            cut = np.where(lengths - held >= max(horizon, 4), lengths - held, lengths)
        ends["train"] = np.clip(cut, 0, ends["train"])
        if (ends["train"] == ends[name]).all():
            raise TextError(
                f"no series is long enough to hold out {horizon} steps for the {name} part; give more rows, a shorter "
                f"--horizon, or --{name} FILE"
            )
    if not ends["train"].any():
        raise TextError("no value is left to train on; give earlier rows, or later times of the parts")
    before = ends["train"]
    for name in ("valid", "test"):
        ends[name] = np.maximum(known.get(name, ends.get(name, before)), before)
        before = ends[name]
    return ends


def _step_of(text: str, grid: Grid, flag: str) -> int:
    """The first step at or after a moment that the user names."""
    step = grid.step_of(text)
    if step is None or math.isnan(step):
        wanted = {"number": "a number", "weekday": "a date from Monday to Friday"}.get(grid.unit, "a date")
        raise UsageError(f"{flag} is {text!r}; it must be {wanted}{'' if grid.unit == 'number' else ', as 2019-01-31'}")
    return math.ceil(step - 1e-6)


def _tell(data: ForecastData, progress: Progress) -> None:
    for note in data.notes:
        progress.say(f"note: {note}")
    words = {"train": "to train on", "valid": "to validate on", "test": "to test on"}
    about = data.about()
    counts = [f"{about[name]['values']:,} values {words[name]}" for name in PARTS if name in about]
    count, encoding = len(data.series), data.encoding
    progress.say(f"{count:,} series, {', '.join(counts)} (hash {data.hash[:12]})")
    more = [*encoding.calendar, *(each.name for each in encoding.covariates)]
    progress.say(
        f"steps of {encoding.grid.words}, season {encoding.season}, horizon {encoding.horizon}"
        f"{'; also read: ' + ', '.join(more) if more else ''}"
    )
