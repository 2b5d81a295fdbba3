"""The simple rivals of a text classifier, trained on the same split by the same command.

If a network cannot beat a rival, use the rival instead. The majority label needs no library; TF-IDF
with logistic regression needs scikit-learn (`pip install 'elman[tasks]'`) and a few seconds.

Labels are ids ``[N]``, or booleans ``[N, K]`` where an example may have any number of them.
"""

import importlib.util
import warnings
from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from elman.errors import MissingExtra
from elman.metrics.calibration import log_loss
from elman.metrics.labels import Labels

Examples = tuple[Sequence[str], Labels]
"""Texts and their labels."""

INSTALL = "pip install 'elman[tasks]'"
INVERSE_PENALTIES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Values of ``C`` that validation chooses from, rising."""
_DEFAULT_INVERSE_PENALTY = 2.0
_WORDS = r"[\w'’-]+|[^\w\s]"
"""Words with their apostrophes and hyphens, and punctuation marks."""
_EXAMPLES_PER_OCCURRENCE = 20_000
"""For each multiple of this many examples, an n-gram must occur in one more example, which bounds
the weights."""


class Rival(Protocol):
    """A simple classifier of texts."""

    name: str
    """As in tables and verdicts."""

    def fit(self, texts: Sequence[str], labels: Labels, *, valid: Examples | None = None) -> Self:
        """Learn from texts; settings are chosen on ``valid``."""
        ...

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities of the labels ``[N, K]``."""
        ...


class Majority:
    """Always the most frequent label; its probabilities are the labels' frequencies.

    Args:
        labels: K.

    >>> Majority(labels=2).fit(["a", "b", "c", "d"], np.array([0, 1, 1, 1])).predict_proba(["new"])
    array([[0.25, 0.75]])
    """

    name = "the most frequent label"

    def __init__(self, *, labels: int) -> None:
        self.labels = labels

    def fit(self, texts: Sequence[str], labels: Labels, *, valid: Examples | None = None) -> Self:
        """Count the labels."""
        matrix = labels if labels.ndim == 2 else labels[:, None] == np.arange(self.labels)
        self._frequencies = matrix.mean(axis=0)
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """The frequencies of the labels, the same in each row ``[N, K]``."""
        return np.tile(self._frequencies, (len(texts), 1))


class TfidfRegression:
    """Logistic regression on TF-IDF weights of words and of characters.

    Features are 1-2-grams of words and 2-5-grams of characters inside words, with logarithmic
    counts. Equal data give equal probabilities.

    Args:
        labels: K.

    Raises:
        MissingExtra: scikit-learn is not installed.

    >>> rival = TfidfRegression(labels=2).fit(["good", "very good", "bad"], np.array([1, 1, 0]))
    >>> rival.predict_proba(["a bad one"]).argmax()
    np.int64(0)
    """

    name = "TF-IDF with logistic regression"

    def __init__(self, *, labels: int) -> None:
        if not _has_sklearn():
            raise MissingExtra(f"TF-IDF with logistic regression needs scikit-learn; run: {INSTALL}")
        self.labels = labels
        self.inverse_penalty = _DEFAULT_INVERSE_PENALTY
        """scikit-learn's ``C``: the greater, the weaker the regularisation."""

    def fit(self, texts: Sequence[str], labels: Labels, *, valid: Examples | None = None) -> Self:
        """Learn from texts.

        Args:
            valid: ``C`` is the value of ``INVERSE_PENALTIES`` with the lowest log loss there; by
                default it is 2.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import FeatureUnion

        self._majority = Majority(labels=self.labels).fit(texts, labels)
        self._features: Any = None
        if not any(text.strip() for text in texts):
            return self
        settings: Any = {
            "sublinear_tf": True,
            "min_df": 1 + len(texts) // _EXAMPLES_PER_OCCURRENCE,
            "dtype": np.float32,
        }
        words: Any = TfidfVectorizer(ngram_range=(1, 2), token_pattern=_WORDS, **settings)
        characters: Any = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), **settings)
        self._features = FeatureUnion([("words", words), ("characters", characters)])
        weights = self._features.fit_transform(texts)
        if valid is None or not len(valid[0]):
            self._models = _regressions(weights, labels, self.inverse_penalty)
            return self
        valid_weights, lowest = self._features.transform(valid[0]), np.inf
        for inverse_penalty in INVERSE_PENALTIES:
            models = _regressions(weights, labels, inverse_penalty)
            loss = log_loss(valid[1], self._probabilities(models, valid_weights))
            if loss >= lowest:
                break
            lowest, self.inverse_penalty, self._models = loss, inverse_penalty, models
        return self

    def predict_proba(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Probabilities of the labels ``[N, K]``."""
        if self._features is None or not len(texts):
            return self._majority.predict_proba(texts)
        return self._probabilities(self._models, self._features.transform(texts))

    def _probabilities(self, models: Sequence[Any], weights: Any) -> NDArray[np.float64]:
        probabilities = self._majority.predict_proba([""] * weights.shape[0])
        if len(models) == self.labels:  # one for each label
            for label, model in enumerate(models):
                if model is not None:
                    probabilities[:, label] = model.predict_proba(weights)[:, 1]
        elif models[0] is not None:
            probabilities[:] = 0  # for labels that no example had
            probabilities[:, models[0].classes_] = models[0].predict_proba(weights)
        return probabilities


def rivals_of(*, labels: int) -> tuple[list[Rival], list[str]]:
    """The rivals that can be trained here, and a note for each that cannot.

    Args:
        labels: K.
    """
    if _has_sklearn():
        return [Majority(labels=labels), TfidfRegression(labels=labels)], []
    note = f"{TfidfRegression.name} was not compared: scikit-learn is not installed; run: {INSTALL}"
    return [Majority(labels=labels)], [note]


def _regressions(weights: Any, labels: Labels, inverse_penalty: float) -> list[Any]:
    """One model of ids, or one for each column of booleans; None if all examples are alike."""
    from sklearn.linear_model import LogisticRegression

    models: list[Any] = []
    for column in labels.T if labels.ndim == 2 else [labels]:
        # Ten times faster than the default solver on so many features.
        model = LogisticRegression(C=inverse_penalty, solver="saga", tol=1e-2, max_iter=200, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 200 passes may not be enough
            models.append(model.fit(weights, column) if (column != column[0]).any() else None)
    return models


def _has_sklearn() -> bool:
    return importlib.util.find_spec("sklearn") is not None
