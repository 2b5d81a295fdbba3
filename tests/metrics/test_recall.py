"""Recall at k among N against every draw of candidates."""

import itertools

import numpy as np
import pytest

from elman.metrics.recall import ranks_of, recall_of_ranks


def counted(scores: np.ndarray, right: int, k: int, among: int) -> float:
    """The share over all draws, equal scores in every order."""
    others = [place for place in range(len(scores)) if place != right]
    found = []
    for drawn in itertools.combinations(others, min(among - 1, len(others))):
        better = sum(scores[place] > scores[right] for place in drawn)
        equal = sum(scores[place] == scores[right] for place in drawn)
        found.append(np.mean([better + before < k for before in range(equal + 1)]))
    return float(np.mean(found))


@pytest.mark.parametrize(("k", "among"), [(1, 2), (1, 4), (3, 5), (2, 7), (3, 100)])
def test_the_mean_over_all_draws(k: int, among: int) -> None:
    rng = np.random.default_rng(k + among)
    scores = rng.integers(0, 4, (7, 7)).astype(float)
    found = recall_of_ranks(*ranks_of(scores, np.eye(7, dtype=bool)), k=k, among=among)
    assert found == pytest.approx([counted(scores[row], row, k, among) for row in range(7)], abs=1e-12)


def test_large_counts_stay_exact() -> None:
    """Of 729 others 81 are better: nine draws miss them all, by the product of shares."""
    expected = np.prod([(729 - 81 - drawn) / (729 - drawn) for drawn in range(9)])
    found = recall_of_ranks(np.array([81]), np.array([0]), np.array([729]), k=1, among=10)
    assert found[0] == pytest.approx(expected, rel=1e-10)


def test_what_says_the_same_is_no_other_candidate() -> None:
    scores = np.array([[1.0, 2.0, 0.0]] * 3)
    same = np.array([[True, True, False], [True, True, False], [False, False, True]])
    assert [each.tolist() for each in ranks_of(scores, same)] == [[0, 0, 2], [0, 0, 0], [1, 1, 2]]
