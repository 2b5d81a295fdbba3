"""Whether probabilities mean what they say: reliability, log loss, temperature.

Guo et al. (2017), "On calibration of modern neural networks". Logarithms are natural, in nats.
Examples with one label have a softmax over K labels and are ids ``[N]``; examples with any number
of labels have a sigmoid for each and are booleans ``[N, K]``.
"""

import dataclasses
import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from elman.metrics.labels import Labels

BINS = 15
"""Of equal width, as in Guo et al."""
TEMPERATURES = (0.05, 20.0)
"""Temperatures that ``fit_temperature`` looks at."""


def log_softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Natural log-probabilities over the last axis ``[.., K]``.

    >>> log_softmax(np.array([1000.0, 1000.0])).round(4)
    array([-0.6931, -0.6931])
    """
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Probabilities that sum to 1 over the last axis ``[.., K]``.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def log_sigmoid(logits: NDArray[Any]) -> NDArray[np.float64]:
    """Natural logarithm of ``sigmoid``, which does not overflow.

    >>> log_sigmoid(np.array([-1000.0, 0.0])).round(4)
    array([-1.000e+03, -6.931e-01])
    """
    return -np.logaddexp(0, -logits.astype(np.float64))


def sigmoid(logits: NDArray[Any]) -> NDArray[np.float64]:
    """The probability of each label by itself, ``1 / (1 + exp(-logit))``.

    >>> sigmoid(np.array([-1000.0, 0.0]))
    array([0. , 0.5])
    """
    return np.exp(log_sigmoid(logits))


def log_loss(truth: Labels, probabilities: NDArray[Any]) -> float:
    """The mean of minus the log-probability of what is true (nats), as scikit-learn computes it.

    With ids it is a mean over examples, with booleans over examples and labels. Probabilities are
    kept 2.2e-16 away from 0 and 1, so that one sure mistake costs 36 nats and not infinity.

    >>> round(log_loss(np.array([0, 1]), np.array([[0.5, 0.5], [0.75, 0.25]])), 4)
    1.0397
    """
    limit = float(np.finfo(np.float64).eps)
    kept = np.clip(probabilities.astype(np.float64), limit, 1 - limit)
    if truth.ndim == 2:
        true = truth.astype(bool)
        return float(-np.where(true, np.log(kept), np.log1p(-kept)).mean())
    return float(-np.log(kept[np.arange(len(truth)), truth]).mean())


@dataclasses.dataclass(frozen=True, eq=False)
class Reliability:
    """Sums by bin of confidence, from which the calibration error follows.

    With ids, the confidence of an example is the largest probability, and it is correct where that
    label is true. With booleans, every example and label counts: the confidence is the label's
    probability, and it is correct where the label is true.

    Bin m of M holds confidences above (m - 1) / M, up to m / M. They add up over parts of the data.
    """

    counts: NDArray[np.int64]
    """Predictions in each bin ``[M]``."""
    confidence: NDArray[np.float64]
    """Their confidences, added up ``[M]``."""
    correct: NDArray[np.int64]
    """The correct ones among them ``[M]``."""

    @classmethod
    def measure(cls, truth: Labels, probabilities: NDArray[Any], *, bins: int = BINS) -> Self:
        """Sort predictions into bins.

        Args:
            truth: ids ``[N]`` or booleans ``[N, K]``.
            probabilities: ``[N, K]``.

        >>> pair = np.array([[0.9, 0.1], [0.9, 0.1]])
        >>> round(Reliability.measure(np.array([0, 1]), pair).error, 3)
        0.4
        """
        probabilities = probabilities.astype(np.float64)
        if truth.ndim == 2:
            confidence, correct = probabilities.ravel(), truth.astype(bool).ravel()
        else:
            confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
        # On the edges themselves: rounding confidence * bins would move some that lie on an edge.
        edges = np.linspace(0, 1, bins + 1)
        index = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
        counts = np.bincount(index, minlength=bins)
        sums = np.bincount(index, weights=confidence, minlength=bins).astype(np.float64)
        return cls(counts, sums, np.bincount(index[correct], minlength=bins))

    def __add__(self, other: Self) -> Self:
        return type(self)(self.counts + other.counts, self.confidence + other.confidence, self.correct + other.correct)

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of confidence and accuracy.

        Bins are weighted by their size.
        """
        return float(np.abs(self.confidence - self.correct).sum() / max(int(self.counts.sum()), 1))

    def to_json(self) -> dict[str, Any]:
        """Each bin's limits, count, mean confidence and accuracy, these two None if it is empty."""
        bins = len(self.counts)
        rows = []
        for index, (count, confidence, correct) in enumerate(
            zip(self.counts.tolist(), self.confidence.tolist(), self.correct.tolist(), strict=True)
        ):
            means = {"confidence": confidence / count, "accuracy": correct / count} if count else {}
            limits = {"above": index / bins, "up_to": (index + 1) / bins, "count": count}
            rows.append({**limits, "confidence": None, "accuracy": None, **means})
        return {"expected_calibration_error": self.error, "bins": rows}


def fit_temperature(logits: NDArray[Any], truth: Labels) -> float:
    """The temperature at which logits divided by it predict the truth best.

    Fitted on validation data: it minimises the mean log loss of ``softmax(logits / temperature)``,
    or of ``sigmoid(logits / temperature)`` if ``truth`` is boolean. The loss is convex in
    1 / temperature, and its slope is bisected.

    Args:
        logits: ``[N, K]``.
        truth: ids ``[N]`` or booleans ``[N, K]``.

    Returns:
        A number within ``TEMPERATURES``. 1.0 where the loss only falls towards temperature 0: then
        every answer is right, and says nothing of how sure to be.

    >>> logits = np.array([[3.0, 0.0]] * 4)  # three of four are right, where 95% are promised
    >>> round(fit_temperature(logits, np.array([0, 0, 0, 1])), 3)  # 3 / log(3)
    2.731
    """
    if not len(logits):
        return 1.0
    logits = logits.astype(np.float64)

    def slope(inverse: float) -> float:
        """Of the loss by 1 / temperature: the expected logit minus that of what is true."""
        if truth.ndim == 2:
            return float(((sigmoid(inverse * logits) - truth.astype(bool)) * logits).sum())
        expected = (softmax(inverse * logits) * logits).sum(axis=1)
        return float((expected - logits[np.arange(len(truth)), truth]).sum())

    coldest, hottest = TEMPERATURES
    if slope(1 / coldest) <= 0:
        return 1.0
    if slope(1 / hottest) >= 0:
        return hottest
    low, high = math.log(1 / hottest), math.log(1 / coldest)
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(math.exp(middle)) > 0 else (middle, high)
    return math.exp(-(low + high) / 2)
