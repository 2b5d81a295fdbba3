"""Series from tables: which columns, which steps, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from elman.data.series import SeriesConfig, joined, read_series
from elman.errors import TextError, UsageError


def written(path: Path, text: str) -> str:
    file = path / "rows.csv"
    file.write_text(text)
    return str(file)


def values_of(path: Path, text: str, **settings: object) -> dict[str, list[float]]:
    table = read_series([written(path, text)], config=SeriesConfig.from_json(settings))
    return {series.name: series.values.tolist() for series in table.series}


def test_obvious_columns_need_no_name(tmp_path: Path) -> None:
    assert values_of(tmp_path, "Month,Passengers\n1949-01,112\n1949-02,118\n") == {"Passengers": [112, 118]}
    assert values_of(tmp_path, "y,z\n1,5\n2,6\n") == {"y": [1, 2]}
    # Dates are times under any name.
    assert values_of(tmp_path, "Umsatz,Datum\n5,2024-01-02\n7,2024-01-01\n") == {"Umsatz": [7, 5]}
    with pytest.raises(UsageError, match="--value.*a, b"):
        values_of(tmp_path, "a,b\n1,5\n2,6\n")


def test_groups_columns_and_gaps(tmp_path: Path) -> None:
    text = "date,shop,a,b\n2024-01-02,x,2,20\n2024-01-01,x,1,10\n2024-01-01,y,5,\n2024-01-04,x,4,\n2024-01-02,y,6,60\n"
    found = values_of(tmp_path, text, group="shop", value="a,b")
    nan = float("nan")
    np.testing.assert_equal(found, {"x a": [1, 2, nan, 4], "x b": [10, 20], "y a": [5, 6], "y b": [60]})


def test_each_row_is_a_series(tmp_path: Path) -> None:
    assert values_of(tmp_path, "name,1,2,3\nH1,5,6,7\nH2,8,9,\n", wide=True) == {"H1": [5, 6, 7], "H2": [8, 9]}
    with pytest.raises(TextError, match="two series 'H1'"):
        values_of(tmp_path, "name,1,2\nH1,5,6\nH1,8,9\n", wide=True)


def test_covariates_are_known_beyond_the_values(tmp_path: Path) -> None:
    text = "t,y,price\n1,5,1\n2,6,2\n3,,3\n4,,4\n"
    (series,) = read_series([written(tmp_path, text)], config=SeriesConfig(covariates="price", time="t")).series
    assert series.values.tolist() == [5, 6] and series.covariates.ravel().tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("t,y\n1,5\n2,six\n", {"time": "t"}, "line 3: y is 'six'"),
        ("date,y\n2024-01-01,5\nJan,6\n", {}, "line 3: date is 'Jan'"),
        ("date,y\n2024-01-01,5\n2024-01-02,6\n2024-01-02,7\n", {}, "line 4: a second row for date 2024-01-02.*--group"),
        ("date,y\n2024-01-01,5\n2024-01-02,6\n2024-01-03,7\n2024-01-03 11:07,7\n", {}, "line 5.*11:07.*steps of 1 day"),
        ("date,y\n2024-01-01,5\n2024-01-02,6\n2124-01-03,7\n", {}, "so most are missing"),
        ("date,y\n2024-01-01,\n2024-01-02,\n", {}, "no column|which column|no series"),
        ("t,y\n1,5\n2,6\n", {"value": "z"}, "no column 'z'"),
        ("t,y\n1,5\n2,inf\n", {"time": "t"}, "line 3: y is 'inf'; it must be a number of at most 1e\\+100"),
        ("month,sold\n1,5\n2,-inf\n", {}, "line 3: sold is '-inf'"),
        (
            "date,y\n2024-03-30T00:00+01:00,5\n2024-03-31T00:00+01:00,6\n2024-04-01T00:00+02:00,7\n",
            {},
            r"line 4: date is 2024-04-01T00:00\+02:00, in another time zone than 2024-03-30T00:00\+01:00",
        ),
        ("date,y\n2024-01-01 00:00+00:00,5\n2024-01-02 00:00+01:00,6\n", {}, "line 3.*another time zone"),
        ("date,y\n2024-01-01,5\n2024-01-02,6\n", {"every": "2"}, "does not fit"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, text: str, settings: dict[str, object], message: str
) -> None:
    with pytest.raises((TextError, UsageError), match=message):
        values_of(tmp_path, text, **settings)


def test_resampling(tmp_path: Path) -> None:
    text = "time,y\n2024-01-01 00:10,1\n2024-01-01 00:50,3\n2024-01-01 02:00,7\n2024-01-01 03:30,\n2024-01-01 03:40,8\n"
    nan = float("nan")
    for how, wanted in (("mean", [2, nan, 7, 8]), ("sum", [4, nan, 7, 8]), ("last", [3, nan, 7, 8])):
        np.testing.assert_equal(values_of(tmp_path, text, resample=how, every="1h"), {"y": wanted})


def test_hours_go_on_when_the_clocks_change(tmp_path: Path) -> None:
    text = "time,y\n2024-03-31T01:00+01:00,1\n2024-03-31T03:00+02:00,2\n2024-03-31T04:00+02:00,3\n"
    table = read_series([written(tmp_path, text)], config=SeriesConfig())
    assert table.grid.words == "1 hour" and table.series[0].values.tolist() == [1, 2, 3]


def test_parts_are_joined_by_their_steps(tmp_path: Path) -> None:
    (one,), (two,) = (
        read_series([written(tmp_path, text)], config=SeriesConfig(time="t")).series
        for text in ("t,y\n1,5\n2,6\n3,7\n", "t,y\n3,70\n4,8\n6,9\n")
    )
    whole = joined(one, two)
    np.testing.assert_equal(whole.values, [5, 6, 70, 8, np.nan, 9])
    assert whole.start == one.start


def test_levels_are_checked() -> None:
    for levels in ("0.1,0.9", "0.5,0.1", "0.5,1", "0.5,x"):
        with pytest.raises(UsageError, match="levels"):
            SeriesConfig(levels=levels)
