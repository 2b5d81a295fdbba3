"""Grid: the regular steps of time series, found from their time stamps, and the calendar of a step.

A step is a number of seconds, of days from Monday to Friday, of months, or a distance between
numbers.
"""

import dataclasses
import math
import re
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import ColumnTable, moment_of, number_of, zone_of
from elman.errors import TextError, UsageError

Unit = Literal["number", "second", "weekday", "month"]
Moments = NDArray[np.float64]
"""Seconds since 1970 in UTC, or plain numbers."""
_DAY = 86400
_UNITS: dict[str, tuple[Unit, int]] = {
    "s": ("second", 1), "min": ("second", 60), "h": ("second", 3600), "d": ("second", _DAY), "b": ("weekday", 1),
    "w": ("second", 7 * _DAY), "mo": ("month", 1), "q": ("month", 3), "y": ("month", 12),
}  # fmt: skip
_CALENDAR = {"day": 4, "week": 7, "year": 4}
"""Numbers of each part of a calendar."""
_FIRST_MONDAY = 4
"""The first Monday since 1970 in days."""


@dataclasses.dataclass(frozen=True)
class Grid:
    """The steps of a time axis; step 0 is at ``phase``.

    >>> months = Grid("month", 1.0)
    >>> months.labels(np.array([-1, 0])), months.season
    (['1969-12', '1970-01'], 12)
    """

    unit: Unit
    every: float
    """Units from one step to the next."""
    phase: float = 0.0
    """The moment of step 0, in units."""
    day: int = 0
    """Of months: the day that is written; 31 is the last one, and 0 writes none."""

    def steps(self, moments: Moments) -> NDArray[np.float64]:
        """The step of each moment; not whole for a moment between two steps, and NaN on a weekend
        of weekdays."""
        found = moments
        if self.unit in ("weekday", "month"):
            days = np.floor(moments / _DAY).astype("M8[D]")
            found = days.astype("M8[M]").astype(np.float64)
            if self.unit == "weekday":
                found = np.where(np.is_busday(days), np.busday_count(np.datetime64("1970-01-01"), days), math.nan)
        return (found - self.phase) / self.every

    def step_of(self, cell: str) -> float | None:
        """The step of a time stamp, as ``steps``; None if it is none.

        >>> Grid("month", 1.0).step_of("1970-03"), Grid("month", 1.0).step_of("March")
        (2.0, None)
        """
        moment = moment_number(cell, dates=self.unit != "number")
        return None if moment is None else float(self.steps(np.array([moment]))[0])

    def labels(self, steps: NDArray[np.int64]) -> list[str]:
        """The time stamps of steps, as a file has them."""
        units = steps * self.every + self.phase
        if self.unit == "number":
            return [f"{unit:.12g}" for unit in units.tolist()]
        if self.unit == "month" and not self.day:
            return units.astype(np.int64).astype("M8[M]").astype(str).tolist()
        moments = self._seconds(steps).astype("M8[s]")
        whole = self.unit != "second" or (self.every % _DAY == 0 and self.phase % _DAY == 0)
        return [str(moment).replace("T", " ") for moment in (moments.astype("M8[D]") if whole else moments)]

    def calendar(self, steps: NDArray[np.int64], parts: Sequence[str]) -> NDArray[np.float32]:
        """Where steps lie in the day, the week and the year ``[N, C]``.

        Day and year are two waves each, the week is a one-hot vector.
        """
        seconds = self._seconds(steps) if parts else steps
        found = []
        for part in parts:
            days = seconds / _DAY
            if part == "week":
                found.append(np.eye(7)[(np.floor(days).astype(np.int64) - _FIRST_MONDAY) % 7])
                continue
            turns = days[:, None] * (2 * math.pi / (1 if part == "day" else 365.2425)) * np.array([1, 2])
            found.append(np.concatenate([np.sin(turns), np.cos(turns)], axis=1))
        return np.concatenate(found, axis=1).astype(np.float32) if found else np.zeros((len(steps), 0), np.float32)

    def calendar_parts(self, span: int) -> tuple[str, ...]:
        """The parts of the calendar that tell steps apart and that this many steps repeat."""
        if self.unit == "number":
            return ()
        days = self._days(1)
        seen = {"day": days < 1, "week": days <= 1, "year": days <= 92}
        once = {"day": 1, "week": 7, "year": 366}
        return tuple(part for part in _CALENDAR if seen[part] and self._days(span) >= 2 * once[part])

    @property
    def season(self) -> int | None:
        """Steps of the usual season: a day of hours, a week of days, a year of weeks or months."""
        if self.unit == "number":
            return None
        if self.unit == "weekday":
            return 5
        days = self._days(1)
        whole = 1 if days < 1 else 7 if days < 7 else 365.25
        return max(1, round(whole / days))

    @property
    def divides_day(self) -> bool:
        """Whether a day is several steps: such steps are the same in every time zone."""
        return self.unit == "second" and self.every < _DAY and _DAY % self.every == 0

    @property
    def words(self) -> str:
        """The step, for people."""
        if self.unit == "second":
            names = {7 * _DAY: "week", _DAY: "day", 3600: "hour", 60: "minute", 1: "second"}
            size = next((size for size in names if self.every % size == 0), 1)
            return _counted(self.every / size, names[size])
        return _counted(self.every, "" if self.unit == "number" else self.unit)

    def _days(self, steps: int) -> float:
        length = {"second": 1 / _DAY, "weekday": 7 / 5, "month": 365.25 / 12}
        return steps * self.every * length[self.unit]

    def _seconds(self, steps: NDArray[np.int64]) -> NDArray[np.float64]:
        units = (steps * self.every + self.phase).astype(np.float64)
        if self.unit == "second":
            return units
        whole = units.astype(np.int64)
        if self.unit == "weekday":
            return np.busday_offset(np.datetime64("1970-01-01"), whole).astype(np.float64) * _DAY
        first = whole.astype("M8[M]").astype("M8[D]").astype(np.int64)
        length = (whole + 1).astype("M8[M]").astype("M8[D]").astype(np.int64) - first
        return (first + np.minimum(max(self.day, 1), length) - 1).astype(np.float64) * _DAY

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def moment_number(cell: str, *, dates: bool) -> float | None:
    """A date as seconds since 1970, or else a number; None if the cell holds none."""
    if not dates:
        return number_of(cell)
    moment = moment_of(cell) if "-" in cell[1:] else None
    return None if moment is None else moment.timestamp()


