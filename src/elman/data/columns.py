"""Tables of named columns: rows of CSV, TSV or JSON lines as text, the outcome among them.

Cells stay text here; ``column_encoding.py`` finds out what each column holds.
"""

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from elman.config import Config
from elman.errors import TextError, UsageError
from elman.progress import Progress
from elman.text.decoding import check_encoding, raw_lines
from elman.text.readers.record import Record, json_type, listed
from elman.text.readers.table import READERS, reader_of_format
from elman.text.sources import find_sources, total_bytes

TARGET_FIELDS = ("outcome", "winner", "result", "target", "label", "class")
"""Names of columns that obviously hold an outcome, in the order in which they are looked for."""
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
"""Cells, in lower case, that stand for no value."""
MONTH = re.compile(r"\d{4}-\d{2}")
"""A cell that names a month."""
_MOST_COLUMNS = 4096
_LONGEST_CELL = 1000
_SECONDS_OF_A_DAY = 86400
LARGEST = 1e100
"""Cells with a larger absolute value are not numbers."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ColumnsConfig(Config):
    """How rows of columns are read and split."""

    target: str | None = None
    """Column that holds the outcome; default: outcome, winner, result, target, label or class,
    whichever is there."""
    outcomes: str | None = None
    """The outcomes in their order, from one end to the other, such as 'home win,draw,away win';
    then the ranked probability score is measured too."""
    features: str | None = None
    """Columns to predict from, such as 'age,city'; default: all that are left."""
    drop: str | None = None
    """Columns to leave out."""
    after: str | None = None
    """Columns that are known only when the outcome is, such as scores; they never predict their own
    row."""
    entities: str | None = None
    """Columns that name the same kind of thing, such as 'home_team,away_team': each team carries a
    state, updated by each of its rows. Needs --time."""
    categories: str | None = None
    """Columns of numbers that are codes, not amounts."""
    time: str | None = None
    """Column of dates (2024-01-31) or numbers that orders the rows; the last rows are held out."""
    valid_from: str | None = None
    """Time of the first validation row; needs --time."""
    test_from: str | None = None
    """Time of the first test row; needs --time."""
    format: str | None = None
    """Format of the files: csv, tsv or jsonl. Default: by the suffix."""
    encoding: str = "utf-8"
    """Encoding of the files, by a name that Python knows."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_encoding(self.encoding)
        if self.format is not None:
            reader_of_format(self.format)
        if self.time is None:
            for name in ("valid_from", "test_from", "entities"):
                if getattr(self, name) is not None:
                    flag = "--" + name.replace("_", "-")
                    raise UsageError(f"{flag} needs the order of the rows; name their column of dates: --time date")
        for name in ("valid_from", "test_from"):
            value = getattr(self, name)
            if value is not None and time_of(value) is None:
                raise UsageError.of(name, value, "a date such as 2019-01-31, or a number")
        if self.target is not None and self.target == self.time:
            raise UsageError(f"target and time are both {self.time!r}; they must be two columns", field="target")
        named = names_of(self.features)
        for name in ("drop", "after"):
            both = sorted(set(named) & set(names_of(getattr(self, name))))
            if both:
                raise UsageError(f"--features and --{name} both name {both[0]!r}; name it in one of them")


def names_of(value: str | None) -> tuple[str, ...]:
    """The names in a list with commas.

    >>> names_of("age, city,")
    ('age', 'city')
    """
    return tuple(dict.fromkeys(name.strip() for name in (value or "").split(",") if name.strip()))


@dataclasses.dataclass(frozen=True)
class ColumnTable:
    """Rows of columns.

    >>> table = ColumnTable({"age": ("3", "4"), "won": ("yes", "no")}, ("a.csv, line 2", "a.csv, line 3"))
    >>> len(table), table.take([1]).columns["won"]
    (2, ('no',))
    """

    columns: Mapping[str, tuple[str, ...]]
    """The cells of each column; "" where there is no value."""
    positions: tuple[str, ...]
    """File and line of each row, for messages."""

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, rows: Iterable[int]) -> "ColumnTable":
        """Some of the rows."""
        chosen = list(rows)
        columns = {name: tuple(cells[row] for row in chosen) for name, cells in self.columns.items()}
        return ColumnTable(columns, tuple(self.positions[row] for row in chosen))

    def column(self, name: str) -> tuple[str, ...]:
        """The cells of a column.

        Raises:
            TextError: there is none of that name.
        """
        if name not in self.columns:
            where = self.positions[0].split(", line")[0] if self.positions else "the data"
            raise TextError(f"{where}: no column {name!r}; its columns are: {listed(self.columns)}")
        return self.columns[name]

    @property
    def hash(self) -> str:
        """The SHA-256 of names and cells."""
        return hashlib.sha256(repr(list(self.columns.items())).encode()).hexdigest()


