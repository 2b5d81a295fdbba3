"""The ranked probability score, by hand."""

import numpy as np

from elman.metrics.ranked import ranked_scores


def test_ranked_scores_by_hand() -> None:
    forecast = np.tile([0.5, 0.3, 0.2], (3, 1))
    # Cumulated: 0.5, 0.8 against 1, 1 / 0, 1 / 0, 0.
    expected = [(0.25 + 0.04) / 2, (0.25 + 0.04) / 2, (0.25 + 0.64) / 2]
    np.testing.assert_allclose(ranked_scores(np.array([0, 1, 2]), forecast), expected)


def test_a_miss_by_one_costs_less_than_a_miss_by_two() -> None:
    sure = np.eye(3)[[0, 0, 0]]
    assert ranked_scores(np.array([0, 1, 2]), sure).tolist() == [0, 0.5, 1]


def test_of_two_outcomes_it_is_the_squared_error() -> None:
    assert ranked_scores(np.array([1]), np.array([[0.25, 0.75]])).tolist() == [0.0625]
