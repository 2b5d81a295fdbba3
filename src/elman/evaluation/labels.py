"""Evaluates labelled examples: figures with intervals, those of the rivals, and a verdict."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError
from elman.evaluation.results import Results
from elman.evaluation.scores import Scores
from elman.evaluation.verdict import verdict_of
from elman.metrics.calibration import Reliability, log_loss
from elman.metrics.intervals import (
    RESAMPLES,
    Interval,
    LabelFigure,
    accuracy,
    label_interval,
    macro_f1,
    micro_f1,
    paired_difference,
)
from elman.metrics.labels import Labels, LabelTally, confusion_matrix
from elman.metrics.signature import signature as signed
from elman.progress import counted
from elman.system.machine import version

THRESHOLD = 0.5
"""With several labels per example, an example has the labels with at least this probability."""
MISTAKES = 20
MOST_CONFUSED = 1000
"""Labels of a confusion matrix, at most: it grows with their square."""
_LONGEST_TEXT = 300
_FEW_RESAMPLES = 100
"""With thousands of labels, each resample takes long."""
_FEW_EXAMPLES = 30

_HEADLINES: dict[str, tuple[LabelFigure, str]] = {
    "accuracy": (accuracy, "accuracy"),
    "micro_f1": (micro_f1, "micro F1"),
}
"""By JSON name: how a figure is computed, and its name in sentences."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mistake:
    """A wrong answer that the model was confident in."""

    index: int
    """Of the example, from 0."""
    text: str
    """Its first 300 characters."""
    true: str | tuple[str, ...]
    """The label, or the labels where an example may have several."""
    predicted: str | tuple[str, ...]
    probability: float
    """Of the wrong label; if several are wrong, of the most confident one."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelScores(Scores):
    """The figures of one classifier on the examples."""

    accuracy: Interval
    """Of whole answers: subset accuracy if an example may have several labels."""
    macro_f1: Interval
    micro_f1: Interval
    log_loss: float
    """Nats."""
    calibration_error: float
    """Expected calibration error, 15 bins."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelReport(Results):
    """The results of ``evaluate_labels``."""

    names: tuple[str, ...]
    """Of the labels."""
    multilabel: bool
    headline: str
    """The figure that the verdict is about: ``accuracy`` or ``micro_f1``."""
    scores: LabelScores
    """Of the model."""
    tally: LabelTally
    confusion: NDArray[np.int64] | None
    """``[K, K]``, rows true, columns predicted; None where an example may have several labels, or K
    is above 1,000."""
    reliability: Reliability
    mistakes: tuple[Mistake, ...]
    """The most confident first."""
    rivals: tuple[LabelScores, ...]
    """The best first."""
    verdict: str
    """One sentence."""
    notes: tuple[str, ...]
    """Further remarks, such as a rival that could not be trained."""
    signature: str

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON; ``elman.report.labels_page`` shows it."""
        values = super().to_json()
        values.pop("tally")
        labels = values.pop("names")
        return {
            **values,
            "labels": labels,
            "examples": int(self.tally.examples),
            "per_label": self.tally.per_label(labels),
        }


def evaluate_labels(
    truth: Labels,
    probabilities: NDArray[Any],
    *,
    names: Sequence[str],
    rivals: Mapping[str, NDArray[Any]] | None = None,
    texts: Sequence[str] | None = None,
    model: str = "the model",
    signature: str = "",
    notes: Sequence[str] = (),
    thresholds: float | NDArray[Any] = THRESHOLD,
    mistakes: int = MISTAKES,
    resamples: int = RESAMPLES,
    seed: int = 1,
) -> LabelReport:
    """Figures, intervals, mistakes and a verdict for predictions of labelled examples.

    Args:
        truth: ids ``[N]``, or booleans ``[N, K]`` where an example may have any number of labels.
        probabilities: of the model ``[N, K]``.
        names: of the K labels.
        rivals: probabilities ``[N, K]`` of simpler classifiers of the same examples, by name.
        texts: of the examples, kept with mistakes; by default only their numbers are kept.
        model: its name in tables.
        signature: see ``labels_signature``.
        thresholds: the lowest probability of a label that an example has, one for all labels or one
            for each ``[K]``; only if it may have several.
        mistakes: how many mistakes are kept.
        resamples: of the bootstrap.

    Raises:
        UsageError: no examples, or probabilities that are not finite.

    >>> truth, sure = np.array([0, 1] * 40), np.array([[0.9, 0.1], [0.2, 0.8]] * 40)
    >>> report = evaluate_labels(truth, sure, names=["no", "yes"], rivals={"a coin": np.full((80, 2), 0.5)})
    >>> print(report.verdict)
    Better than a coin by 50.0 points of accuracy (38.7 to 60.0).
    """
    shape = (len(truth), len(names))
    if not len(truth):
        raise UsageError("there are no labelled examples; give data with at least one")
    named = {model: probabilities, **(rivals or {})}
    for name, values in named.items():
        assert values.shape == shape, f"{name}: {values.shape} probabilities for {shape}"
        if not np.isfinite(values).all():
            raise UsageError(f"{name} gave probabilities that are not finite; train it again at a lower rate")
    multilabel = truth.ndim == 2
    headline = "micro_f1" if multilabel else "accuracy"
    answers = {name: values >= thresholds if multilabel else values.argmax(axis=1) for name, values in named.items()}
    if len(names) > MOST_CONFUSED:
        resamples = min(resamples, _FEW_RESAMPLES)
    drawn: dict[str, Any] = {"labels": len(names), "resamples": resamples, "seed": seed}

    def scores(name: str) -> LabelScores:
        right = label_interval(truth, answers[name], figure=accuracy, **drawn)
        # If each example has one label, micro F1 is the accuracy.
        micro = label_interval(truth, answers[name], figure=micro_f1, **drawn) if multilabel else right
        difference = None
        if name != model:
            compute = _HEADLINES[headline][0]
            difference = paired_difference(truth, answers[model], answers[name], figure=compute, **drawn)
        return LabelScores(
            name=name,
            accuracy=right,
            macro_f1=label_interval(truth, answers[name], figure=macro_f1, **drawn),
            micro_f1=micro,
            log_loss=log_loss(truth, named[name]),
            calibration_error=Reliability.measure(truth, named[name]).error,
            difference=difference,
        )

    beside = sorted(map(scores, rivals or {}), key=lambda rival: -getattr(rival, headline).value)
    return LabelReport(
        names=tuple(names),
        multilabel=multilabel,
        headline=headline,
        scores=scores(model),
        tally=LabelTally.count(truth, answers[model], labels=len(names)),
        confusion=None
        if multilabel or len(names) > MOST_CONFUSED
        else confusion_matrix(truth, answers[model], labels=len(names)),
        reliability=Reliability.measure(truth, probabilities),
        mistakes=_mistakes(truth, answers[model], probabilities, names, texts=texts, most=mistakes),
        rivals=tuple(beside),
        verdict=verdict_of(beside, figure=_HEADLINES[headline][1], units=counted(len(truth), "example")),
        notes=tuple(notes) + _few(len(truth)),
        signature=signature,
    )


def labels_signature(*, model: str, data: str, labels: int, task: str = "classify") -> str:
    """The signature of figures on labelled examples.

    Args:
        model: kind and hash, such as ``lstm-1a2b3c4d``.
        data: the SHA-256 of the examples; its first 12 digits are kept.
        labels: K.

    >>> labels_signature(model="lstm-1a2b", data="0123456789abcdef", labels=5).rsplit("|", 1)[0]
    'task:classify|model:lstm-1a2b|data:0123456789ab|labels:5|average:macro'
    """
    facts = {"task": task, "model": model, "data": data[:12], "labels": str(labels), "average": "macro"}
    return signed(**facts, elman=version("elman") or "unknown")


def _few(examples: int) -> tuple[str, ...]:
    if examples >= _FEW_EXAMPLES:
        return ()
    return (f"With {counted(examples, 'example')} the intervals are too narrow.",)


def _mistakes(
    truth: Labels,
    answers: Labels,
    probabilities: NDArray[Any],
    names: Sequence[str],
    *,
    texts: Sequence[str] | None,
    most: int,
) -> tuple[Mistake, ...]:
    if truth.ndim == 2:
        true = truth.astype(bool)
        sure = np.where(answers, probabilities, 1 - probabilities)
        confidence = np.where(answers != true, sure, -1).max(axis=1)
    else:
        predicted = np.take_along_axis(probabilities, answers[:, None], axis=1)[:, 0]
        confidence = np.where(answers != truth, predicted, -1)

    def named(labels: NDArray[Any]) -> str | tuple[str, ...]:
        if truth.ndim == 2:
            return tuple(name for name, has in zip(names, labels, strict=True) if has)
        return names[int(labels)]

    surest = np.argsort(-confidence, kind="stable")[:most]
    return tuple(
        Mistake(
            index=int(index),
            text=_shortened(texts[int(index)]) if texts else "",
            true=named(truth[index]),
            predicted=named(answers[index]),
            probability=float(confidence[index]),
        )
        for index in surest
        if confidence[index] >= 0
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
