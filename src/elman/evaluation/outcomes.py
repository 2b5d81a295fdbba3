"""Evaluates probabilities of outcomes: log loss and others with intervals, rivals, and a
verdict."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError
from elman.evaluation.results import Results
from elman.evaluation.scores import Scores
from elman.evaluation.verdict import sentence, verdict_of
from elman.metrics.calibration import Reliability
from elman.metrics.intervals import RESAMPLES, Interval, bootstrap_intervals
from elman.metrics.ranked import ranked_scores
from elman.metrics.signature import signature
from elman.progress import counted
from elman.system.machine import version


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutcomeScores(Scores):
    """The figures of one forecaster on the examples."""

    accuracy: Interval
    log_loss: Interval
    """Nats."""
    ranked: Interval | None
    """Ranked probability score of ordered outcomes, or of two."""
    calibration_error: float
    """Expected calibration error, 15 bins."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutcomeReport(Results):
    """The results of ``evaluate_outcomes``."""

    outcomes: tuple[str, ...]
    examples: int
    scores: OutcomeScores
    rivals: tuple[OutcomeScores, ...]
    """The best first; a difference is a rival's log loss minus the model's."""
    reliability: Reliability
    verdict: str
    notes: tuple[str, ...]
    signature: str


def evaluate_outcomes(
    truth: NDArray[np.int64],
    probabilities: NDArray[Any],
    *,
    names: Sequence[str],
    ordered: bool = False,
    rivals: Mapping[str, NDArray[Any]] | None = None,
    model: str = "the model",
    notes: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> OutcomeReport:
    """Figures with intervals (bootstrap over examples), those of rivals on the same resamples.

    Args:
        truth: ids ``[N]``.
        probabilities: of the model ``[N, K]``.
        names: of the K outcomes.
        ordered: whether they have an order; of two outcomes it does not matter.
        rivals: probabilities ``[N, K]`` by name.
        facts: further parts of the signature.

    Raises:
        UsageError: no examples, or probabilities that are not finite.

    >>> truth = np.array([0, 1] * 50)
    >>> sure, coin = np.array([[0.9, 0.1], [0.1, 0.9]] * 50), np.full((100, 2), 0.5)
    >>> print(evaluate_outcomes(truth, sure, names=["lost", "won"], rivals={"a coin": coin}).verdict)
    Better than a coin by 0.588 nats of log loss (0.588 to 0.588).
    """
    if not len(truth):
        raise UsageError("there are no rows with an outcome; give data with at least one")
    named = {model: probabilities, **(rivals or {})}
    for name, values in named.items():
        assert values.shape == (len(truth), len(names)), name
        if not np.isfinite(values).all():
            raise UsageError(f"{name} gave probabilities that are not finite; train it again at a lower rate")
    ranks = ordered or len(names) == 2
    samples: dict[str, NDArray[np.float64]] = {}
    for name, values in named.items():
        samples[f"right.{name}"] = (values.argmax(axis=1) == truth).astype(np.float64)
        samples[f"nats.{name}"] = _nats(truth, values)
        samples[f"ranked.{name}"] = ranked_scores(truth, values)
        samples[f"difference.{name}"] = samples[f"nats.{name}"] - samples[f"nats.{model}"]
    figures = {name: _mean_of(sample) for name, sample in samples.items()}
    found = bootstrap_intervals(figures, np.ones(len(truth), np.int64), resamples=resamples, seed=seed)

    def scores(name: str) -> OutcomeScores:
        return OutcomeScores(
            name=name,
            accuracy=found[f"right.{name}"],
            log_loss=found[f"nats.{name}"],
            ranked=found[f"ranked.{name}"] if ranks else None,
            calibration_error=Reliability.measure(truth, named[name]).error,
            difference=None if name == model else found[f"difference.{name}"],
        )

    beside = tuple(sorted(map(scores, rivals or {}), key=lambda rival: rival.log_loss.value))
    return OutcomeReport(
        outcomes=tuple(names),
        examples=len(truth),
        scores=scores(model),
        rivals=beside,
        reliability=Reliability.measure(truth, probabilities),
        verdict=verdict_of(beside, figure="nats of log loss", units=counted(len(truth), "row"), say=sentence),
        notes=tuple(notes),
        signature=signature(task="outcome", **(facts or {}), elman=version("elman") or "unknown"),
    )


def _nats(truth: NDArray[np.int64], probabilities: NDArray[Any]) -> NDArray[np.float64]:
    limit = float(np.finfo(np.float64).eps)
    return -np.log(np.clip(probabilities.astype(np.float64)[np.arange(len(truth)), truth], limit, 1 - limit))


def _mean_of(sample: NDArray[np.float64]) -> Any:
    return lambda counts: counts @ sample / counts.sum(axis=1)
