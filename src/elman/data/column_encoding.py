"""ColumnEncoding: from cells of text to ids and numbers, fitted on the training part alone.

A column of dates becomes its place in the year, the week and the day; a column of numbers is scaled
to mean 0 and variance 1; any other is a category with a table of values. Columns whose values are
mostly the same, such as two teams, share a table. Id 0 of a table is any value that it lacks.
"""

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import ColumnTable, moment_of, number_of
from elman.errors import FolderError, TextError

COLUMNS_FILE = "columns.json"
MOST_OUTCOMES = 1000
_MOST_VALUES = 1 << 16
_SHARED = 0.5
"""Tables are shared where at least this share of the values of both is the same."""
_FURTHEST = 5.0
"""Scaled numbers are cut to this many standard deviations."""
_ROWS_PER_OCCURRENCE = 2000
"""For each multiple of this many rows, a value must occur once more; rarer ones are unknown, so
that the unknown value is learned."""
_MOST_OCCURRENCES = 10
_DATE_SIZE = 11
"""The sine and cosine of the year and the day, and the day of the week."""

Kind = Literal["number", "category", "date"]


class EncodedColumns(NamedTuple):
    """N rows as the network reads them."""

    ids: NDArray[np.int64]
    """``[N, C]``, one for each column of categories."""
    numbers: NDArray[np.float32]
    """``[N, M]``."""

    def take(self, rows: NDArray[np.int64]) -> "EncodedColumns":
        """Some of the rows."""
        return EncodedColumns(self.ids[rows], self.numbers[rows])


@dataclasses.dataclass(frozen=True)
class Column:
    """One column."""

    name: str
    kind: Kind
    mean: float = 0.0
    scale: float = 1.0
    """Of numbers."""
    table: int = 0
    """Of categories: the number of its table."""


