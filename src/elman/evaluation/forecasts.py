"""Evaluates forecasts: MASE and others with intervals, rivals, and a verdict in words."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError
from elman.evaluation.forecast_rivals import NAIVE, SEASONAL
from elman.evaluation.results import Results
from elman.evaluation.scores import Scores
from elman.evaluation.verdict import NO_RIVAL, sentence
from elman.metrics.forecast import absolute_errors, covered, mase, row_means, smape, weighted_quantile_loss
from elman.metrics.intervals import RESAMPLES, Interval, bootstrap_intervals
from elman.metrics.signature import signature
from elman.progress import counted
from elman.system.machine import version

_FEWEST = 10
"""Of fewer independent pieces, an interval says little; of one, there is none."""
_REPEATS = 0.35
"""Forecasts that move less than this share of what the series moves repeat the last value."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Forecasted:
    """N forecasts of H steps and what came."""

    truth: NDArray[np.float64]
    """``[N, H]``; NaN where unknown."""
    last: NDArray[np.float64]
    """The last known value before each forecast ``[N]``."""
    scale: NDArray[np.float64]
    """The denominator of MASE of each ``[N]``."""
    deviation: NDArray[np.float64]
    """The standard deviation of each series in training ``[N]``."""
    series: NDArray[np.int64]
    """The number of each forecast's series ``[N]``."""
    origins: NDArray[np.int64]
    """``[N]``."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecastScores(Scores):
    """The figures of one forecaster."""

    mase: Interval
    smape: Interval
    mse: Interval
    """Mean squared error of values divided by the deviation of their series in training."""
    mae: Interval
    """In the units of the series."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForecastReport(Results):
    """The results of ``evaluate_forecasts``."""

    forecasts: int
    series: int
    horizon: int
    scores: ForecastScores
    rivals: tuple[ForecastScores, ...]
    """The best first; a difference is a rival's MASE minus the model's."""
    quantile_loss: float
    """The weighted quantile loss of the model."""
    coverage: Mapping[str, float]
    """The share of values inside each central interval, by its nominal share."""
    repeats: float
    """How far the forecasts move from the last value, relative to how far the series does."""
    verdict: str
    notes: tuple[str, ...]
    signature: str


