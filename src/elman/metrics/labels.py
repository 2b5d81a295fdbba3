"""Figures of labelled examples: accuracy, precision, recall, F1, and the confusion matrix.

Counts add up over parts of the data; a figure divides once, at the end. All figures equal those of
scikit-learn to the last digit. A ratio without a denominator is 0, as with its `zero_division`
default.

K is the number of labels. Examples with one label are ids ``[N]``, each in ``0 .. K-1``; examples
with any number of labels are booleans ``[N, K]``.
"""

import dataclasses
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[Any]
"""Label ids ``[N]``, or one boolean for each label ``[N, K]``."""


@dataclasses.dataclass(frozen=True, eq=False)
class LabelTally:
    """The counts that the figures of labelled examples follow from.

    Every field may have leading axes, for instance one for the resamples of a bootstrap; then the
    figures have them too.

    >>> tally = LabelTally.count(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1]), labels=3)
    >>> tally.recall
    array([0.5, 1. , 0. ])
    >>> tally.figures()["accuracy"], tally.figures()["macro_f1"]
    (0.5, 0.38888888888888884)
    """

    hits: NDArray[Any]
    """Correct answers of each label ``[.., K]`` (true positives)."""
    support: NDArray[Any]
    """True answers of each label ``[.., K]``."""
    predicted: NDArray[Any]
    """Predictions of each label ``[.., K]``."""
    exact: NDArray[Any]
    """Examples whose labels are all correct ``[..]``."""
    examples: NDArray[Any]
    """Examples ``[..]``."""
    multilabel: bool
    """An example may have any number of labels."""

    @classmethod
    def count(cls, truth: Labels, predicted: Labels, *, labels: int, weights: NDArray[Any] | None = None) -> Self:
        """Count true and predicted labels.

        Args:
            truth: ids ``[N]`` or booleans ``[N, K]``.
            predicted: of the same shape.
            labels: K.
            weights: how many times each example counts, ``[.., N]``; by default once.
        """
        assert truth.shape == predicted.shape
        if weights is None:
            weights = np.ones(len(truth), np.int64)
        if truth.ndim == 2:
            truth, predicted = truth.astype(bool), predicted.astype(bool)
            sums = [_dot(weights, matrix) for matrix in (truth & predicted, truth, predicted)]
            correct = (truth == predicted).all(axis=1)
        else:
            correct = truth == predicted
            parts = ((truth, weights * correct), (truth, weights), (predicted, weights))
            sums = [_bincount(ids, of_example, labels) for ids, of_example in parts]
        exact, examples = (weights * correct).sum(axis=-1), weights.sum(axis=-1)
        return cls(*sums, exact=exact, examples=examples, multilabel=truth.ndim == 2)

    @classmethod
    def of_confusion(cls, confusion: NDArray[np.int64]) -> Self:
        """The counts of a confusion matrix ``[.., K, K]``, rows true, columns predicted.

        >>> LabelTally.of_confusion(np.array([[8, 2], [1, 9]])).accuracy
        np.float64(0.85)
        """
        hits = np.diagonal(confusion, axis1=-2, axis2=-1)
        return cls(
            hits=hits,
            support=confusion.sum(axis=-1),
            predicted=confusion.sum(axis=-2),
            exact=hits.sum(axis=-1),
            examples=confusion.sum(axis=(-2, -1)),
            multilabel=False,
        )

    def __add__(self, other: Self) -> Self:
        assert self.multilabel == other.multilabel
        names = [field.name for field in dataclasses.fields(self) if field.name != "multilabel"]
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return type(self)(**sums, multilabel=self.multilabel)

    def summed(self, weights: NDArray[Any]) -> Self:
        """The counts of weighted parts of the data, from a tally whose first axis is the part.

        Args:
            weights: how many times each part counts, ``[.., P]``.

        >>> parts = LabelTally.of_confusion(np.array([[[3, 0], [0, 1]], [[0, 2], [0, 0]]]))
        >>> parts.summed(np.array([[1, 1], [2, 0]])).accuracy
        array([0.66666667, 1.        ])
        """
        names = [field.name for field in dataclasses.fields(self) if field.name != "multilabel"]
        sums = {name: _dot(weights, getattr(self, name)) for name in names}
        return type(self)(**sums, multilabel=self.multilabel)

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """The share of examples whose labels are all correct ``[..]`` (subset accuracy if
        multilabel)."""
        return _ratio(self.exact, self.examples)

    @property
    def precision(self) -> NDArray[np.float64]:
        """The share of each label's predictions that are correct ``[.., K]``."""
        return _ratio(self.hits, self.predicted)

    @property
    def recall(self) -> NDArray[np.float64]:
        """The share of each label's true answers that were predicted ``[.., K]``."""
        return _ratio(self.hits, self.support)

    @property
    def f1(self) -> NDArray[np.float64]:
        """The harmonic mean of precision and recall of each label ``[.., K]``."""
        return _ratio(2 * self.hits, self.support + self.predicted)

    @property
    def macro_f1(self) -> NDArray[np.float64]:
        """The mean F1 of the labels ``[..]``.

        With one label for each example, a label that is neither true nor predicted anywhere is
        left out; with several, every label counts. Both are defaults of scikit-learn.
        """
        counted = (self.support + self.predicted > 0) | self.multilabel
        if self.hits.ndim == 1:  # Zeros in between would round the sum differently from scikit-learn.
            return _ratio(self.f1[counted].sum(), counted.sum())
        return _ratio(np.where(counted, self.f1, 0).sum(axis=-1), counted.sum(axis=-1))

    @property
    def micro_f1(self) -> NDArray[np.float64]:
        """F1 of all labels' counts together ``[..]``; the accuracy if examples have one label."""
        return _ratio(2 * self.hits.sum(axis=-1), self.support.sum(axis=-1) + self.predicted.sum(axis=-1))

    def figures(self) -> dict[str, float | int]:
        """The numbers to print and to keep, by their lasting JSON names."""
        return {
            "accuracy": float(self.accuracy),
            "macro_f1": float(self.macro_f1),
            "micro_f1": float(self.micro_f1),
            "examples": int(self.examples),
        }

    def per_label(self, names: list[str]) -> list[dict[str, Any]]:
        """A row for each label: name, precision, recall, F1, support, and predictions."""
        columns = (self.precision, self.recall, self.f1, self.support, self.predicted)
        heads = ("label", "precision", "recall", "f1", "support", "predicted")
        rows = zip(names, *(column.tolist() for column in columns), strict=True)
        return [dict(zip(heads, row, strict=True)) for row in rows]


