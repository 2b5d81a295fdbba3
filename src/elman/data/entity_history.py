"""The order in which rows update the states of the entities that they name.

A row is predicted from the states after all rows of earlier times, never from rows of its own time.
Rows that have no entity in common may be computed side by side: these are the levels. Rows of one
time that share an entity are of one level: all of them are predicted first, and then update round
by round.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.columns import ColumnTable
from elman.errors import TextError

Levels = tuple[tuple[NDArray[np.int64], ...], ...]
"""The rounds of each level: numbers of rows."""
_GAP, _COUNT = 4.0, 6.0
"""About the largest logarithms, so that gaps lie between 0 and 1."""


def levels_of(times: Sequence[float], entities: NDArray[np.int64]) -> Levels:
    """The levels of rows in the order of their times.

    Args:
        entities: ``[N, R]``.

    >>> levels = levels_of([1, 1, 2, 3, 3], np.array([[0, 1], [2, 3], [1, 2], [0, 3], [3, 4]]))
    >>> [[some.tolist() for some in rounds] for rounds in levels]
    [[[0, 1]], [[2, 3], [4]]]
    """
    depth: dict[int, int] = {}
    levels: list[list[list[int]]] = []
    rows = entities.tolist()
    start = 0
    while start < len(rows):
        stop = start
        while stop < len(rows) and times[stop] == times[start]:
            stop += 1
        for connected in _connected(rows[start:stop]):
            named = {entity for row in connected for entity in rows[start + row]}
            level = 1 + max(depth.get(entity, -1) for entity in named)
            depth.update(dict.fromkeys(named, level))
            while len(levels) <= level:
                levels.append([])
            used: dict[int, int] = {}
            for row in connected:
                own = 1 + max(used.get(entity, -1) for entity in rows[start + row])
                used.update(dict.fromkeys(rows[start + row], own))
                while len(levels[level]) <= own:
                    levels[level].append([])
                levels[level][own].append(start + row)
        start = stop
    return tuple(tuple(np.array(some, np.int64) for some in rounds) for rounds in levels)


def _connected(rows: list[list[int]]) -> list[list[int]]:
    """Groups of rows that share entities, directly or through others."""
    if len(rows) == 1:
        return [[0]]
    parent = list(range(len(rows)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first: dict[int, int] = {}
    for row, named in enumerate(rows):
        for entity in named:
            parent[root(row)] = root(first.setdefault(entity, row))
    groups: dict[int, list[int]] = {}
    for row in range(len(rows)):
        groups.setdefault(root(row), []).append(row)
    return list(groups.values())


class Histories(NamedTuple):
    """What is known of S entities besides their states."""

    names: tuple[str, ...]
    last: NDArray[np.float64]
    """The time of the last row of each ``[S]``; NaN without one."""
    counts: NDArray[np.int64]
    """How many rows each has had ``[S]``."""

    @classmethod
    def none(cls) -> "Histories":
        """Of no entities."""
        return cls((), np.zeros(0), np.zeros(0, np.int64))

    def grown(self, names: Sequence[str]) -> "Histories":
        """With further entities, which have had no rows."""
        every = tuple(dict.fromkeys([*self.names, *names]))
        more = len(every) - len(self.names)
        return Histories(
            every, np.append(self.last, np.full(more, math.nan)), np.append(self.counts, np.zeros(more, np.int64))
        )


def entities_of(
    table: ColumnTable, columns: Sequence[str], histories: Histories
) -> tuple[NDArray[np.int64], Histories]:
    """The entities of each row ``[N, R]``, new ones after those that are known.

    Raises:
        TextError: a row names none, or one twice; says where.
    """
    cells = [table.column(name) for name in columns]
    for row, named in enumerate(zip(*cells, strict=True)):
        if not all(named):
            missing = columns[named.index("")]
            raise TextError(f"{table.positions[row]}: {missing} is empty; every row must name its entities")
        if len(set(named)) < len(named):
            raise TextError(f"{table.positions[row]}: {named[0]!r} is named twice; {' and '.join(columns)} must differ")
    histories = histories.grown([name for named in zip(*cells, strict=True) for name in named])
    number = {name: place for place, name in enumerate(histories.names)}
    found = np.array([[number[name] for name in named] for named in zip(*cells, strict=True)], np.int64)
    return found.reshape(len(table), len(columns)), histories


def gaps_of(
    times: Sequence[float], entities: NDArray[np.int64], histories: Histories, *, pace: float, frozen: bool = False
) -> tuple[NDArray[np.float32], Histories]:
    """How long ago the last row of each entity was, and how many it had, both on a scale of
    logarithms ``[N, R, 2]``; and the histories after these rows.

    Args:
        pace: the usual time between two rows of an entity.
        frozen: whether the rows change no history, as if each were the next.

    >>> gaps, after = gaps_of([0.0, 3.0], np.array([[0], [0]]), Histories.none().grown(["a"]), pace=1.0)
    >>> gaps.astype(float).round(3).tolist(), after.counts.tolist()
    ([[[0.0, 0.0]], [[0.347, 0.116]]], [2])
    """
    last, counts = histories.last, histories.counts
    if frozen:
        return _gaps(np.array(times)[:, None] - last[entities], counts[entities], pace), histories
    last, counts = last.copy(), counts.copy()
    gaps = np.zeros((*entities.shape, 2), np.float32)
    start = 0
    while start < len(entities):
        stop = start + 1
        while stop < len(entities) and times[stop] == times[start]:
            stop += 1
        some = entities[start:stop]
        gaps[start:stop] = _gaps(times[start] - last[some], counts[some], pace)
        np.add.at(counts, some.ravel(), 1)
        last[some.ravel()] = times[start]
        start = stop
    return gaps, Histories(histories.names, last, counts)


def _gaps(past: NDArray[np.float64], counts: NDArray[np.int64], pace: float) -> NDArray[np.float32]:
    """``[.., 2]`` of the times since last rows, NaN without one, and their counts."""
    both = np.log1p(np.maximum(np.nan_to_num(past), 0) / pace) / _GAP, np.log1p(counts) / _COUNT
    return np.stack(both, axis=-1).astype(np.float32)


def usual_gap(times: Sequence[float], entities: NDArray[np.int64]) -> float:
    """The median time between two rows of an entity; 1 if there are none.

    >>> usual_gap([0, 7, 9], np.array([[0], [0], [1]]))
    7.0
    """
    last: dict[int, float] = {}
    found: list[float] = []
    for time, named in zip(times, entities.tolist(), strict=True):
        for entity in named:
            if entity in last and time > last[entity]:
                found.append(time - last[entity])
            last[entity] = time
    return float(np.median(found)) if found else 1.0
