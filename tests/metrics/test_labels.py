"""Figures of labels by hand, and to the last digit those of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from elman.metrics.labels import LabelTally, confusion_matrix


def test_figures_by_hand() -> None:
    # A: 3 true, 2 of them predicted, and one B taken for it. C is true once and never predicted.
    truth = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 0, 1])
    tally = LabelTally.count(truth, predicted, labels=3)
    assert tally.hits.tolist() == [2, 1, 0]
    assert tally.support.tolist() == [3, 2, 1] and tally.predicted.tolist() == [3, 3, 0]
    assert tally.precision == pytest.approx([2 / 3, 1 / 3, 0])
    assert tally.recall == pytest.approx([2 / 3, 1 / 2, 0])
    assert tally.f1 == pytest.approx([2 / 3, 2 / 5, 0])
    assert tally.figures() == pytest.approx(
        {"accuracy": 1 / 2, "macro_f1": (2 / 3 + 2 / 5) / 3, "micro_f1": 1 / 2, "examples": 6}
    )
    assert confusion_matrix(truth, predicted, labels=3).tolist() == [[2, 1, 0], [1, 1, 0], [0, 1, 0]]


def test_multilabel_figures_by_hand() -> None:
    truth = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 0]], bool)
    predicted = np.array([[1, 0, 0], [0, 0, 0], [1, 1, 1]], bool)
    tally = LabelTally.count(truth, predicted, labels=3)
    # Nothing true and nothing predicted is an exact answer.
    assert tally.figures() == pytest.approx(
        {"accuracy": 1 / 3, "macro_f1": 2 / 3, "micro_f1": 2 * 3 / (4 + 4), "examples": 3}
    )
    assert tally.per_label(["a", "b", "c"])[2] == {
        "label": "c", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1, "predicted": 1,
    }  # fmt: skip


def test_counts_add_up_and_divide_once() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(4, size=(2, 50))
    whole = LabelTally.count(truth, predicted, labels=4)
    parts = LabelTally.count(truth[:7], predicted[:7], labels=4) + LabelTally.count(truth[7:], predicted[7:], labels=4)
    assert parts.figures() == whole.figures()
    assert LabelTally.of_confusion(confusion_matrix(truth, predicted, labels=4)).figures() == whole.figures()
    empty = LabelTally.count(truth[:0], predicted[:0], labels=4)
    assert empty.figures() == {"accuracy": 0.0, "macro_f1": 0.0, "micro_f1": 0.0, "examples": 0}


@st.composite
def answers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int]:
    """True and predicted ids; some labels are true nowhere, predicted nowhere, or neither."""
    labels = draw(st.integers(1, 40))
    used = draw(st.lists(st.integers(0, labels - 1), min_size=1, max_size=labels))
    rows = draw(st.lists(st.tuples(st.sampled_from(used), st.sampled_from(used)), min_size=1, max_size=120))
    truth, predicted = np.array(rows).T
    return truth, predicted, labels


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.filterwarnings("ignore:A single label was found")
@given(answers())
@settings(max_examples=60, deadline=None)
def test_equal_to_scikit_learn_to_the_last_digit(case: tuple[np.ndarray, np.ndarray, int]) -> None:
    truth, predicted, labels = case
    tally, every = LabelTally.count(truth, predicted, labels=labels), range(labels)
    assert tally.accuracy == oracle.accuracy_score(truth, predicted)
    assert tally.macro_f1 == oracle.f1_score(truth, predicted, average="macro")
    assert tally.micro_f1 == oracle.f1_score(truth, predicted, average="micro")
    columns = oracle.precision_recall_fscore_support(truth, predicted, labels=every)
    for ours, theirs in zip((tally.precision, tally.recall, tally.f1, tally.support), columns, strict=True):
        assert ours.tolist() == theirs.tolist()
    expected = oracle.confusion_matrix(truth, predicted, labels=every)
    assert confusion_matrix(truth, predicted, labels=labels).tolist() == expected.tolist()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.parametrize("labels", [2, 3, 9, 40])
@pytest.mark.parametrize("rate", [0.02, 0.4])
def test_multilabel_figures_equal_scikit_learn_to_the_last_digit(labels: int, rate: float) -> None:
    rng = np.random.default_rng(labels)
    truth = rng.random((60, labels)) < rate
    predicted = truth ^ (rng.random((60, labels)) < 0.2)
    truth[:, 0] = predicted[:, 0] = False  # a label that is absent counts as 0
    tally = LabelTally.count(truth, predicted, labels=labels)
    assert tally.accuracy == oracle.accuracy_score(truth, predicted)
    assert tally.macro_f1 == oracle.f1_score(truth, predicted, average="macro")
    assert tally.micro_f1 == oracle.f1_score(truth, predicted, average="micro")
    columns = oracle.precision_recall_fscore_support(truth, predicted)
    for ours, theirs in zip((tally.precision, tally.recall, tally.f1, tally.support), columns, strict=True):
        assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("multilabel", [False, True])
def test_weighted_rows_are_the_same_as_repeated_examples(multilabel: bool) -> None:
    rng = np.random.default_rng(3)
    shape = (30, 5) if multilabel else 30
    truth, predicted = rng.integers(2 if multilabel else 5, size=(2, *np.atleast_1d(shape)))
    weights = rng.integers(4, size=(2, 3, 30))
    weights[0, 0] = 0
    together = LabelTally.count(truth, predicted, labels=5, weights=weights)
    for row in np.ndindex(2, 3):
        repeated = np.repeat(np.arange(30), weights[row])
        alone = LabelTally.count(truth[repeated], predicted[repeated], labels=5)
        for name in ("accuracy", "macro_f1", "micro_f1"):
            assert getattr(together, name)[row] == pytest.approx(getattr(alone, name), rel=1e-14)
        assert together.f1[row].tolist() == alone.f1.tolist()
        assert together.examples[row] == alone.examples
