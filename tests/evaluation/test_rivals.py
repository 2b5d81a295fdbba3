"""Rivals by hand, and against a plain scikit-learn pipeline with its default solver."""

import importlib.util
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from elman.errors import MissingExtra
from elman.evaluation.rivals import INVERSE_PENALTIES, Majority, TfidfRegression, rivals_of
from elman.metrics.calibration import log_loss

WORDS = {0: ("dull", "slow", "n't work"), 1: ("fun", "warm", "well-made"), 2: ("plain", "average", "fine")}


def reviews(examples: int, seed: int, labels: int = 3) -> tuple[list[str], np.ndarray]:
    """Sentences whose adjectives tell the label, with one in five taken from another label."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(labels, size=examples)
    told = np.where(rng.random(examples) < 0.2, rng.integers(labels, size=examples), ids)
    texts = [
        f"The film , it 's {WORDS[label][rng.integers(3)]} and {WORDS[label][rng.integers(3)]} !" for label in told
    ]
    return texts, ids


def test_the_majority_by_hand() -> None:
    rival = Majority(labels=3).fit(["a"] * 5, np.array([2, 2, 2, 0, 0]))
    assert rival.predict_proba(["x", "y"]).tolist() == [[0.4, 0.0, 0.6]] * 2
    several = Majority(labels=2).fit(["a"] * 4, np.array([[1, 0], [1, 1], [1, 0], [1, 0]], bool))
    assert several.predict_proba(["x"]).tolist() == [[1.0, 0.25]]


def test_probabilities_are_those_of_a_plain_pipeline() -> None:
    texts, ids = reviews(200, seed=1)
    new, _ = reviews(50, seed=2)
    # The same features one after the other, without a union, and the default solver carried to the
    # end.
    kinds: list[dict[str, Any]] = [
        {"token_pattern": r"[\w'’-]+|[^\w\s]", "ngram_range": (1, 2)},
        {"analyzer": "char_wb", "ngram_range": (2, 5)},
    ]
    vectorizers = [TfidfVectorizer(sublinear_tf=True, **kind).fit(texts) for kind in kinds]
    dense = [np.hstack([each.transform(part).toarray() for each in vectorizers]) for part in (texts, new)]
    expected = LogisticRegression(C=2, tol=1e-8, max_iter=2000).fit(dense[0], ids).predict_proba(dense[1])
    ours = TfidfRegression(labels=3).fit(texts, ids).predict_proba(new)
    assert np.abs(ours - expected).max() < 0.02
    assert (ours.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.95


def test_validation_chooses_the_penalty_and_repeating_gives_the_same() -> None:
    train, valid = reviews(120, seed=3), reviews(60, seed=4)
    rival = TfidfRegression(labels=3).fit(*train, valid=valid)
    chosen = log_loss(valid[1], rival.predict_proba(valid[0]))
    losses = []
    for inverse_penalty in INVERSE_PENALTIES:
        fixed = TfidfRegression(labels=3)
        fixed.inverse_penalty = inverse_penalty
        losses.append(log_loss(valid[1], fixed.fit(*train).predict_proba(valid[0])))
    assert chosen == min(losses) and losses[INVERSE_PENALTIES.index(rival.inverse_penalty)] == chosen
    again = TfidfRegression(labels=3).fit(*train, valid=valid)
    assert again.predict_proba(valid[0]).tolist() == rival.predict_proba(valid[0]).tolist()


def test_labels_that_training_lacks_get_nothing_and_one_label_alone_is_the_majority() -> None:
    texts, ids = reviews(60, seed=5, labels=2)
    probabilities = TfidfRegression(labels=4).fit(texts, 3 * ids).predict_proba(texts)
    assert probabilities.shape == (60, 4) and (probabilities[:, 1:3] == 0).all()
    assert probabilities.sum(axis=1) == pytest.approx(1) and ((probabilities[:, 3] > 0.5) == ids).mean() > 0.8
    alone = TfidfRegression(labels=2).fit(texts, np.zeros(60, int), valid=(texts, np.zeros(60, int)))
    assert alone.predict_proba(["x"]).tolist() == [[1.0, 0.0]]
    blank = TfidfRegression(labels=2).fit(["", " "], np.array([0, 1]))
    assert blank.predict_proba(["x"]).tolist() == [[0.5, 0.5]] and blank.predict_proba([]).shape == (0, 2)


def test_several_labels_are_one_regression_each() -> None:
    texts, ids = reviews(80, seed=6)
    matrix = np.stack([ids == 0, ids != 2, np.zeros(80, bool)], axis=1)
    together = TfidfRegression(labels=3).fit(texts, matrix).predict_proba(texts[:9])
    assert (together[:, 2] == 0).all()  # no example has it
    for label in (0, 1):
        one = TfidfRegression(labels=2).fit(texts, matrix[:, label].astype(int)).predict_proba(texts[:9])
        assert together[:, label] == pytest.approx(one[:, 1], abs=1e-6)


def test_without_scikit_learn_there_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    rivals, notes = rivals_of(labels=2)
    assert [rival.name for rival in rivals] == ["the most frequent label", "TF-IDF with logistic regression"]
    assert notes == []
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sklearn" else real(name))
    rivals, notes = rivals_of(labels=2)
    assert [rival.name for rival in rivals] == ["the most frequent label"]
    assert len(notes) == 1 and "pip install 'elman[tasks]'" in notes[0]
    with pytest.raises(MissingExtra, match="scikit-learn"):
        TfidfRegression(labels=2)
