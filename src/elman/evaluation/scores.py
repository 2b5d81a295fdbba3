"""The figures of several systems on the same examples, with intervals and the differences between
them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from elman.evaluation.results import Results
from elman.metrics.intervals import RESAMPLES, Interval, bootstrap_intervals
from elman.metrics.tags import SentenceFigure


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scores(Results):
    """The figures of one system: a model or a rival."""

    name: str
    difference: Interval | None = None
    """Of a rival: the headline figure of the model minus this one's, on the same resamples; above 0
    the model is better."""

    def to_json(self) -> dict[str, Any]:
        """The numbers by their stable names, those that there are; an interval is
        ``{"value", "low", "high"}``."""
        return {name: value for name, value in super().to_json().items() if value is not None}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SystemScores(Scores):
    """The scores of a system whose figures depend on the data."""

    figures: Mapping[str, Interval]
    """By their names."""
    p_value: float | None = None
    """Of the difference, by approximate randomisation; None if it was not computed."""

    def to_json(self) -> dict[str, Any]:
        values = super().to_json()
        return values | values.pop("figures")


def compared_scores(
    found: Mapping[str, Mapping[str, SentenceFigure]],
    model: str,
    headline: str,
    *,
    count: int,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> tuple[SystemScores, tuple[SystemScores, ...]]:
    """The scores of a model, and those of its rivals, the best first; a bootstrap draws examples.

    Args:
        found: the figures of each system by name.
        model: the name of the model.
        headline: the figure that differences are about.
        count: examples.
    """

    def scores(name: str) -> SystemScores:
        wanted = dict(found[name])
        if name != model:
            wanted["difference"] = minus(found[model][headline], wanted[headline])
        intervals = bootstrap_intervals(wanted, np.ones(count, np.int64), resamples=resamples, seed=seed)
        difference = intervals.pop("difference", None)
        return SystemScores(name=name, figures=intervals, difference=difference)

    rivals = (scores(name) for name in found if name != model)
    return scores(model), tuple(sorted(rivals, key=lambda rival: -rival.figures[headline].value))


def minus(first: SentenceFigure, second: SentenceFigure) -> SentenceFigure:
    """The difference of two figures as a figure."""
    return lambda weights: first(weights) - second(weights)
