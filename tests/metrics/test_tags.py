"""Figures of tagged words by hand, and those of scikit-learn."""

import random

import numpy as np
import pytest
from sklearn import metrics as oracle

from elman.metrics import tags
from elman.metrics.labels import confusion_matrix
from elman.metrics.tags import TagCounts

TRUTH = [["D", "N", "V"], ["N", "V"], ["V"]]
PREDICTED = [["D", "N", "N"], ["N", "V"], ["X"]]
UNKNOWN = [[False, True, True], [False, False], [True]]


def test_figures_by_hand() -> None:
    counts = TagCounts.count(TRUTH, PREDICTED, unknown=UNKNOWN)
    assert counts.names == ("D", "N", "V", "X")
    figures = {name: float(figure(np.ones(3, np.int64))) for name, figure in counts.figures().items()}
    # D 1, N 4/5, V 1/2, X 0.
    assert figures == pytest.approx(
        {"accuracy": 4 / 6, "unknown_accuracy": 1 / 3, "sentence_accuracy": 1 / 3, "macro_f1": 2.3 / 4}
    )
    weights = np.array([[2, 0, 0], [0, 1, 0], [0, 0, 0]])
    assert counts.figures()["accuracy"](weights).tolist() == pytest.approx([2 / 3, 1, 0])
    assert counts.figures()["unknown_accuracy"](weights).tolist() == [1 / 2, 0, 0]
    assert counts.figures()["sentence_accuracy"](weights).tolist() == [0, 1, 0]
    assert counts.figures()["macro_f1"](weights)[1] == 1


def test_as_scikit_learn() -> None:
    rng = random.Random(1)
    names = [f"T{number}" for number in range(40)]
    truth = [[rng.choice(names) for _ in range(rng.randint(1, 30))] for _ in range(60)]
    predicted = [[tag if rng.random() < 0.8 else rng.choice(names[:30]) for tag in line] for line in truth]
    counts = TagCounts.count(truth, predicted)
    flat, guessed = sum(truth, []), sum(predicted, [])
    figures = counts.total.figures()
    assert figures["accuracy"] == oracle.accuracy_score(flat, guessed)
    assert figures["macro_f1"] == oracle.f1_score(flat, guessed, average="macro", zero_division=0)
    table = oracle.classification_report(flat, guessed, output_dict=True, zero_division=0)
    for row in counts.total.per_label(list(counts.names)):
        found = table[row["label"]]
        assert [row[name] for name in ("precision", "recall", "support")] == [
            found[name] for name in ("precision", "recall", "support")
        ]
        assert row["f1"] == found["f1-score"]
    matrix = confusion_matrix(counts.truth, counts.predicted, labels=len(counts.names))
    assert matrix.tolist() == oracle.confusion_matrix(flat, guessed, labels=list(counts.names)).tolist()
    weights = np.array([rng.randint(0, 3) for _ in truth])
    repeated = [
        [line for line, times in zip(part, weights, strict=True) for _ in range(times)] for part in (truth, predicted)
    ]
    again = TagCounts.count(*repeated)
    for name, figure in counts.figures().items():
        assert float(figure(weights)) == pytest.approx(float(again.figures()[name](np.ones(int(weights.sum())))))


def test_too_many_tags_have_no_macro_f1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tags, "MOST_CELLS", 11)  # three sentences, four tags
    counts = TagCounts.count(TRUTH, PREDICTED)
    assert "macro_f1" not in counts.figures() and counts.total.macro_f1 == pytest.approx(2.3 / 4)
