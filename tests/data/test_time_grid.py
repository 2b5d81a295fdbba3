"""Steps found from time stamps, and the calendar of a step."""

from datetime import UTC, datetime

import numpy as np
import pytest

from elman.data.time_grid import Grid, find_grid, moment_number, parse_every
from elman.errors import TextError, UsageError


def found(*cells: str, months: bool = False) -> Grid:
    moments = [moment_number(cell, dates="-" in cell) for cell in cells]
    return find_grid([np.array(moments, float)], dates="-" in cells[0], months=months)


@pytest.mark.parametrize(
    ("cells", "words", "season", "after"),
    [
        (("2024-01-31 22:00", "2024-01-31 23:00", "2024-02-01 00:00"), "1 hour", 24, "2024-02-01 01:00:00"),
        (("2024-01-01", "2024-01-02", "2024-01-04"), "1 day", 7, "2024-01-05"),
        (("2024-01-31", "2024-02-29", "2024-03-31"), "1 month", 12, "2024-04-30"),
        (("2024-01-15", "2024-04-15", "2024-07-15"), "3 months", 4, "2024-10-15"),
        (("2024-01-03", "2024-01-10", "2024-01-17", "2024-01-24"), "1 week", 52, "2024-01-31"),
        (("1700", "1701", "1702"), "1", None, "1703"),
        (("0.5", "0.75", "1.0"), "0.25", None, "1.25"),
    ],
)
def test_the_step_is_found_and_goes_on(cells: tuple[str, ...], words: str, season: int | None, after: str) -> None:
    grid = found(*cells)
    assert (grid.words, grid.season) == (words, season)
    last = grid.step_of(cells[-1])
    assert last is not None and last == round(last)
    assert grid.labels(np.array([round(last), round(last) + 1])) == [grid.labels(np.array([round(last)]))[0], after]


def test_months_without_days_are_written_as_they_came() -> None:
    grid = found("1949-11", "1949-12", months=True)
    assert grid.labels(np.array([round(grid.step_of("1949-12") or 0) + 1])) == ["1950-01"]


def test_days_from_monday_to_friday() -> None:
    days = [day for day in np.arange("2024-01-01", "2024-02-01", dtype="M8[D]") if np.is_busday(day)]
    grid = found(*map(str, days))
    friday, monday, sunday = (grid.step_of(f"2024-02-{day}") for day in ("02", "05", "04"))
    assert (grid.words, grid.season) == ("1 weekday", 5)
    assert friday is not None and monday == friday + 1 and sunday != sunday
    assert grid.labels(np.array([round(friday) + 1])) == ["2024-02-05"]


@pytest.mark.parametrize("text", ["2024-02-29 17:30", "1999-12-31 00:00", "1969-07-20 20:17"])
def test_the_calendar_is_that_of_datetime(text: str) -> None:
    grid = Grid("second", 60.0)
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    (row,) = grid.calendar(np.array([round(grid.step_of(text) or 0)]), ("day", "week"))
    hours = moment.hour + moment.minute / 60
    assert row[0] == pytest.approx(np.sin(2 * np.pi * hours / 24), abs=1e-6)
    assert row[2] == pytest.approx(np.cos(2 * np.pi * hours / 24), abs=1e-6)
    assert row[4:].tolist() == [float(moment.weekday() == day) for day in range(7)]


def test_only_a_calendar_that_repeats_is_read() -> None:
    hours = Grid("second", 3600.0)
    assert hours.calendar_parts(24) == () and hours.calendar_parts(400) == ("day", "week")
    assert hours.calendar_parts(20_000) == ("day", "week", "year")
    assert Grid("month", 1.0).calendar_parts(120) == ("year",) and Grid("number", 1.0).calendar_parts(999) == ()


def test_steps_are_named_or_refused() -> None:
    assert parse_every("2w").every == 14 * 86400 and parse_every("q").words == "3 months"
    for text in ("", "h1", "0d", "1.5h", "1 h", "-1d"):
        with pytest.raises(UsageError, match="15min"):
            parse_every(text)
    with pytest.raises(TextError, match="--every"):
        found("2024-01-01")
