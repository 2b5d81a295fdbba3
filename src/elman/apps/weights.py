"""Weights of scores, fitted to the fewest word errors: minimum error rate training (Och 2003).

    choice(list) = argmax over hypotheses of sum over scores of weight * score

Along a line in the space of weights, each list's choice changes at a few points only, which are
found exactly: the corners of the upper envelope of lines, one for each hypothesis. So the number of
errors along the line is known everywhere. The search goes along every axis, along the direction in
which the last round moved (Powell 1964) and along random directions, from several starts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 30
_BEYOND = 1.0
"""How far beyond the last corner of a line to go, as a share of the span of all corners."""


@dataclass(frozen=True)
class Table:
    """Scores and errors of all hypotheses of U lists of up to K, D scores each."""

    scores: NDArray[np.float64]
    """``[U, K, D]``; 0 beyond the end of a list."""
    errors: NDArray[np.int64]
    """``[U, K]``"""
    real: NDArray[np.bool_]
    """Whether there is such a hypothesis, ``[U, K]``."""

    @classmethod
    def of(cls, scores: Sequence[NDArray[np.float64]], errors: Sequence[NDArray[np.int64]]) -> "Table":
        """The table of lists of different lengths."""
        longest, width = max(map(len, errors)), scores[0].shape[1]
        table = cls(
            np.zeros((len(errors), longest, width)),
            np.zeros((len(errors), longest), np.int64),
            np.zeros((len(errors), longest), bool),
        )
        for row, (some, wrong) in enumerate(zip(scores, errors, strict=True)):
            table.scores[row, : len(wrong)] = some
            table.errors[row, : len(wrong)] = wrong
            table.real[row, : len(wrong)] = True
        return table

    def take(self, rows: NDArray[np.int64]) -> "Table":
        """Some of the lists."""
        return Table(self.scores[rows], self.errors[rows], self.real[rows])

    def choices(self, weights: NDArray[np.float64]) -> NDArray[np.int64]:
        """The hypothesis of each list with the highest sum; of equal ones the first."""
        return np.where(self.real, self.scores @ weights, -np.inf).argmax(axis=1)

    def errors_of(self, weights: NDArray[np.float64]) -> int:
        """All errors of the choices."""
        return int(self.errors[np.arange(len(self.errors)), self.choices(weights)].sum())


class Stretch(NamedTuple):
    """A stretch of a line on which no choice changes."""

    low: float
    high: float
    errors: int


def stretches(table: Table, weights: NDArray[np.float64], direction: NDArray[np.float64]) -> list[Stretch]:
    """The stretches of the line weights + t * direction, for t from minus to plus infinity.

    >>> table = Table.of([np.array([[0.0, 0.0], [1.0, -2.0]])], [np.array([3, 0])])
    >>> stretches(table, np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    [Stretch(low=-inf, high=0.5, errors=0), Stretch(low=0.5, high=inf, errors=3)]
    """
    heights = np.where(table.real, table.scores @ weights, -np.inf)
    slopes = np.where(table.real, table.scores @ direction, np.inf)
    lists = np.arange(len(heights))
    # At minus infinity the flattest line is on top; of equal ones the highest.
    lowest = slopes.min(axis=1, keepdims=True)
    current = np.where(slopes == lowest, heights, -np.inf).argmax(axis=1)
    slopes = np.where(table.real, slopes, -np.inf)
    total = int(table.errors[lists, current].sum())
    places, changes = [], []
    while len(lists):
        height, slope = heights[lists, current, None], slopes[lists, current, None]
        steeper = slopes[lists] > slope
        with np.errstate(divide="ignore", invalid="ignore"):
            crossings = np.where(steeper, (height - heights[lists]) / (slopes[lists] - slope), np.inf)
        place = crossings.min(axis=1)
        # Of several that cross there, the steepest is on top beyond.
        follows = np.where(crossings == place[:, None], slopes[lists], -np.inf).argmax(axis=1)
        moves = np.isfinite(place)
        lists, place, current, follows = lists[moves], place[moves], current[moves], follows[moves]
        places.append(place)
        changes.append(table.errors[lists, follows] - table.errors[lists, current])
        current = follows
    corners, inverse = np.unique(np.concatenate([np.empty(0), *places]), return_inverse=True)
    change = np.bincount(inverse, weights=np.concatenate([np.empty(0), *changes]), minlength=len(corners))
    errors = [total, *(total + np.cumsum(change)).astype(int).tolist()]
    ends = [-np.inf, *corners.tolist(), np.inf]
    return [Stretch(low, high, count) for low, high, count in zip(ends, ends[1:], errors, strict=False)]


class Fitted(NamedTuple):
    """Weights and the errors they make."""

    weights: NDArray[np.float64]
    errors: int


def fit_weights(table: Table, start: NDArray[np.float64], *, starts: int = 8, seed: int = 1) -> Fitted:
    """The weights with the fewest errors that were found, those of ``start`` at the worst.

    Args:
        starts: from how many random weights to begin besides ``start``.
    """
    rng = np.random.default_rng(seed)
    # Scores differ in scale; random weights and directions should move all choices alike.
    spread = np.array([np.std(table.scores[..., column][table.real]) for column in range(table.scores.shape[2])])
    unit = 1.0 / np.where(spread > 0, spread, 1.0)
    best = _descend(table, Fitted(start, table.errors_of(start)), unit, rng)
    for _ in range(starts):
        weights = np.where(rng.random(len(start)) < 0.5, best.weights, 0.0) + rng.normal(size=len(start)) * unit
        found = _descend(table, Fitted(weights, table.errors_of(weights)), unit, rng)
        best = min(best, found, key=lambda each: each.errors)
    return best


def _descend(table: Table, found: Fitted, unit: NDArray[np.float64], rng: np.random.Generator) -> Fitted:
    for _ in range(_ROUNDS):
        before = found
        for direction in [*np.diag(unit), *(rng.normal(size=(len(unit), len(unit))) * unit)]:
            found = _along(table, found, direction)
        moved = found.weights - before.weights
        if moved.any():
            found = _along(table, found, moved)
        if found.errors == before.errors:
            break
    return found


def _along(table: Table, found: Fitted, direction: NDArray[np.float64]) -> Fitted:
    """The middle of the best stretch; of equally good ones the widest."""
    several = stretches(table, found.weights, direction)
    span = (several[-1].low - several[0].high) * _BEYOND or 1.0
    if len(several) == 1:
        return found
    ends = [
        (max(each.low, several[0].high - span), min(each.high, several[-1].low + span), each.errors) for each in several
    ]
    low, high, errors = min(ends, key=lambda end: (end[2], end[0] - end[1]))
    if errors > found.errors:
        return found
    weights = found.weights + (low + high) / 2 * direction
    # Rounding may move a corner over the middle of a very narrow stretch.
    moved = Fitted(weights, table.errors_of(weights))
    return moved if moved.errors <= found.errors else found
