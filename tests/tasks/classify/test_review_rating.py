"""Ratings by hand, from classifiers whose probabilities are given."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.data.labels import LabelSet, sort_key
from elman.errors import FolderError, UsageError
from elman.models.classifier_config import ClassifierConfig
from elman.tasks.classify.model import TextClassifier


class Fixed(TextClassifier):
    """A classifier that says of every text what it was given."""

    def __init__(self, *labels: str, p: Any = None, multi_label: bool = False) -> None:
        assert list(labels) == sorted(labels, key=sort_key)
        self.label_set = LabelSet(labels, (1,) * len(labels), len(labels))
        self.config = ClassifierConfig(multi_label=multi_label)
        self.given = np.array([p], np.float64)

    def predict_proba(self, texts: Any) -> Any:
        assert texts == ["a film"]
        return self.given


@pytest.mark.parametrize(
    ("labels", "probabilities", "rating"),
    [
        (("NEGATIVE", "Neutral", "positive"), (0.3, 0.4, 0.3), "Neutral"),
        (("Negative", "Neutral", "Positive"), (0.3, 0.3, 0.4), "Positive"),
        (("neg", "neu", "pos"), (0.5, 0.1, 0.4), "Negative"),
        (("neg", "pos"), (0.61, 0.39), "Negative"),
        (("neg", "pos"), (0.6, 0.4), "Neutral"),
        (("negative", "positive"), (0.4, 0.6), "Neutral"),
        (("Neg", "Pos"), (0.39, 0.61), "Positive"),
        (("0", "1"), (0.2, 0.8), "Positive"),
        (("0", "1"), (0.5, 0.5), "Neutral"),
        (("-1", "1"), (0.8, 0.2), "Negative"),
        (("-1", "0", "1"), (0.5, 0.2, 0.3), "Negative"),
        (("-1", "0", "1"), (0.3, 0.4, 0.3), "Neutral"),
        # The single most probable label is not of the rating whose labels have most together.
        (("0", "1", "2", "3", "4"), (0.2, 0.2, 0.35, 0.15, 0.1), "Negative"),
        (("1", "2", "3", "4", "5"), (0.1, 0.1, 0.35, 0.2, 0.25), "Positive"),
        (("0.5", "1.5", "2.5", "3.5", "10"), (0.1, 0.2, 0.4, 0.2, 0.1), "Neutral"),
    ],
)
def test_ratings(labels: tuple[str, ...], probabilities: tuple[float, ...], rating: str) -> None:
    assert elman.review_rating("a film", model=Fixed(*labels, p=probabilities)) == rating


@pytest.mark.parametrize(
    "labels",
    [("neg", "other", "pos"), ("neg", "neu"), ("1", "2", "3", "4"), ("1", "pos"), ("neg", "negative", "pos"), ("x",)],
)
def test_other_labels_are_refused(labels: tuple[str, ...]) -> None:
    expected = f"the model's labels are {', '.join(labels)}; a review's are positive, negative and neutral"
    with pytest.raises(UsageError, match=expected):
        elman.review_rating("a film", model=Fixed(*labels))


def test_mistakes_are_said_in_one_line(ngram_folder: Path) -> None:
    with pytest.raises(UsageError, match="several per text"):
        elman.review_rating("a film", model=Fixed("0", "1", multi_label=True))
    with pytest.raises(UsageError, match=r"labels are 0, 1, 2, 3, 4, 5, 6, 7, \.\.\.; a review's"):
        elman.review_rating("a film", model=Fixed(*map(str, range(10))))
    with pytest.raises(FolderError, match="not a text classifier but a ngram"):
        elman.review_rating("a film", model=ngram_folder)
    with pytest.raises(UsageError, match="model is a Model; give a text classifier or its folder"):
        elman.review_rating("a film", model=elman.load(ngram_folder))


def test_a_trained_classifier_and_its_folder(reviews_folder: Path) -> None:
    model = elman.load(reviews_folder)
    for text, rating in (("a good film", "Positive"), ("a bad film", "Negative")):
        assert elman.review_rating(text, model=reviews_folder) == elman.review_rating(text, model=model) == rating
    with pytest.raises(UsageError, match="a text is of type int; give strings"):
        elman.review_rating(3, model=model)  # type: ignore[arg-type]
