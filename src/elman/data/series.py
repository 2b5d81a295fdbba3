"""Time series from tables: rows of a time and a value, on a regular grid, one or many series in a
file."""

import dataclasses
import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.data.columns import LARGEST, MONTH, ColumnsConfig, ColumnTable, names_of, number_of, read_columns
from elman.data.time_grid import Grid, all_dates, check_one_zone, find_grid, moments_of, parse_every
from elman.errors import TextError, UsageError
from elman.progress import Progress
from elman.text.readers.record import listed

TIME_FIELDS = ("time", "date", "ds", "timestamp", "datetime", "month", "day")
VALUE_FIELDS = ("value", "y", "target")
"""Names of columns that obviously hold times and values, in the order in which they are looked
for."""
LEVELS = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"
_LONGEST_SEASON, _LONGEST_HORIZON = 2000, 4096


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeriesConfig(Config):
    """How time series are read and split."""

    time: str | None = None
    """Column of dates (2024-01-31, 2024-01, 2024-01-31 15:00) or numbers; default: time, date, ds,
    timestamp, datetime, month or day, whichever is there, or else rows are steps in their order."""
    value: str | None = None
    """Column of the numbers to forecast, or several: each is a series; default: value, y or target,
    or the only column of numbers."""
    group: str | None = None
    """Column, or columns, that tell the series of a file apart."""
    covariates: str | None = None
    """Columns of numbers that are known for the future too, such as 'holiday,price'."""
    horizon: int | None = None
    """Steps to forecast; default: one season."""
    season: int | None = None
    """Steps after which a series is alike; default: by the dates (24 for hours, 7 for days, 12 for
    months), or 1."""
    levels: str = LEVELS
    """Levels of the quantiles to forecast, 0.5 among them."""
    every: str | None = None
    """Step from one row to the next: 15min, 1h, 1d, 1b (Monday to Friday), 1w, 1mo, 1q, 1y, or a
    number; default: the usual one."""
    resample: Literal["mean", "sum", "last"] | None = None
    """What becomes of the rows of one step; needed where rows do not lie on a regular grid."""
    wide: bool = False
    """Whether each row is a series: its name, then its values."""
    valid_from: str | None = None
    """Time of the first validation row; default: the last steps before the test part."""
    test_from: str | None = None
    """Time of the first test row; default: the last steps."""
    stride: int | None = None
    """Steps from one origin of a forecast to the next in validation and test; default: the
    horizon."""
    format: str | None = None
    """Format of the files: csv, tsv or jsonl. Default: by the suffix."""
    encoding: str = "utf-8"
    """Encoding of the files, by a name that Python knows."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.columns  # noqa: B018 (format and encoding are checked)
        for name, most in (("horizon", _LONGEST_HORIZON), ("season", _LONGEST_SEASON), ("stride", _LONGEST_HORIZON)):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= most:
                raise UsageError.of(name, value, f"from 1 to {most:,}")
        levels_of(self.levels)
        if self.every is not None:
            parse_every(self.every)
        if self.wide:
            for name in ("time", "value", "group", "covariates", "every", "resample", "valid_from", "test_from"):
                if getattr(self, name) is not None:
                    raise UsageError(f"--{name.replace('_', '-')} does not apply to --wide; leave one of them out")

    @property
    def columns(self) -> ColumnsConfig:
        """How tables are read."""
        return ColumnsConfig(format=self.format, encoding=self.encoding)


def levels_of(text: str) -> tuple[float, ...]:
    """The levels of quantiles in a list with commas.

    Raises:
        UsageError: no rising numbers between 0 and 1 with 0.5 among them, or more than 99.

    >>> levels_of("0.1, 0.5, 0.9")
    (0.1, 0.5, 0.9)
    """
    found = [number_of(name) for name in names_of(text)]
    good = [level for level in found if level is not None and 0 < level < 1]
    if len(good) != len(found) or sorted(set(good)) != good or 0.5 not in good or len(good) > 99:
        raise UsageError.of("levels", text, "rising numbers between 0 and 1, 0.5 among them: 0.1,0.5,0.9")
    return tuple(good)


class Series(NamedTuple):
    """One series on a grid."""

    name: str
    start: int
    """The step of its first value."""
    values: NDArray[np.float64]
    """``[T]``; NaN where a value is missing. The last one is known."""
    covariates: NDArray[np.float64]
    """``[T or more, F]``; NaN where one is missing. What follows T is known of the future."""

    @property
    def stop(self) -> int:
        """The step after its last value."""
        return self.start + len(self.values)

    def cut(self, stop: int) -> "Series":
        """The values before a step; covariates stay."""
        return self._replace(values=self.values[: max(0, stop - self.start)])


class SeriesColumns(NamedTuple):
    """Which columns of a table hold what."""

    time: str | None
    values: tuple[str, ...]
    group: tuple[str, ...]
    covariates: tuple[str, ...]
    wide: bool = False

    @classmethod
    def find(cls, table: ColumnTable, config: SeriesConfig) -> "SeriesColumns":
        """Those that the user named, and those that are obvious.

        Raises:
            TextError: a column that is not there.
            UsageError: no column of values can be told.
        """
        if config.wide:
            return cls(None, (), (), (), True)
        by_name = {name.casefold(): name for name in reversed(list(table.columns))}
        group, covariates = names_of(config.group), names_of(config.covariates)
        time = config.time or next((by_name[name] for name in TIME_FIELDS if name in by_name), None)
        named = names_of(config.value)
        free = set(table.columns) - {*group, *covariates}
        time = time or next((name for name in table.columns if name in free and all_dates(table.column(name))), None)
        for name in (*group, *covariates, *named, *([] if time is None else [time])):
            table.column(name)
        taken = {time, *group, *covariates}
        if set(named) & taken:
            raise UsageError(f"--value names {next(iter(set(named) & taken))!r}, which is used otherwise; leave it out")
        if not named:
            named = tuple(by_name[name] for name in VALUE_FIELDS if by_name.get(name, time) not in taken)[:1]
        if not named:
            left = [name for name, cells in table.columns.items() if name not in taken and _numeric(cells)]
            if len(left) != 1:
                raise UsageError(
                    "which column holds the values? name it with --value; the columns of numbers are: "
                    f"{listed(left) or 'none (12.5 is a number, 12,5 is not)'}"
                )
            named = tuple(left)
        return cls(time, named, group, covariates)


class SeriesTable(NamedTuple):
    """What a table holds."""

    series: list[Series]
    grid: Grid
    columns: SeriesColumns
    notes: list[str]

    @property
    def hash(self) -> str:
        """The SHA-256 of all series."""
        digest = hashlib.sha256(repr((self.grid, self.columns)).encode())
        for series in self.series:
            digest.update(repr((series.name, series.start, series.values.shape)).encode())
            digest.update(series.values.tobytes() + series.covariates.tobytes())
        return digest.hexdigest()


def read_series(
    sources: Sequence[str],
    *,
    config: SeriesConfig,
    columns: SeriesColumns | None = None,
    grid: Grid | None = None,
    progress: Progress | None = None,
) -> SeriesTable:
    """All series of files.

    Args:
        columns: those of the training data, for other files of the same kind.
        grid: its grid.

    Raises:
        TextError: anything wrong with a file; names the line.
    """
    table = read_columns(sources, config=config.columns, progress=progress)
    return series_of(table, columns or SeriesColumns.find(table, config), grid=grid, config=config)


def series_of(
    table: ColumnTable, columns: SeriesColumns, *, grid: Grid | None, config: SeriesConfig | None = None
) -> SeriesTable:
    """The series in a table; see ``read_series``."""
    config = config or SeriesConfig()
    if columns.wide:
        return SeriesTable(_of_rows(table), grid or Grid("number", 1.0), columns, [])
    rows = _grouped(table, columns.group)
    names = [*columns.values, *columns.covariates]
    numbers = np.stack([_numbers(table, name) for name in names], axis=1)
    notes: list[str] = []
    if columns.time is None:
        grid = grid or Grid("number", 1.0)
        steps = np.zeros(len(table), np.int64)
        for some in rows.values():
            steps[some] = np.arange(len(some))
    else:
        moments, dates = moments_of(table, columns.time)
        if grid is None:
            grid = _grid_of(table, columns.time, moments, rows, dates, config)
        elif dates != (grid.unit != "number"):
            raise TextError(
                f"{table.positions[0]}: {columns.time} is {'a date' if dates else 'a number'}, unlike training"
            )
        steps = _whole_steps(table, columns, grid, moments, rows, config)
    found: list[Series] = []
    several = len(columns.values) > 1
    for group, some in rows.items():
        own, at, first = numbers[some], steps[some], int(steps[some].min())
        size = int(at.max()) - first + 1
        if size > 2 * len(some) + 2:
            raise TextError(
                f"{table.positions[some[0]]}: from here on{f' in {group}' if group else ''}, {len(some):,} rows lie on "
                f"{size:,} steps of {grid.words}, so most are missing; say the step, as with --every 1d"
            )
        placed = _placed(own, at - first, size, config.resample)
        for place, name in enumerate(columns.values):
            values = placed[:, place]
            known = np.flatnonzero(~np.isnan(values))
            if not len(known):
                notes.append(f"{' '.join([group, name]).strip()} has no values and was left out")
                continue
            begin, stop = int(known[0]), int(known[-1]) + 1
            title = f"{group} {name}".strip() if several else group or name
            found.append(Series(title, first + begin, values[begin:stop].copy(), placed[begin:, len(columns.values) :]))
    if not found:
        raise TextError(f"{table.positions[0].split(', line')[0]}: there is no series with values")
    missing = sum(int(np.isnan(series.values).sum()) for series in found)
    if missing:
        notes.append(f"{missing:,} of {sum(len(series.values) for series in found):,} values are missing")
    return SeriesTable(found, grid, columns, notes)


def joined(before: Series, after: Series) -> Series:
    """Two parts of a series on one grid; values of the later part count where both have some."""
    start, stop = min(before.start, after.start), max(before.stop, after.stop)
    end = max(before.start + len(before.covariates), after.start + len(after.covariates))
    values = np.full(stop - start, math.nan)
    covariates = np.full((end - start, after.covariates.shape[1]), math.nan)
    for part in (before, after):
        for whole, own in ((values, part.values), (covariates, part.covariates)):
            place = slice(part.start - start, part.start - start + len(own))
            whole[place] = np.where(np.isnan(own), whole[place], own)
    return Series(before.name, start, values, covariates)


def _of_rows(table: ColumnTable) -> list[Series]:
    first, *others = table.columns
    cells = {name: _numbers(table, name) for name in others}
    found: list[Series] = []
    for row, name in enumerate(table.columns[first]):
        values = np.array([cells[other][row] for other in others])
        known = np.flatnonzero(~np.isnan(values))
        if not len(known):
            raise TextError(f"{table.positions[row]}: series {name!r} has no values")
        found.append(Series(name, 0, values[: known[-1] + 1], np.zeros((known[-1] + 1, 0))))
    names = [series.name for series in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise TextError(
            f"{table.positions[names.index(twice)]}: there are two series {twice!r}; each needs its own name"
        )
    return found


def _grouped(table: ColumnTable, group: Sequence[str]) -> Mapping[str, NDArray[np.int64]]:
    if not group:
        return {"": np.arange(len(table))}
    rows: dict[str, list[int]] = {}
    for row, cells in enumerate(zip(*(table.column(name) for name in group), strict=True)):
        rows.setdefault(" ".join(cells), []).append(row)
    return {name: np.array(some, np.int64) for name, some in rows.items()}


def _numeric(cells: Sequence[str]) -> bool:
    return any(cells) and all(not cell or number_of(cell, most=math.inf) is not None for cell in cells)


def _numbers(table: ColumnTable, name: str) -> NDArray[np.float64]:
    found = np.full(len(table), math.nan)
    for row, cell in enumerate(table.column(name)):
        if cell:
            value = number_of(cell)
            if value is None:
                raise TextError(
                    f"{table.positions[row]}: {name} is {cell[:40]!r}; it must be a number of at most {LARGEST:g}, or "
                    "empty"
                )
            found[row] = value
    return found


def _grid_of(
    table: ColumnTable,
    name: str,
    moments: NDArray[np.float64],
    rows: Mapping[str, NDArray[np.int64]],
    dates: bool,
    config: SeriesConfig,
) -> Grid:
    months = dates and all(MONTH.fullmatch(cell) for cell in table.column(name))
    if config.every is None:
        return find_grid([moments[some] for some in rows.values()], dates=dates, months=months)
    grid = parse_every(config.every)
    if dates != (grid.unit != "number"):
        raise UsageError(
            f"--every {config.every} does not fit the column {name}, which holds {'dates' if dates else 'numbers'}"
        )
    if grid.unit == "month":
        return dataclasses.replace(grid, day=0 if months else 1)
    if config.resample is None and grid.unit == "second":
        found, counts = np.unique(moments % grid.every, return_counts=True)
        return dataclasses.replace(grid, phase=float(found[counts.argmax()]))
    return grid


def _whole_steps(
    table: ColumnTable,
    columns: SeriesColumns,
    grid: Grid,
    moments: NDArray[np.float64],
    rows: Mapping[str, NDArray[np.int64]],
    config: SeriesConfig,
) -> NDArray[np.int64]:
    """The step of each row.

    Raises:
        TextError: a row between two steps, or a second one of a step, unless rows are resampled;
            dates of several time zones, unless steps are shorter than a day.
    """
    exact, name = grid.steps(moments), columns.time or ""
    if not grid.divides_day:
        check_one_zone(table, name)
    steps = np.floor(exact + 1e-6)
    if config.resample is None or grid.unit == "weekday":
        off = np.flatnonzero(~(np.abs(exact - np.rint(exact)) < 1e-6))
        if len(off):
            how = "name the step, as with --every 1h, or average with --resample mean"
            raise TextError(
                f"{table.positions[off[0]]}: {name} {table.column(name)[off[0]]} does not lie on the steps of "
                f"{grid.words} of the other rows; {how}"
            )
        steps = np.rint(exact)
    steps = steps.astype(np.int64)
    if config.resample is None:
        for group, some in rows.items():
            order = np.argsort(steps[some], kind="stable")
            again = np.flatnonzero(np.diff(steps[some][order]) == 0)
            if len(again):
                row = int(some[order[again[0] + 1]])
                of = f" of {group}" if group else ""
                how = "--resample mean averages them" if columns.group else "are there several series? --group COLUMN"
                raise TextError(f"{table.positions[row]}: a second row{of} for {name} {table.column(name)[row]}; {how}")
    return steps


def _placed(numbers: NDArray[np.float64], at: NDArray[np.int64], size: int, how: str | None) -> NDArray[np.float64]:
    """Rows ``[N, M]`` on their steps ``[size, M]``."""
    placed = np.full((size, numbers.shape[1]), math.nan)
    if how in (None, "last"):
        for column in range(numbers.shape[1]):
            known = ~np.isnan(numbers[:, column])
            placed[at[known], column] = numbers[known, column]
        return placed
    known = ~np.isnan(numbers)
    sums, counts = np.zeros(placed.shape), np.zeros(placed.shape)
    np.add.at(sums, at, np.where(known, numbers, 0))
    np.add.at(counts, at, known)
    return np.where(counts > 0, sums / (np.maximum(counts, 1) if how == "mean" else 1), math.nan)
