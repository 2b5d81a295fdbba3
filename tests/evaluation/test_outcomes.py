"""Figures of outcomes and their rivals, against numbers by hand and scikit-learn."""

import numpy as np
import pytest

from elman.errors import UsageError
from elman.evaluation.outcome_rivals import ColumnRegression, EloRegression, SoftmaxRegression, elo_ratings
from elman.evaluation.outcomes import evaluate_outcomes
from elman.evaluation.verdict import instead
from elman.report.outcomes_page import outcomes_table


def test_figures_by_hand() -> None:
    truth = np.array([0, 1, 2, 0])
    ours = np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25], [0.25, 0.25, 0.5], [0.25, 0.5, 0.25]])
    even = np.full((4, 3), 1 / 3)
    report = evaluate_outcomes(truth, ours, names=["w", "d", "l"], ordered=True, rivals={"even": even}, resamples=50)
    log = np.log
    assert report.scores.accuracy.value == 0.5
    assert report.scores.log_loss.value == pytest.approx((log(2) + log(4) + log(2) + log(4)) / 4)
    assert report.rivals[0].difference is not None
    assert report.rivals[0].difference.value == pytest.approx(log(3) - report.scores.log_loss.value)
    # Cumulated: .5 .75, .5 .75, .25 .5, .25 .75 against 1 1, 0 1, 0 0, 1 1.
    squares = [0.25 + 0.0625, 0.25 + 0.0625, 0.0625 + 0.25, 0.5625 + 0.0625]
    assert report.scores.ranked is not None and report.scores.ranked.value == pytest.approx(sum(squares) / 8)
    table = outcomes_table(report.to_json())
    assert table.splitlines()[1].startswith("the model  1.0397 (") and "RPS" in table


def test_without_an_order_there_is_no_ranked_score() -> None:
    report = evaluate_outcomes(np.array([0, 1, 2]), np.eye(3) * 0.7 + 0.1, names=["a", "b", "c"], resamples=10)
    assert report.scores.ranked is None and "RPS" not in outcomes_table(report.to_json())


def test_a_rival_that_wins_is_named() -> None:
    truth = np.arange(300) % 2
    sure, coin = np.where(np.arange(2) == truth[:, None], 0.9, 0.1), np.full((300, 2), 0.5)
    report = evaluate_outcomes(truth, coin, names=["a", "b"], rivals={"ratings": sure}, resamples=100)
    assert report.verdict.startswith("Ratings is better by 0.588 nats of log loss") and report.verdict.endswith(
        instead("ratings")
    )


def test_no_rows_and_broken_probabilities() -> None:
    with pytest.raises(UsageError, match="no rows with an outcome"):
        evaluate_outcomes(np.zeros(0, np.int64), np.zeros((0, 2)), names=["a", "b"])
    with pytest.raises(UsageError, match="not finite"):
        evaluate_outcomes(np.array([0]), np.array([[np.nan, 1]]), names=["a", "b"])


def test_elo_by_hand() -> None:
    entities, scores = np.array([[0, 1], [0, 1], [1, 2]]), np.array([1.0, 0.5, np.nan])
    found = elo_ratings(entities, scores, step=32, advantage=100)
    # At first 1500 each: expected 1 / (1 + 10^(-100/400)), then with 2 * gained points more.
    gained = 32 * (1 - 1 / (1 + 10**-0.25))
    second = 2 * gained
    lost = 32 * (0.5 - 1 / (1 + 10 ** (-(second + 100) / 400)))
    np.testing.assert_allclose(found, [0, second, -gained - lost])


def test_softmax_regression_is_that_of_scikit_learn() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(5)
    x = rng.normal(size=(400, 3))
    y = (x @ rng.normal(size=(3, 3)) + rng.gumbel(size=(400, 3))).argmax(axis=1)
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    theirs = LogisticRegression(C=0.5, tol=1e-8, max_iter=1000).fit(scaled, y).predict_proba(scaled)
    ours = SoftmaxRegression(penalty=2.0).fit(x, y, outcomes=3).predict_proba(x)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_elo_finds_the_strength_of_teams() -> None:
    rng = np.random.default_rng(6)
    strength = rng.normal(size=12)
    entities = np.array([rng.choice(12, 2, replace=False) for _ in range(900)])
    better = strength[entities[:, 0]] - strength[entities[:, 1]]
    targets = (rng.random(900) > 1 / (1 + np.exp(-2 * better))).astype(np.int64)  # 0: the first one won
    rows, none = np.arange(900), np.zeros((900, 0))
    elo = EloRegression().fit(entities, targets, none, outcomes=2, train=rows[:600], valid=rows[600:700])
    found = elo.predict(entities, targets, none)[700:]
    assert (found.argmax(axis=1) == targets[700:]).mean() > 0.7
    # The outcome of a row does not change its own probability.
    other = targets.copy()
    other[-1] = 1 - other[-1]
    np.testing.assert_array_equal(elo.predict(entities, other, none)[-1], found[-1])


def test_columns_of_categories_and_numbers() -> None:
    rng = np.random.default_rng(7)
    ids, numbers = rng.integers(0, 3, (300, 1)), rng.normal(size=(300, 1)).astype(np.float32)
    targets = ((ids[:, 0] == 2) ^ (rng.random(300) < 0.1)).astype(np.int64)
    rows = np.arange(300)
    model = ColumnRegression([3]).fit(ids, numbers, targets, outcomes=2, train=rows[:200], valid=rows[200:250])
    found = model.predict(ids, numbers)[250:]
    assert (found.argmax(axis=1) == targets[250:]).mean() > 0.8
    np.testing.assert_allclose(found.sum(axis=1), 1)
