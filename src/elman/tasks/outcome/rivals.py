"""The rivals of a model of outcomes, trained on the same rows."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.evaluation.outcome_rivals import COLUMNS, ELO, FREQUENCIES, ColumnRegression, EloRegression
from elman.evaluation.rivals import INSTALL
from elman.progress import Progress
from elman.system.machine import version
from elman.tasks.outcome.data import OutcomeData

_FEW_VALUES = 12
"""Elo's regression also reads categories of at most this many values."""

Forecast = Callable[[OutcomeData], NDArray[np.float64]]
"""The probabilities of all rows ``[N, K]``."""


@dataclasses.dataclass(frozen=True)
class Rivals:
    """Trained rivals by name, and notes on those that could not be trained."""

    forecasts: dict[str, Forecast]
    notes: list[str]

    def beside(self, data: OutcomeData, rows: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Their probabilities of some rows of a history."""
        return {name: forecast(data)[rows] for name, forecast in self.forecasts.items()}


def trained_rivals(data: OutcomeData, *, skip: bool = False, progress: Progress) -> Rivals:
    """The rivals that can be trained on the training part.

    Args:
        skip: whether only the frequencies of the outcomes are compared.
    """
    outcomes = len(data.encoding.outcomes)
    parts = {name: data.parts[name][data.targets[data.parts[name]] >= 0] for name in ("train", "valid")}
    shares = np.bincount(data.targets[parts["train"]], minlength=outcomes) / len(parts["train"])
    found: dict[str, Forecast] = {FREQUENCIES: lambda other: np.tile(shares, (len(other.table), 1))}
    if skip:
        return Rivals(found, ["other rivals were left out (--no-rival)"])
    notes: list[str] = []
    pair = _pair(data)
    if pair is not None and data.times and (outcomes == 2 or data.encoding.ordered):
        with progress.stage(f"training the rival: {ELO}"):
            own: dict[str, Any] = {"outcomes": outcomes, **parts}
            elo = EloRegression().fit(_named(data, pair), data.targets, _small(data), **own)
        found[ELO] = lambda other: elo.predict(_named(other, pair), other.targets, _small(other))
    elif pair is not None and data.times:
        notes.append(f"{ELO} were not compared: they need the outcomes in their order, --outcomes 'won,drawn,lost'")
    if version("scikit-learn") is None:
        notes.append(f"{COLUMNS} was not compared: scikit-learn is not installed; run: {INSTALL}")
    else:
        with progress.stage(f"training the rival: {COLUMNS}"):
            tables, columns = _all_columns(data)
            regression = ColumnRegression(tables).fit(*columns, data.targets, outcomes=outcomes, **parts)
        found[COLUMNS] = lambda other: regression.predict(*_all_columns(other, like=data)[1])
    return Rivals(found, notes)


def _pair(data: OutcomeData) -> tuple[str, str] | None:
    """The two columns that name opponents: the entities, or categories with a common table."""
    if data.encoding.entities:
        first, *others = data.encoding.entities
        return (first, others[0]) if len(others) == 1 else None
    by_table: dict[int, list[str]] = {}
    for column in data.encoding.categories:
        by_table.setdefault(column.table, []).append(column.name)
    return next(((names[0], names[1]) for names in by_table.values() if len(names) >= 2), None)


def _named(data: OutcomeData, pair: tuple[str, str]) -> NDArray[np.int64]:
    cells = [data.table.columns[name] for name in pair]
    return np.unique(np.array(cells), return_inverse=True)[1].reshape(2, -1).T


def _small(data: OutcomeData) -> NDArray[np.float64]:
    """The numbers of each row, and one-hot vectors of categories of few values."""
    blocks = [data.columns.numbers.astype(np.float64)]
    for place, column in enumerate(data.encoding.categories):
        size = len(data.encoding.tables[column.table]) + 1
        if size <= _FEW_VALUES + 1:
            blocks.append(np.eye(size)[data.columns.ids[:, place]])
    return np.concatenate(blocks, axis=1)


def _all_columns(
    data: OutcomeData, like: OutcomeData | None = None
) -> tuple[list[int], tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Sizes of tables, ids and numbers, entities among the categories."""
    like = like or data
    tables, ids = [len(like.encoding.tables[table]) + 1 for table in like.encoding.table_of_column], [data.columns.ids]
    for name in like.encoding.entities:
        train = like.table.columns[name]
        known = {value: 1 + n for n, value in enumerate(dict.fromkeys(train[row] for row in like.parts["train"]))}
        tables.append(len(known) + 1)
        ids.append(np.array([known.get(cell, 0) for cell in data.table.columns[name]], np.int64)[:, None])
    return tables, (np.concatenate(ids, axis=1), data.columns.numbers)
