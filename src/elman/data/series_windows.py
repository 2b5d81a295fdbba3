"""Windows of series as a forecaster reads them: the last values before an origin, scaled by
themselves.

A window is scaled by the past alone: minus the mean of the last season (its level), divided by the
mean absolute difference of values one season apart (its scale), which is the denominator of MASE,
over the window or the last seasons, whichever is longer. A missing value is filled from the season
or from the value before it.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.part import Part
from elman.data.series import Series
from elman.data.series_encoding import SeriesEncoding
from elman.data.time_grid import calendar_size

_FLOOR = 0.02
"""A scale is at least this share of the mean distance from the level."""
_SEASONS = 28
"""A scale is that of at least so many seasons, if the series has them."""
_FURTHEST = 1e3
"""Scaled values are cut here."""
TOGETHER = 1024
"""Windows that are computed at a time."""


class Windows(NamedTuple):
    """B windows with L values before an origin and H after it."""

    patches: NDArray[np.float32]
    """What the cell reads ``[B, L / P, P (2 + F)]``: P scaled values, whether each is known, its
    covariates."""
    row: NDArray[np.float32]
    """``[B, Z]``: L scaled values, the calendar of the origin (C), covariates before (L F) and
    after it (H F)."""
    targets: NDArray[np.float32]
    """The scaled values after the origin ``[B, H]``; 0 where unknown."""
    known: NDArray[np.float32]
    """``[B, H]``: 1 where a target is known."""
    level: NDArray[np.float64]
    """``[B, 1]``."""
    scale: NDArray[np.float64]
    """``[B, 1]``."""

    @property
    def rows(self) -> int:
        """B."""
        return len(self.row)

    def part(self, part: Part) -> "Windows":
        """Some of the windows."""
        return Windows._make(each[part.slice] for each in self)

    def restored(self, scaled: NDArray[np.floating]) -> NDArray[np.float64]:
        """Scaled numbers ``[B, ..]`` in the units of the series."""
        more = (1,) * (scaled.ndim - 1)
        return scaled * self.scale.reshape(-1, *more) + self.level.reshape(-1, *more)


class SeriesStore:
    """Series one behind the other, from which windows are taken.

    Args:
        context: L.
        patch: P, which divides L.
    """

    def __init__(self, series: Sequence[Series], encoding: SeriesEncoding, *, context: int, patch: int) -> None:
        assert context % patch == 0, (context, patch)
        self.series, self.encoding, self.context, self.patch = series, encoding, context, patch
        horizon = encoding.horizon
        gaps = context + horizon
        sizes = [len(each.values) + gaps for each in series]
        ends = np.cumsum([0, *sizes])
        self.begins = ends[:-1] + context
        """Where each series begins."""
        self.values = np.full(int(ends[-1]), math.nan)
        self.filled, self.latest = np.full((2, int(ends[-1])), math.nan)
        self.covariates = np.zeros((int(ends[-1]), len(encoding.covariates)), np.float32)
        # Sums within each series, since those over all would carry rounding errors from one to the
        # next.
        self._changes, self._counts = np.zeros(int(ends[-1])), np.zeros(int(ends[-1]))
        for begin, each in zip(self.begins.tolist(), series, strict=True):
            place = slice(begin, begin + len(each.values))
            self.values[place] = each.values
            self.filled[place] = filled(each.values, encoding.season)
            self.latest[place] = filled(each.values, 1)
            known = min(len(each.covariates), len(each.values) + horizon)
            self.covariates[begin : begin + known] = encoding.scaled(each.covariates[:known])
            lagged = np.abs(self.filled[place][encoding.season :] - self.filled[place][: -encoding.season])
            sums = slice(begin + encoding.season + 1, begin + len(each.values) + 1)
            self._changes[sums] = np.cumsum(np.nan_to_num(lagged))
            self._counts[sums] = np.cumsum(~np.isnan(lagged))

    @staticmethod
    def reach(context: int, season: int) -> int:
        """How many values before an origin are looked at."""
        return max(context, (_SEASONS + 1) * season)

    @property
    def row_size(self) -> int:
        """Numbers of a window's row (Z)."""
        calendar, covariates = calendar_size(self.encoding.calendar), len(self.encoding.covariates)
        return self.context + calendar + (self.context + self.encoding.horizon) * covariates

    def windows(self, which: NDArray[np.int64], origins: NDArray[np.int64], stops: NDArray[np.int64]) -> Windows:
        """The windows of some series.

        Args:
            which: numbers of series ``[B]``.
            origins: how many values of the series lie before each origin ``[B]``.
            stops: targets from this place on are unknown ``[B]``.
        """
        length, horizon, encoding = self.context, self.encoding.horizon, self.encoding
        first = self.begins[which] + origins
        past = first[:, None] + np.arange(-length, 0)
        future = first[:, None] + np.arange(horizon)
        values, observed = self.filled[past], ~np.isnan(self.values[past])
        level, scale = self._level_and_scale(values, first, self.begins[which])
        scaled = np.nan_to_num((values - level) / scale, nan=0.0).clip(-_FURTHEST, _FURTHEST).astype(np.float32)
        after = self.values[future]
        known = ~np.isnan(after) & (np.arange(horizon) + origins[:, None] < stops[:, None])
        targets = np.where(known, (after - level) / scale, 0).clip(-_FURTHEST, _FURTHEST)
        steps = np.array([each.start for each in self.series], np.int64)[which] + origins
        calendar = encoding.grid.calendar(steps, encoding.calendar)
        before, then = self.covariates[past], self.covariates[future]
        count = len(which)
        row = np.concatenate([scaled, calendar, before.reshape(count, -1), then.reshape(count, -1)], axis=1)
        pieces = [np.arcsinh(scaled)[..., None], observed[..., None], before]
        patches = np.concatenate(pieces, axis=2).reshape(count, length // self.patch, -1)
        return Windows(
            patches.astype(np.float32), row, targets.astype(np.float32), known.astype(np.float32), level, scale
        )

    def parts(
        self, which: NDArray[np.int64], origins: NDArray[np.int64], stops: NDArray[np.int64]
    ) -> Iterator[Windows]:
        """The same in pieces of ``TOGETHER`` windows."""
        for start in range(0, len(which), TOGETHER):
            some = slice(start, start + TOGETHER)
            yield self.windows(which[some], origins[some], stops[some])

    def _level_and_scale(
        self, values: NDArray[np.float64], first: NDArray[np.int64], begins: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """``[B, 1]`` each, of windows ``[B, L]`` before ``first`` in which NaN is padding."""
        season = self.encoding.season
        level = _mean(values[:, -season:], np.zeros(len(values)))
        away = _mean(np.abs(values - level[:, None]), np.zeros(len(values)))
        start = np.minimum(np.maximum(first - self.reach(self.context, season), begins) + season, first)
        count = self._counts[first] - self._counts[start]
        change = (self._changes[first] - self._changes[start]) / np.maximum(count, 1)
        scale = np.maximum(np.where(count > 0, change, away), _FLOOR * away)
        # A constant window says nothing about the size of a change.
        scale = np.where(scale > 1e-9 * np.abs(level) + 1e-30, scale, np.maximum(np.abs(level) * _FLOOR, 1e-9))
        return level[:, None], scale[:, None]


def filled(values: NDArray[np.float64], season: int) -> NDArray[np.float64]:
    """Missing values from the season before or, if values changed less from one step to the next,
    from the last value; the future is not looked at.

    >>> filled(np.array([math.nan, 1.0, 2.0, math.nan, math.nan]), 2).tolist()
    [nan, 1.0, 2.0, 1.0, 2.0]
    """
    found = values.copy()
    missing = np.flatnonzero(np.isnan(values))
    near, far = (_mean_changes(values, lag) if len(missing) else values for lag in (1, season))
    for place in missing.tolist():
        if place >= season and not math.isnan(found[place - season]) and not far[place] > near[place]:
            found[place] = found[place - season]
        elif place:
            found[place] = found[place - 1]
    return found


def _mean_changes(values: NDArray[np.float64], lag: int) -> NDArray[np.float64]:
    """The mean distance of values ``lag`` steps apart before each place ``[T]``; NaN where there
    are none."""
    changes = np.r_[np.full(min(lag, len(values)), math.nan), np.abs(values[lag:] - values[:-lag])]
    sums, counts = (np.cumsum(np.r_[0, each[:-1]]) for each in (np.nan_to_num(changes), ~np.isnan(changes)))
    return np.where(counts > 0, sums / np.maximum(counts, 1), math.nan)


def _mean(values: NDArray[np.float64], otherwise: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean of the known values of each row."""
    known = ~np.isnan(values)
    counts = known.sum(axis=1)
    return np.where(counts > 0, np.where(known, values, 0).sum(axis=1) / np.maximum(counts, 1), otherwise)