def evaluate_forecasts(
    data: Forecasted,
    quantiles: NDArray[np.float64],
    *,
    levels: Sequence[float],
    rivals: Mapping[str, NDArray[np.float64]],
    model: str = "the model",
    notes: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> ForecastReport:
    """Figures with intervals, those of rivals on the same resamples.

    The bootstrap draws whole series, or of fewer than ten series pieces of time as long as a
    forecast.

    Args:
        quantiles: of the model ``[N, Q, H]``.
        levels: ``[Q]``, 0.5 among them.
        rivals: forecasts ``[N, H]`` by name.
        facts: further parts of the signature.

    Raises:
        UsageError: nothing to compare, or forecasts that are not finite.
    """
    truth = data.truth
    use = ~np.isnan(truth).all(axis=1) & (data.scale > 0)
    if not use.any():
        raise UsageError("there is no value to compare a forecast with; give rows after those of the training")
    if not np.isfinite(quantiles).all():
        raise UsageError("the forecasts are not finite; train again at a lower --rate")
    middle = list(levels).index(0.5)
    named = {model: quantiles[:, middle], **rivals}
    samples: dict[str, NDArray[np.float64]] = {}
    for name, forecast in named.items():
        errors = absolute_errors(truth, forecast)
        samples[f"mase.{name}"] = mase(truth, forecast, data.scale)
        samples[f"smape.{name}"] = smape(truth, forecast)
        samples[f"mse.{name}"] = row_means((errors / np.where(data.deviation > 0, data.deviation, 1)[:, None]) ** 2)
        samples[f"mae.{name}"] = row_means(errors)
        samples[f"difference.{name}"] = samples[f"mase.{name}"] - samples[f"mase.{model}"]
    groups = _groups(data, use)
    found = _intervals({name: each[use] for name, each in samples.items()}, groups, resamples=resamples, seed=seed)

    def scores(name: str) -> ForecastScores:
        figures = {figure: found[f"{figure}.{name}"] for figure in ("mase", "smape", "mse", "mae")}
        return ForecastScores(name=name, **figures, difference=None if name == model else found[f"difference.{name}"])

    beside = tuple(sorted(map(scores, rivals), key=lambda rival: rival.mase.value))
    moved = absolute_errors(named[model], data.last[:, None]) / data.scale[:, None]
    moves = absolute_errors(truth, data.last[:, None]) / data.scale[:, None]
    repeats = float(moved[~np.isnan(moves)].sum() / max(float(np.nansum(moves)), 1e-300))
    independent = int(groups.max()) + 1
    more = (
        [f"{counted(independent, 'independent piece')} of time: the intervals say little"]
        if 1 < independent < _FEWEST
        else []
    )
    return ForecastReport(
        forecasts=int(use.sum()),
        series=len(np.unique(data.series[use])),
        horizon=truth.shape[1],
        scores=scores(model),
        rivals=beside,
        quantile_loss=weighted_quantile_loss(truth, quantiles, levels),
        coverage=coverage_of(truth, quantiles, levels),
        repeats=repeats,
        verdict=verdict_of(beside, forecasts=int(use.sum()), pieces=independent, repeats=repeats),
        notes=(*notes, *more),
        signature=signature(task="forecast", **(facts or {}), elman=version("elman") or "unknown"),
    )


def coverage_of(
    truth: NDArray[np.float64], quantiles: NDArray[np.float64], levels: Sequence[float]
) -> dict[str, float]:
    """The share of values inside each central interval, by its nominal share.

    >>> coverage_of(np.array([[1.0, 9.0]]), np.array([[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]]), [0.1, 0.5, 0.9])
    {'80%': 0.5}
    """
    found: dict[str, float] = {}
    for low, level in enumerate(levels):
        high = next((place for place, other in enumerate(levels) if abs(level + other - 1) < 1e-9), None)
        if high is not None and high > low:
            inside = covered(truth, quantiles[:, low], quantiles[:, high])
            found[f"{100 * (1 - 2 * level):.3g}%"] = float(np.nanmean(inside))
    return found


def verdict_of(rivals: Sequence[ForecastScores], *, forecasts: int, pieces: int, repeats: float) -> str:
    """What a model and its rivals, the best first, mean for a user.

    Args:
        pieces: of time or series that do not overlap.
        repeats: as in ``ForecastReport``.
    """
    if not rivals:
        return NO_RIVAL
    best = rivals[0]
    assert best.difference is not None
    value = best.difference.value
    if pieces == 1:
        better = f"better than {best.name}" if value > 0 else f"worse than {best.name}"
        return f"By {abs(value):.3f} MASE {better}; one piece of time cannot show more, so hold out more rows."
    found = sentence(best.name, best.difference, figure="MASE", units=counted(forecasts, "forecast"))
    if value < 0 <= best.difference.high and best.name in (NAIVE, SEASONAL):
        name = best.name[:1].upper() + best.name[1:]
        found += f" {name} is simpler, though elman has no command that uses it."
    plain = next((rival for rival in rivals if rival.name == NAIVE), None)
    if plain is None or plain.difference is None or plain.difference.low > 0:
        return found
    _, low, high = plain.difference
    found += (
        f" No skill: repeating the last value is as good (its MASE minus the model's: {low:.3f} to {high:.3f}), so "
        "nothing that was learned from the past tells whether the next values rise or fall."
    )
    if repeats < _REPEATS:
        found += (
            f" The forecasts repeat the last value (they move {100 * repeats:.0f}% as far as the series does): drawn"
            " over it they look right, one step late. That is the one-step-lag trap, not a forecast."
        )
    return found


def _groups(data: Forecasted, use: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The number of the piece that each forecast belongs to ``[N]``; pieces are drawn together."""
    series = np.unique(data.series[use], return_inverse=True)[1]
    if series.max(initial=0) + 1 >= _FEWEST:
        return series
    # Forecasts of several series from one time, such as prices, move together.
    origins = data.origins[use]
    return np.unique((origins - origins.min()) // data.truth.shape[1], return_inverse=True)[1]


def _intervals(
    samples: Mapping[str, NDArray[np.float64]], groups: NDArray[np.int64], *, resamples: int, seed: int
) -> dict[str, Interval]:
    size = int(groups.max()) + 1
    counts = np.bincount(groups, minlength=size).astype(np.float64)

    def figure(sample: NDArray[np.float64]) -> Any:
        sums = np.bincount(groups, sample, minlength=size)
        return lambda drawn: drawn @ sums / (drawn @ counts)

    figures = {name: figure(sample) for name, sample in samples.items()}
    return bootstrap_intervals(figures, np.ones(size, np.int64), resamples=resamples, seed=seed)
