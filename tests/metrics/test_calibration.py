"""Calibration by hand, and against scikit-learn, scipy, and a loop over bins."""

import math

import numpy as np
import pytest
from scipy import optimize, special
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss as oracle_log_loss

from elman.metrics.calibration import (
    TEMPERATURES,
    Reliability,
    fit_temperature,
    log_loss,
    log_sigmoid,
    log_softmax,
    sigmoid,
    softmax,
)


def test_softmax_and_sigmoid_as_in_scipy_and_without_overflow() -> None:
    logits = np.random.default_rng(0).normal(scale=30, size=(50, 7)).astype(np.float32)
    exact = logits.astype(np.float64)
    assert softmax(logits) == pytest.approx(special.softmax(exact, axis=1), rel=1e-12)
    assert log_softmax(logits) == pytest.approx(special.log_softmax(exact, axis=1), rel=1e-12)
    assert sigmoid(logits) == pytest.approx(special.expit(exact), rel=1e-12)
    assert log_sigmoid(logits) == pytest.approx(special.log_expit(exact), rel=1e-12)
    assert log_softmax(np.array([1e300, -1e300])).tolist() == [0.0, -2e300]
    assert sigmoid(np.array([-1e4, 1e4])).tolist() == [0.0, 1.0]


def test_log_loss_is_scikit_learns() -> None:
    rng = np.random.default_rng(1)
    truth, probabilities = rng.integers(4, size=60), softmax(rng.normal(scale=3, size=(60, 4)))
    probabilities[0] = [0, 1, 0, 0]
    truth[0] = 0  # a sure mistake
    assert log_loss(truth, probabilities) == pytest.approx(oracle_log_loss(truth, probabilities), rel=1e-12)
    # Several labels: the mean of each label's own loss.
    many, sure = rng.random((60, 4)) < 0.3, rng.random((60, 4))
    columns = [oracle_log_loss(many[:, label], sure[:, label]) for label in range(4)]
    assert log_loss(many, sure) == pytest.approx(np.mean(columns), rel=1e-12)


def test_calibration_error_by_hand() -> None:
    # Confidences 0.55, 0.6 (one right) lie in bin 9 of 15, 0.95, 0.98, 1.0 (two right) in bin 15.
    pairs = [[0.55, 0.45], [0.4, 0.6], [0.95, 0.05], [0.98, 0.02], [0.0, 1.0]]
    truth = np.array([0, 0, 0, 1, 1])
    measured = Reliability.measure(truth, np.array(pairs))
    assert measured.counts[[8, 14]].tolist() == [2, 3] and measured.correct[[8, 14]].tolist() == [1, 2]
    assert measured.error == pytest.approx(2 / 5 * abs(1.15 / 2 - 1 / 2) + 3 / 5 * abs(2.93 / 3 - 2 / 3))
    rows = measured.to_json()["bins"]
    assert rows[8] == {
        "above": 8 / 15,
        "up_to": 9 / 15,
        "count": 2,
        "confidence": pytest.approx(0.575),
        "accuracy": 0.5,
    }
    assert rows[0]["confidence"] is None and rows[0]["count"] == 0
    halves = Reliability.measure(truth[:2], np.array(pairs[:2])) + Reliability.measure(truth[2:], np.array(pairs[2:]))
    assert halves.error == pytest.approx(measured.error) and halves.counts.tolist() == measured.counts.tolist()


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_bins_are_closed_above_as_in_the_paper(bins: int) -> None:
    rng = np.random.default_rng(2)
    confident = np.concatenate([rng.random(300), np.linspace(0, 1, bins + 1)])
    right = rng.random(len(confident)) < confident
    # As one label of several: confidence is the probability itself.
    measured = Reliability.measure(right[:, None], confident[:, None], bins=bins)
    edges = np.linspace(0, 1, bins + 1)
    error = 0.0
    for index in range(bins):
        inside = (confident > edges[index]) & (confident <= edges[index + 1]) | (confident == 0) & (index == 0)
        assert measured.counts[index] == inside.sum()
        error += abs(confident[inside].sum() - right[inside].sum()) / len(confident)
    assert measured.error == pytest.approx(error)


def test_temperature_of_two_classes_is_a_logistic_regression() -> None:
    rng = np.random.default_rng(3)
    difference = rng.normal(scale=4, size=3000)
    truth = (rng.random(3000) < special.expit(difference / 2.5)).astype(int)
    regression = LogisticRegression(C=math.inf, fit_intercept=False, tol=1e-10).fit(difference[:, None], truth)
    logits = np.stack([np.zeros(3000), difference], axis=1)
    assert 1 / fit_temperature(logits, truth) == pytest.approx(regression.coef_[0, 0], rel=1e-5)
    assert fit_temperature(logits, truth) == pytest.approx(2.5, rel=0.1)
    # One label by itself, as one of several.
    alone = fit_temperature(difference[:, None], truth[:, None].astype(bool))
    assert alone == pytest.approx(fit_temperature(logits, truth), rel=1e-9)


@pytest.mark.parametrize("multilabel", [False, True])
def test_temperature_minimises_log_loss(multilabel: bool) -> None:
    rng = np.random.default_rng(4)
    logits = rng.normal(scale=3, size=(500, 6))
    truth = (
        rng.random((500, 6)) < sigmoid(logits / 3) if multilabel else np.argmax(logits + rng.gumbel(size=(500, 6)), 1)
    )

    def loss(temperature: float) -> float:
        return log_loss(truth, sigmoid(logits / temperature) if multilabel else softmax(logits / temperature))

    best = optimize.minimize_scalar(loss, bounds=(0.1, 10), method="bounded", options={"xatol": 1e-9})
    assert fit_temperature(logits, truth) == pytest.approx(best.x, rel=1e-5)


def test_a_temperature_that_cannot_be_fitted() -> None:
    logits = np.array([[2.0, 0.0], [0.0, 3.0]])
    assert fit_temperature(logits, np.array([0, 1])) == 1.0  # all right: the colder the better
    assert fit_temperature(logits, np.array([1, 0])) == TEMPERATURES[1]  # all wrong: the hotter the better
    assert fit_temperature(logits[:0], np.array([], int)) == 1.0
    assert fit_temperature(np.zeros((3, 2)), np.array([0, 1, 1])) == 1.0  # no answer at all
