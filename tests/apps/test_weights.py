"""The error surface is that of trying every point, and the search finds what can be found."""

import numpy as np
import pytest

from elman.apps.weights import Table, fit_weights, stretches


def random_table(rng: np.random.Generator, *, whole: bool) -> Table:
    """Lists of one to six hypotheses; whole numbers give parallel and equal lines."""
    width, scores, errors = rng.integers(1, 4), [], []
    for _ in range(rng.integers(1, 12)):
        shape = (rng.integers(1, 7), width)
        scores.append(rng.integers(-3, 4, shape).astype(float) if whole else rng.normal(size=shape))
        errors.append(rng.integers(0, 5, shape[0]))
    return Table.of(scores, errors)


@pytest.mark.parametrize("whole", [False, True])
def test_errors_on_each_stretch_are_those_of_its_middle(whole: bool) -> None:
    rng = np.random.default_rng(int(whole))
    for _ in range(60):
        table = random_table(rng, whole=whole)
        width = table.scores.shape[2]
        weights, direction = rng.normal(size=width), rng.normal(size=width)
        found = stretches(table, weights, direction)
        assert found[0].low == -np.inf and found[-1].high == np.inf
        for low, high, errors in found:
            low, high = max(low, min(high, 0) - 10), min(high, max(low, 0) + 10)
            if high - low > 1e-9:
                assert table.errors_of(weights + (low + high) / 2 * direction) == errors


def test_the_weights_that_made_the_lists_are_found() -> None:
    rng = np.random.default_rng(4)
    true = np.array([1.0, 0.3, -2.0])
    scores = [rng.normal(size=(6, 3)) * (1, 10, 0.1) for _ in range(80)]
    # No error for the hypothesis that the true weights choose.
    errors = [np.arange(6) != int((each @ true).argmax()) for each in scores]
    table = Table.of(scores, [each.astype(np.int64) for each in errors])
    assert table.errors_of(np.array([1.0, 0.0, 0.0])) > 20
    found = fit_weights(table, np.array([1.0, 0.0, 0.0]))
    assert found.errors == table.errors_of(found.weights) <= 2
    assert found.weights[:2] / found.weights[0] == pytest.approx(true[:2], rel=0.3)


def test_a_search_never_ends_worse_than_it_began() -> None:
    rng = np.random.default_rng(5)
    for whole in (False, True) * 5:
        table = random_table(rng, whole=whole)
        start = rng.normal(size=table.scores.shape[2])
        found = fit_weights(table, start, starts=1)
        assert found.errors == table.errors_of(found.weights) <= table.errors_of(start)
        again = fit_weights(table, start, starts=1)
        np.testing.assert_array_equal(found.weights, again.weights)


def test_some_lists_of_a_table() -> None:
    table = random_table(np.random.default_rng(6), whole=False)
    weights = np.ones(table.scores.shape[2])
    parts = [table.take(np.array([row])).errors_of(weights) for row in range(len(table.errors))]
    assert sum(parts) == table.errors_of(weights)
