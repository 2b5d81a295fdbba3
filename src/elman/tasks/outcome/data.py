"""The data of a model of outcomes: read, guarded against leaks, split by time or at random,
encoded."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.column_encoding import MOST_OUTCOMES, ColumnEncoding, EncodedColumns
from elman.data.columns import TARGET_FIELDS, ColumnsConfig, ColumnTable, names_of, read_columns, time_of, times_of
from elman.data.entity_history import Histories, entities_of, gaps_of, usual_gap
from elman.data.labels import sort_key
from elman.data.leaks import find_leaks
from elman.errors import TextError, UsageError
from elman.models.outcome_batch import OutcomeBatch
from elman.models.outcome_config import OutcomeSizes
from elman.progress import Progress, counted
from elman.tasks.outcome.request import OutcomeRequest
from elman.text.readers.record import listed

PARTS = ("train", "valid", "test")
_FEWEST = 10
_HELD_OUT = 0.1


@dataclasses.dataclass(frozen=True)
class OutcomeData:
    """All rows that have an outcome, in the order of their times, and what was fitted on the
    training part."""

    table: ColumnTable
    encoding: ColumnEncoding
    times: tuple[float, ...]
    """Of the rows; empty without --time."""
    parts: Mapping[str, NDArray[np.int64]]
    """The rows of each part; test may be empty."""
    notes: tuple[str, ...]
    leaks: tuple[str, ...]
    """Columns that were left out."""

    @cached_property
    def columns(self) -> EncodedColumns:
        """All rows, encoded."""
        return self.encoding.encode(self.table)

    @cached_property
    def after(self) -> NDArray[np.float32]:
        """What is known with the outcome ``[N, A]``."""
        return self.encoding.encode_after(self.table)

    @cached_property
    def targets(self) -> NDArray[np.int64]:
        """``[N]``; -1 for an outcome that training does not have."""
        return self.encoding.targets(self.table.column(self.encoding.target))

    @cached_property
    def _histories(self) -> tuple[NDArray[np.int64], Histories]:
        return entities_of(self.table, self.encoding.entities, Histories.none())

    @property
    def entities(self) -> NDArray[np.int64]:
        """``[N, R]``."""
        return self._histories[0]

    @cached_property
    def gaps(self) -> tuple[NDArray[np.float32], Histories]:
        """``[N, R, 2]``, and the histories after all rows."""
        entities, histories = self._histories
        return gaps_of(self.times, entities, histories, pace=self.encoding.pace)

    @cached_property
    def sizes(self) -> OutcomeSizes:
        """The sizes of the network that follow from the data."""
        return sizes_of(self.encoding)

    def batch(self, rows: NDArray[np.int64], **more: Any) -> OutcomeBatch:
        """Some rows as the network reads them."""
        columns = self.columns.take(rows)
        history = len(self.encoding.entities) > 0
        return OutcomeBatch(
            columns.ids,
            columns.numbers,
            self.targets[rows],
            self.after[rows],
            self.entities[rows] if history else np.zeros((len(rows), 0), np.int64),
            self.gaps[0][rows] if history else np.zeros((len(rows), 0, 2), np.float32),
            **more,
        )

    @cached_property
    def hash(self) -> str:
        """16 hex digits that identify rows and parts."""
        parts = [self.parts[name].tobytes().hex() for name in PARTS]
        return hashlib.sha256(
            "|".join([self.table.hash, self.encoding.to_bytes().decode(), *parts]).encode()
        ).hexdigest()[:16]

    def about(self) -> dict[str, Any]:
        """For the model card."""
        counts: dict[str, Any] = {name: {"examples": len(rows)} for name, rows in self.parts.items() if len(rows)}
        for name, rows in self.parts.items():
            if self.encoding.time is not None and len(rows):
                cells = self.table.columns[self.encoding.time]
                counts[name] |= {"from": cells[int(rows[0])], "to": cells[int(rows[-1])]}
        named = {"features": [column.name for column in self.encoding.columns], "left_out": list(self.leaks)}
        return {"hash": self.hash, **counts, **named, "outcomes": list(self.encoding.outcomes)}


def sizes_of(encoding: ColumnEncoding) -> OutcomeSizes:
    """The sizes of the network that read these columns."""
    return OutcomeSizes(
        tables=[len(values) + 1 for values in encoding.tables],
        columns=list(encoding.table_of_column),
        numbers=encoding.numbers,
        outcomes=len(encoding.outcomes),
        roles=len(encoding.entities),
        after=2 * len(encoding.after) if encoding.entities else 0,
    )


def read_data(request: OutcomeRequest, *, encoding: ColumnEncoding | None = None, progress: Progress) -> OutcomeData:
    """Read the rows for a training.

    Args:
        encoding: that of an interrupted training.

    Raises:
        TextError: anything wrong with the rows.
        UsageError: settings that contradict the rows or each other.
    """
    config, notes = request.data, list[str]()
    files = {"train": request.sources, "valid": request.valid, "test": request.test}
    given = {name: sources for name, sources in files.items() if sources}
    for name in ("valid", "test"):
        if name in given and getattr(config, f"{name}_from") is not None:
            raise UsageError(f"--{name} and --{name}-from both say what that part is; give one of them")
    tables = {name: read_columns(sources, config=config, progress=progress) for name, sources in given.items()}
    target = _target(tables["train"], config)
    _check_names(tables["train"], config, target)
    opened = {
        name: [row for row, cell in enumerate(table.column(target)) if not cell] for name, table in tables.items()
    }
    unknown = tables["train"].take(opened["train"])
    open_rows = sum(map(len, opened.values()))
    if open_rows:
        notes.append(f"left out: {counted(open_rows, 'row')} without an outcome")
    tables = {name: _with_outcome(table, opened[name]) for name, table in tables.items()}
    table, parts = _joined(tables, config, target)
    times: tuple[float, ...] = tuple(times_of(table, config.time)) if config.time is not None else ()
    if times:
        order = np.argsort(np.array(times), kind="stable")
        place = np.argsort(order, kind="stable")
        table, times = table.take(order.tolist()), tuple(times[row] for row in order.tolist())
        parts = {name: np.sort(place[rows]) for name, rows in parts.items()}
    parts = _split(parts, table, times, config, given)
    for name in ("valid", "test"):
        if config.entities is not None and len(parts[name]) and parts[name][0] <= parts["train"][-1]:
            raise UsageError(f"with --entities the {name} rows must be later than all training rows; give later ones")
    train = table.take(parts["train"].tolist())
    leaks: tuple[str, ...] = ()
    if encoding is None:
        encoding, leaks, more = _fitted(train, unknown, config, target, times, parts["train"])
        notes += more
    data = OutcomeData(table, encoding, times, parts, tuple(notes), leaks)
    strange = int((data.targets < 0).sum())
    if strange:
        notes.append(f"left out: {counted(strange, 'row')} whose outcome is not in the training data")
    data = dataclasses.replace(data, notes=tuple(notes))
    _tell(data, progress)
    return data


def _target(table: ColumnTable, config: ColumnsConfig) -> str:
    if config.target is not None:
        table.column(config.target)
        return config.target
    for name in TARGET_FIELDS:
        for column in table.columns:
            if column.casefold() == name:
                return column
    raise UsageError(f"which column is the outcome? name it with --target; the columns are: {listed(table.columns)}")


def _check_names(table: ColumnTable, config: ColumnsConfig, target: str) -> None:
    for setting in ("features", "drop", "after", "entities", "categories"):
        for name in names_of(getattr(config, setting)):
            table.column(name)
            if name == target and setting != "drop":
                raise UsageError(f"--{setting} names {name!r}, which is the outcome; leave it out")


def _with_outcome(table: ColumnTable, opened: Sequence[int]) -> ColumnTable:
    if not opened:
        return table
    left = set(opened)
    return table.take(row for row in range(len(table)) if row not in left)


def _joined(
    tables: Mapping[str, ColumnTable], config: ColumnsConfig, target: str
) -> tuple[ColumnTable, dict[str, NDArray[np.int64]]]:
    """All rows in one table, and the rows of each part."""
    names = tables["train"].columns
    for part, table in tables.items():
        table.column(target)
        if not len(table):
            raise TextError(f"no row of the {part} part has an outcome in {target!r}; give rows that have one")
    columns = {
        name: tuple(cell for table in tables.values() for cell in (table.columns.get(name) or ("",) * len(table)))
        for name in names
    }
    positions = tuple(position for table in tables.values() for position in table.positions)
    parts, start = {}, 0
    for name in PARTS:
        count = len(tables[name]) if name in tables else 0
        parts[name] = np.arange(start, start + count)
        start += count
    return ColumnTable(columns, positions), parts


def _split(
    parts: dict[str, NDArray[np.int64]],
    table: ColumnTable,
    times: Sequence[float],
    config: ColumnsConfig,
    given: Mapping[str, Any],
) -> dict[str, NDArray[np.int64]]:
    """The parts, the missing ones held out of training: the last rows by time, or some at
    random."""
    train = parts["train"]
    wanted = [name for name in ("test", "valid") if name not in given]
    if wanted and len(train) < _FEWEST:
        raise TextError(
            f"{counted(len(train), 'row')}: too few to hold some out; give more, or --valid FILE and --test FILE"
        )
    found = dict(parts)
    if not times:
        # By content, so that the order of the rows changes nothing and equal rows stay together.
        cells = list(zip(*table.columns.values(), strict=True))
        share = np.array([int(hashlib.sha256(repr(cells[row]).encode()).hexdigest()[:8], 16) % 10 for row in train])
        for number, name in enumerate(wanted):
            found[name] = train[share == number]
        found["train"] = train[share >= len(wanted)]
    else:
        moments = np.array(times)
        for name in wanted:
            rows = found["train"]
            begin = getattr(config, f"{name}_from")
            first = (
                time_of(begin) if begin is not None else float(moments[rows[-max(1, round(_HELD_OUT * len(train)))]])
            )
            assert first is not None
            found["train"], found[name] = rows[moments[rows] < first], rows[moments[rows] >= first]
    for name in ("train", *reversed(wanted)):
        if not len(found[name]):
            raise TextError(f"there is no row left for the {name} part; give more rows, or other times of the parts")
    return found


def _fitted(
    train: ColumnTable,
    unknown: ColumnTable,
    config: ColumnsConfig,
    target: str,
    times: Sequence[float],
    rows: NDArray[np.int64],
) -> tuple[ColumnEncoding, tuple[str, ...], list[str]]:
    """What the columns hold, the columns that leak the outcome, and notes."""
    outcomes = _outcomes(train.column(target), config)
    entities, named = names_of(config.entities), names_of(config.features)
    left = {target, *names_of(config.drop), *names_of(config.after), *entities}
    features = [name for name in (named or train.columns) if name not in left]
    notes: list[str] = []
    if not named and config.time in features and "-" not in train.columns[config.time][0][1:]:
        features.remove(config.time)  # later rows have larger numbers than any of training
    ids = {name: number for number, name in enumerate(outcomes)}
    targets = np.array([ids[cell] for cell in train.column(target)], np.int64)
    guarded = [name for name in features if name != config.time]
    leaks = find_leaks(train, targets, guarded, outcomes=len(outcomes), unknown=unknown)
    dropped: list[str] = []
    for leak in leaks:
        names, what = " and ".join(leak.columns), "column" if len(leak.columns) == 1 else "columns"
        if leak.certain and not named:
            dropped += [name for name in leak.columns if name not in dropped]
            notes.append(f"{what} {names} left out as known only afterwards: {leak.reason}; --features keeps them")
        else:
            notes.append(
                f"warning: {what} {names} may be known only afterwards: {leak.reason}; then say --after or --drop"
            )
    features = [name for name in features if name not in dropped]
    if not features and not entities:
        raise UsageError("no column is left to predict from; name some with --features")
    encoding = ColumnEncoding.fit(
        train,
        features,
        outcomes=outcomes,
        categories=names_of(config.categories),
        after=[*names_of(config.after), *dropped],
        ordered=config.outcomes is not None,
        target=target,
        entities=entities,
        time=config.time,
        pace=1.0,
    )
    if entities:
        own = [times[row] for row in rows.tolist()]
        encoding = dataclasses.replace(encoding, pace=usual_gap(own, entities_of(train, entities, Histories.none())[0]))
    empty = [column.name for column in encoding.categories if not encoding.tables[column.table]]
    if empty:
        notes.append(f"every value of {listed(empty)} is different, so nothing can be learned from them")
    return encoding, tuple(dropped), notes


def _outcomes(cells: Sequence[str], config: ColumnsConfig) -> tuple[str, ...]:
    seen = dict.fromkeys(cells)
    if len(seen) > MOST_OUTCOMES:
        raise UsageError(f"{len(seen):,} different outcomes are too many; is --target the right column?")
    if len(seen) < 2:
        raise TextError(f"all training rows have the outcome {next(iter(seen))!r}; there is nothing to learn")
    if config.outcomes is None:
        return tuple(sorted(seen, key=sort_key))
    order = names_of(config.outcomes)
    if set(order) != set(seen):
        raise UsageError(
            f"--outcomes names {', '.join(order)}; the outcomes in training are: {listed(sorted(seen, key=sort_key))}"
        )
    return order


def _tell(data: OutcomeData, progress: Progress) -> None:
    for note in data.notes:
        progress.say(note if note.startswith("warning") else f"note: {note}")
    words = {"train": "to train on", "valid": "to validate on", "test": "to test on"}
    counts = [f"{counted(len(data.parts[name]), 'row')} {words[name]}" for name in PARTS if len(data.parts[name])]
    kinds = [f"{column.name} ({column.kind})" for column in data.encoding.columns]
    progress.say(f"{', '.join(counts)} (hash {data.hash[:12]}); outcomes: {', '.join(data.encoding.outcomes[:12])}")
    progress.say(f"columns: {', '.join(kinds[:40])}{' and more' if len(kinds) > 40 else ''}")