def read_columns(sources: Sequence[str], *, config: ColumnsConfig, progress: Progress | None = None) -> ColumnTable:
    """All rows of all sources, in order.

    Raises:
        TextError: a file cannot be read, is not in its format, or has other columns than the first.
    """
    progress = progress or Progress()
    found = find_sources(sources, progress=progress)
    rows: list[Mapping[str, str]] = []
    positions: list[str] = []
    with progress.stage("reading", total=total_bytes(found), unit="bytes") as advance:
        for source in found:
            if source.kind == "builtin":
                raise UsageError(f"{source.name} has no columns; name files with rows")
            reader = reader_of_format(config.format) if config.format else READERS.get(source.suffix)
            if reader is None or source.suffix in (".txt", ".ft") and not config.format:
                raise TextError(f"{source.name}: columns are read from .csv, .tsv or .jsonl; name one with --format")
            for record in reader(raw_lines(source, encoding=config.encoding, advance=advance), name=source.name):
                rows.append(cells_of(record))
                positions.append(record.position)
    if not rows:
        raise TextError(f"{found[0].name}: there are no rows; give a first line of names, then one row a line")
    return table_of(rows, positions)


def table_of(rows: Sequence[Mapping[str, str]], positions: Sequence[str]) -> ColumnTable:
    """The table of rows; cells that a row lacks are empty.

    Raises:
        TextError: too many columns.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(names) > _MOST_COLUMNS:
        raise TextError(f"there are {len(names):,} columns, and at most {_MOST_COLUMNS:,} are read")
    return ColumnTable({name: tuple(row.get(name, "") for row in rows) for name in names}, tuple(positions))


def cells_of(record: Record) -> dict[str, str]:
    """The cells of a record as text.

    Raises:
        TextError: a value that is neither text, number nor true or false, or text that is too long.

    >>> cells_of(Record({"age": 3, "city": " Rome ", "won": None}, 1, "a.jsonl"))
    {'age': '3', 'city': 'Rome', 'won': ''}
    """
    return {name: cell_of(value, name=name, position=record.position) for name, value in record.fields.items()}


def cell_of(value: Any, *, name: str, position: str) -> str:
    """A value as the text of a cell.

    Raises:
        TextError: as ``cells_of``.
    """
    if isinstance(value, bool):
        return str(value).lower()
    text = "" if value is None else str(value).strip() if isinstance(value, (str, int, float)) else None
    if text is None:
        raise TextError(f"{position}: column {name!r} holds a {json_type(value)}; give text, numbers or true and false")
    if len(text) > _LONGEST_CELL or "\0" in text:
        raise TextError(
            f"{position}: column {name!r} holds {len(text):,} characters; at most {_LONGEST_CELL:,} are read"
        )
    return "" if text.lower() in MISSING else text


def number_of(cell: str, *, most: float = LARGEST) -> float | None:
    """The number in a cell, if it is one.

    >>> number_of("1e3"), number_of("nan"), number_of("1_0"), number_of("inf")
    (1000.0, None, None, None)
    """
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if abs(value) <= most and "_" not in cell else None


def time_of(cell: str) -> float | None:
    """The time in a cell: days since 1970 of a date, or a number.

    >>> time_of("1970-01-03"), time_of("1970-01-01T12:00"), time_of("7"), time_of("May")
    (2.0, 0.5, 7.0, None)
    """
    if "-" in cell[1:]:
        moment = moment_of(cell)
        if moment is not None:
            return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / _SECONDS_OF_A_DAY
    return number_of(cell)


def moment_of(cell: str) -> datetime | None:
    """The date in a cell, by default in UTC; a month is its first day.

    >>> str(moment_of("1949-02"))
    '1949-02-01 00:00:00+00:00'
    """
    try:
        found = datetime.fromisoformat(f"{cell}-01" if MONTH.fullmatch(cell) else cell)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def zone_of(cell: str) -> timedelta | None:
    """How far the time zone of a date is from UTC; None if it names none, or is no date.

    >>> zone_of("2024-01-31 15:00+01:00"), zone_of("2024-01-31")
    (datetime.timedelta(seconds=3600), None)
    """
    try:
        return datetime.fromisoformat(cell).utcoffset()
    except ValueError:
        return None


def times_of(table: ColumnTable, name: str) -> list[float]:
    """The time of each row.

    Raises:
        TextError: a cell that holds none; says where.
    """
    found: list[float] = []
    for cell, position in zip(table.column(name), table.positions, strict=True):
        time = time_of(cell)
        if time is None:
            raise TextError(f"{position}: {name} is {cell[:40]!r}; it must be a date such as 2019-01-31, or a number")
        found.append(time)
    return found


def rows_of_lines(lines: Iterator[str], *, name: str) -> Iterator[dict[str, str]]:
    """The rows of CSV with a line of names, or of JSON lines, one after the other.

    >>> list(rows_of_lines(iter(["age,city", "3,Rome"]), name="input"))
    [{'age': '3', 'city': 'Rome'}]
    """
    first = next(lines, None)
    if first is None:
        return
    reader = READERS[".jsonl" if first.lstrip().startswith("{") else ".csv"]

    def again() -> Iterator[str]:
        yield first
        yield from lines

    for record in reader(again(), name=name):
        yield cells_of(record)