@dataclasses.dataclass(frozen=True)
class ColumnEncoding:
    """What every column holds, and the outcomes.

    >>> table = ColumnTable({"age": ("3", "5"), "city": ("Rome", "Oslo")}, ("", ""))
    >>> encoding = ColumnEncoding.fit(table, ["age", "city"], outcomes=("no", "yes"))
    >>> encoding.encode(table).ids.tolist(), encoding.encode(table).numbers.tolist()
    ([[2], [1]], [[-1.0, 0.0], [1.0, 0.0]])
    """

    columns: tuple[Column, ...]
    tables: tuple[tuple[str, ...], ...]
    """The values of each table by id - 1."""
    outcomes: tuple[str, ...]
    ordered: bool = False
    """Whether the outcomes have an order."""
    after: tuple[Column, ...] = ()
    """Columns of numbers that are known when the outcome is."""
    target: str = ""
    """The column of the outcome."""
    entities: tuple[str, ...] = ()
    """The columns that name entities with states."""
    time: str | None = None
    """The column that orders the rows."""
    pace: float = 1.0
    """The usual time between two rows of an entity."""

    @classmethod
    def fit(
        cls,
        train: ColumnTable,
        names: Sequence[str],
        *,
        outcomes: Sequence[str],
        categories: Sequence[str] = (),
        after: Sequence[str] = (),
        **more: Any,
    ) -> "ColumnEncoding":
        """Find out what the columns hold.

        Args:
            names: the columns to read.
            categories: those whose numbers are codes.
            after: columns that are known when the outcome is; those without numbers are left out.
            more: the other fields.
        """
        columns: list[Column] = []
        values: list[Counter[str]] = []
        for name in names:
            cells = [cell for cell in train.column(name) if cell]
            kind: Kind = "category" if name in categories else _kind(cells)
            if kind == "number":
                columns.append(_scaled(name, cells))
            elif kind == "category":
                columns.append(Column(name, kind, table=_place(values, Counter(cells))))
            else:
                columns.append(Column(name, kind))
        fewest = min(1 + -(-len(train) // _ROWS_PER_OCCURRENCE), _MOST_OCCURRENCES) if len(train) >= 200 else 1
        tables = tuple(
            tuple(sorted(value for value, count in counts.most_common(_MOST_VALUES) if count >= fewest))
            for counts in values
        )
        filled = {name: [cell for cell in train.column(name) if cell] for name in after}
        known = tuple(_scaled(name, cells) for name, cells in filled.items() if _kind(cells) == "number")
        return cls(tuple(columns), tables, tuple(outcomes), after=known, **more)

    def encode_after(self, table: ColumnTable) -> NDArray[np.float32]:
        """What is known of rows when their outcome is ``[N, 2 A]``."""
        return _encode_numbers(self.after, table)

    @property
    def categories(self) -> tuple[Column, ...]:
        """The columns of categories, in the order of ids."""
        return tuple(column for column in self.columns if column.kind == "category")

    @property
    def table_of_column(self) -> tuple[int, ...]:
        """The table of each column of categories."""
        return tuple(column.table for column in self.categories)

    @property
    def numbers(self) -> int:
        """Numbers of a row (M)."""
        return sum({"number": 2, "date": _DATE_SIZE, "category": 0}[column.kind] for column in self.columns)

    def encode(self, table: ColumnTable) -> EncodedColumns:
        """Ids and numbers of rows; a missing column is missing in every row, and the outcome is not
        needed.

        Raises:
            TextError: a cell of a column of numbers or dates that holds none; says where.
        """
        ids = np.zeros((len(table), len(self.categories)), np.int64)
        numbers = np.zeros((len(table), self.numbers), np.float32)
        category, start = 0, 0
        for column in self.columns:
            cells = table.columns.get(column.name) or ("",) * len(table)
            if column.kind == "category":
                known = self._ids[column.table]
                ids[:, category] = [known.get(cell, 0) for cell in cells]
                category += 1
            elif column.kind == "number":
                numbers[:, start : start + 2] = _encode_numbers([column], table)
                start += 2
            else:
                numbers[:, start : start + _DATE_SIZE] = [
                    _calendar(cell, column, table, row) for row, cell in enumerate(cells)
                ]
                start += _DATE_SIZE
        return EncodedColumns(ids, numbers)

    @cached_property
    def _ids(self) -> list[dict[str, int]]:
        return [{value: number for number, value in enumerate(values, 1)} for values in self.tables]

    def targets(self, cells: Sequence[str]) -> NDArray[np.int64]:
        """The outcome of each row, -1 for one that training did not have."""
        known = {name: number for number, name in enumerate(self.outcomes)}
        return np.array([known.get(cell, -1) for cell in cells], np.int64)

    def to_bytes(self) -> bytes:
        values = {
            **{name: [dataclasses.asdict(column) for column in getattr(self, name)] for name in ("columns", "after")},
            "tables": [list(values) for values in self.tables],
            **{name: list(getattr(self, name)) for name in ("outcomes", "entities")},
            **{name: getattr(self, name) for name in ("ordered", "target", "time", "pace")},
        }
        return json.dumps(values, ensure_ascii=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "ColumnEncoding":
        """Rebuild from ``to_bytes``.

        Raises:
            FolderError: it is not as it was written.
        """
        try:
            values = json.loads(data)
            tables = tuple(tuple(map(_string, table)) for table in values["tables"])
            lists: dict[str, Any] = {
                name: tuple(_checked(Column(**column), tables=len(tables)) for column in values[name])
                for name in ("columns", "after")
            }
            names: dict[str, Any] = {name: tuple(map(_string, values[name])) for name in ("outcomes", "entities")}
            rest = {"ordered": values["ordered"] is True, "target": _string(values["target"]), "time": values["time"]}
            encoding = cls(**lists, **names, **rest, tables=tables, pace=float(values["pace"]))
            good = 2 <= len(encoding.outcomes) <= MOST_OUTCOMES and encoding.to_bytes() == data
            good &= encoding.time is None or isinstance(encoding.time, str)
            good &= math.isfinite(encoding.pace) and encoding.pace > 0
        except (ValueError, KeyError, TypeError, RecursionError):
            good, encoding = False, None
        if not good or encoding is None:
            raise FolderError(f"{COLUMNS_FILE} is damaged; copy the folder again")
        return encoding


def _checked(column: Column, *, tables: int) -> Column:
    numbers: Mapping[str, Any] = {"mean": column.mean, "scale": column.scale}
    good = isinstance(column.name, str) and column.kind in ("number", "category", "date")
    good &= all(isinstance(value, float) and math.isfinite(value) for value in numbers.values()) and column.scale > 0
    if not good or type(column.table) is not int or not 0 <= column.table < max(tables, 1):
        raise ValueError("a column")
    return column


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a value")
    return value


def _kind(cells: Sequence[str]) -> Kind:
    if not cells:
        return "category"
    if all(number_of(cell) is not None for cell in cells):
        return "number"
    return "date" if all("-" in cell[1:] and moment_of(cell) is not None for cell in cells) else "category"


def _place(tables: list[Counter[str]], values: Counter[str]) -> int:
    """The table of a column's values, shared with a column of much the same values."""
    for number, table in enumerate(tables):
        union = len(table.keys() | values.keys())
        # Of few values, such as true and false, agreement may be chance.
        if union > 2 and len(table.keys() & values.keys()) >= _SHARED * union:
            table.update(values)
            return number
    tables.append(values)
    return len(tables) - 1


def _scaled(name: str, cells: Sequence[str]) -> Column:
    """A column of numbers with the mean and the deviation of these."""
    numbers = np.array([number_of(cell) for cell in cells], np.float64)
    spread = float(numbers.std())
    return Column(name, "number", mean=float(numbers.mean()), scale=spread if 0 < spread < math.inf else 1.0)


def _encode_numbers(columns: Sequence[Column], table: ColumnTable) -> NDArray[np.float32]:
    """Two numbers for each column ``[N, 2 C]``: the scaled value, and whether there is none."""
    numbers = np.zeros((len(table), 2 * len(columns)), np.float32)
    for place, column in enumerate(columns):
        cells = table.columns.get(column.name) or ("",) * len(table)
        found = np.array([_number(cell, column, table, row) for row, cell in enumerate(cells)], np.float64)
        missing = np.isnan(found)
        scaled = np.where(missing, 0, (found - column.mean) / column.scale)
        numbers[:, 2 * place] = np.clip(scaled, -_FURTHEST, _FURTHEST)
        numbers[:, 2 * place + 1] = missing
    return numbers


def _number(cell: str, column: Column, table: ColumnTable, row: int) -> float:
    if not cell:
        return math.nan
    value = number_of(cell)
    if value is None:
        raise TextError(f"{table.positions[row]}: {column.name} is {cell[:40]!r}; in training it was a number")
    return value


def _calendar(cell: str, column: Column, table: ColumnTable, row: int) -> list[float]:
    if not cell:
        return [0.0] * _DATE_SIZE
    moment = moment_of(cell)
    if moment is None:
        raise TextError(f"{table.positions[row]}: {column.name} is {cell[:40]!r}; it must be a date such as 2019-01-31")
    year = 2 * math.pi * moment.timetuple().tm_yday / 365.25
    day = 2 * math.pi * (moment.hour + moment.minute / 60) / 24
    week = [float(moment.weekday() == number) for number in range(7)]
    return [math.sin(year), math.cos(year), math.sin(day), math.cos(day), *week]