def moments_of(table: ColumnTable, name: str) -> tuple[NDArray[np.float64], bool]:
    """The times of all rows, and whether they are dates.

    Raises:
        TextError: a cell that holds none; says where.
    """
    cells = table.column(name)
    dates = "-" in cells[0][1:]
    found = np.zeros(len(cells))
    for row, cell in enumerate(cells):
        moment = moment_number(cell, dates=dates)
        if moment is None:
            wanted = "a date such as 2019-01-31 or 2019-01" if dates or not row else "a number, as in the first row"
            raise TextError(f"{table.positions[row]}: {name} is {cell[:40]!r}; it must be {wanted}")
        found[row] = moment
    return found, dates


def check_one_zone(table: ColumnTable, name: str) -> None:
    """Refuse dates of several time zones.

    Raises:
        TextError: says where the second one comes.
    """
    cells = table.column(name)
    first = zone_of(cells[0])
    for cell, position in zip(cells, table.positions, strict=True):
        if zone_of(cell) != first:
            raise TextError(
                f"{position}: {name} is {cell}, in another time zone than {cells[0]} of the first row; give all in one "
                "zone, or leave zones out"
            )


def all_dates(cells: Sequence[str]) -> bool:
    """Whether every cell is a date.

    >>> all_dates(["2024-01-31", "2024-02"]), all_dates(["31", "2"]), all_dates([])
    (True, False, False)
    """
    return bool(cells) and all(moment_number(cell, dates=True) is not None for cell in cells)


def calendar_size(parts: Sequence[str]) -> int:
    """Numbers of a calendar (C).

    Raises:
        ValueError: an unknown part.
    """
    if not set(parts) <= set(_CALENDAR):
        raise ValueError("a part of the calendar")
    return sum(_CALENDAR[part] for part in parts)


def parse_every(text: str) -> Grid:
    """A step such as 15min, 1h, 1d, 1b (Monday to Friday), 1w, 1mo, 1q or 1y, or a number.

    Raises:
        UsageError: anything else.

    >>> parse_every("15min").words, parse_every("mo").words
    ('15 minutes', '1 month')
    """
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)?(s|min|h|d|b|w|mo|q|y)?", text)
    count = float(found.group(1) or 1) if found else 0.0
    if found is None or not text or not count or (found.group(2) and count % 1):
        raise UsageError.of("every", text, "a step such as 15min, 1h, 1d, 1b, 1w, 1mo, 1q, 1y, or a number")
    unit, size = _UNITS[found.group(2)] if found.group(2) else ("number", 1)
    return Grid(unit, count * size, _FIRST_MONDAY * _DAY if found.group(2) == "w" else 0.0)


def find_grid(series: Sequence[Moments], *, dates: bool, months: bool) -> Grid:
    """The grid that the moments of most rows lie on.

    Args:
        series: of each series.
        dates: whether they are seconds, not plain numbers.
        months: whether the cells name months only.

    Raises:
        TextError: no series has two moments.
    """
    unique = [np.unique(moments) for moments in series]
    gaps = np.concatenate([np.diff(moments) for moments in unique])
    if not len(gaps):
        raise TextError("no series has two rows of different times, so no step can be found; say it: --every 1d")
    every = np.concatenate(unique)
    sizes, counts = np.unique(gaps, return_counts=True)
    usual = float(sizes[counts.argmax()])
    if not dates:
        return Grid("number", usual, _usual(every % usual))
    days = np.floor(every / _DAY).astype("M8[D]")
    if months or (float(gaps.min()) >= 28 * _DAY and not (len(sizes) == 1 and len(gaps) > 2)):
        gap = max(1, round(float(np.median(gaps)) / (365.25 / 12 * _DAY)))
        whole = days.astype("M8[M]").astype(np.float64)
        places = (days - days.astype("M8[M]").astype("M8[D]")).astype(np.int64) + 1
        same = int(places[0]) if (places == places[0]).all() else 31
        return Grid("month", float(gap), _usual(whole % gap), 0 if months else same)
    if usual == _DAY and len(every) >= 10 and np.is_busday(days).all():
        return Grid("weekday", 1.0)
    return Grid("second", usual, _usual(every % usual))


def _usual(values: NDArray[np.float64]) -> float:
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()])


def _counted(count: float, unit: str) -> str:
    return f"{count:g} {unit}{'s' * (count != 1)}" if unit else f"{count:g}"
