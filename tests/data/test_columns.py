"""Tables of columns: what is read, what each column holds, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data.column_encoding import ColumnEncoding
from elman.data.columns import ColumnsConfig, ColumnTable, read_columns, time_of
from elman.errors import FolderError, TextError, UsageError


def table(**columns: tuple[str, ...]) -> ColumnTable:
    count = len(next(iter(columns.values())))
    return ColumnTable(columns, tuple(f"a.csv, line {number + 2}" for number in range(count)))


def test_csv_and_json_lines_are_the_same_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("age,city,won\n3,Rome,yes\n,NA,no\n")
    (tmp_path / "a.jsonl").write_text('{"age": 3, "city": "Rome", "won": "yes"}\n{"city": null, "won": "no"}\n')
    csv, lines = (read_columns([str(tmp_path / name)], config=ColumnsConfig()) for name in ("a.csv", "a.jsonl"))
    assert csv.columns == lines.columns == {"age": ("3", ""), "city": ("Rome", ""), "won": ("yes", "no")}
    assert csv.positions[1].endswith("a.csv, line 3")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "age\n3\n", "columns are read from .csv, .tsv or .jsonl"),
        ("a.csv", "age\n", "there are no rows"),
        ("a.jsonl", '{"age": [3]}\n', "column 'age' holds a JSON list|column 'age' holds a list"),
        ("a.csv", "age,b\n" + "x" * 1001 + ",1\n", "1,001 characters"),
    ],
)
def test_bad_files_in_one_line(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(TextError, match=message) as caught:
        read_columns([str(tmp_path / name)], config=ColumnsConfig())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"valid_from": "2020-01-01"}, "--valid-from needs the order of the rows"),
        ({"entities": "a,b"}, "--entities needs the order of the rows"),
        ({"time": "date", "test_from": "May"}, "test_from is 'May'"),
        ({"time": "date", "target": "date"}, "they must be two columns"),
        ({"features": "a,b", "drop": "b"}, "both name 'b'"),
    ],
)
def test_settings_that_contradict_each_other(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ColumnsConfig(**settings)


def test_dates_are_days() -> None:
    assert time_of("1972-11-30T06:00+06:00") == time_of("1972-11-30") == 1064.0
    assert time_of("1872-11-30") == 1064 - 36524  # a century with 24 leap days


def test_numbers_are_scaled_by_the_training_part_and_missing_ones_are_marked() -> None:
    rows = table(age=("1", "3", "", "9"), when=("2024-07-01",) * 4)
    encoding = ColumnEncoding.fit(rows.take([0, 1]), ["age", "when"], outcomes=("a", "b"))
    numbers = encoding.encode(rows).numbers
    assert numbers[:, :2].tolist() == [[-1, 0], [1, 0], [0, 1], [5, 0]]  # (9 - 2) / 1, cut to 5
    # Day 183 of a year of 365.25 days, midnight, a Monday.
    calendar = [np.sin(2 * np.pi * 183 / 365.25), np.cos(2 * np.pi * 183 / 365.25), 0, 1, 1, 0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(numbers[0, 2:], calendar, atol=1e-6)


def test_columns_of_the_same_names_share_a_table_and_unknown_values_are_0() -> None:
    rows = table(home=("A", "B", "C"), away=("B", "C", "A"), cup=("X", "Y", "X"))
    encoding = ColumnEncoding.fit(rows, ["home", "away", "cup"], outcomes=("a", "b"))
    assert encoding.table_of_column == (0, 0, 1)
    assert encoding.encode(table(home=("C", "new"), away=("A", "B"))).ids.tolist() == [[3, 1, 0], [0, 2, 0]]


def test_codes_may_be_categories() -> None:
    rows = table(code=("7", "9"))
    assert ColumnEncoding.fit(rows, ["code"], outcomes=("a", "b"), categories=["code"]).tables == (("7", "9"),)


def test_a_word_in_a_column_of_numbers_names_the_line() -> None:
    encoding = ColumnEncoding.fit(table(age=("1", "3")), ["age"], outcomes=("a", "b"))
    with pytest.raises(TextError, match="a.csv, line 3: age is 'old'; in training it was a number"):
        encoding.encode(table(age=("1", "old")))


def test_the_stored_encoding_is_the_same_and_damage_is_noticed() -> None:
    rows = table(age=("1", "3"), city=("Rome", "Oslo"), goals=("0", "2"))
    encoding = ColumnEncoding.fit(rows, ["age", "city"], outcomes=("a", "b"), after=["goals", "city"], target="won")
    data = encoding.to_bytes()
    assert ColumnEncoding.from_bytes(data) == encoding and [column.name for column in encoding.after] == ["goals"]
    for wrong in (
        data[:-1],
        data.replace(b'"scale": 1.0', b'"scale": 0.0'),
        data.replace(b'"table": 0', b'"table": 9'),
        data.replace(b'["a", "b"]', b'["a"]'),
        b"[1]",
        b"{}",
    ):
        with pytest.raises(FolderError, match="columns.json is damaged"):
            ColumnEncoding.from_bytes(wrong)


def test_targets_of_new_outcomes_are_marked() -> None:
    encoding = ColumnEncoding.fit(table(age=("1", "3")), ["age"], outcomes=("no", "yes"))
    assert np.array_equal(encoding.targets(("yes", "maybe", "no")), [1, -1, 0])