def confusion_matrix(truth: NDArray[Any], predicted: NDArray[Any], *, labels: int) -> NDArray[np.int64]:
    """How often each label was predicted for each true one ``[K, K]``; rows are true labels.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), labels=2)
    array([[1, 1],
           [0, 1]])
    """
    cells = np.bincount(truth.astype(np.int64) * labels + predicted, minlength=labels**2)
    return cells.astype(np.int64).reshape(labels, labels)


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    return above / np.maximum(below, 1)


def _dot(weights: NDArray[Any], matrix: NDArray[Any]) -> NDArray[np.int64]:
    # In floating point, which is exact up to 2 ** 53: products of integers do not use BLAS.
    return (weights.astype(np.float64) @ matrix.astype(np.float64)).astype(np.int64)


def _bincount(ids: NDArray[Any], weights: NDArray[Any], labels: int) -> NDArray[np.int64]:
    """Weights ``[.., N]`` added up by label ``[.., K]``."""
    rows = weights.reshape(-1, len(ids)) if weights.ndim > 1 else weights[None]
    codes = (np.arange(len(rows))[:, None] * labels + ids).ravel()
    sums = np.bincount(codes, weights=rows.ravel(), minlength=len(rows) * labels)
    return sums.astype(np.int64).reshape(*weights.shape[:-1], labels)
