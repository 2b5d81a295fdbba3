"""Product quantisation against comparing every part with every centroid, and against scikit-learn's
k-means."""

import numpy as np
import pytest

from elman.models.vectors.product import CENTROIDS, part_bounds, quantise, rebuilt

RANDOM = np.random.default_rng(3)


def test_codes_are_the_nearest_centroids_of_odd_parts() -> None:
    rows = RANDOM.standard_normal((700, 7)).astype(np.float32)
    codes, centroids = quantise(rows, 3)
    assert part_bounds(7, 3) == [(0, 2), (2, 4), (4, 7)]
    for part, (begin, end) in enumerate([(0, 2), (2, 4), (4, 7)]):
        apart = rows[:, None, begin:end].astype(float) - centroids[None, :, begin:end]
        squares = (apart**2).sum(axis=2)
        chosen = squares[np.arange(700), codes[:, part]]
        np.testing.assert_allclose(chosen, squares.min(axis=1), atol=1e-5)
        assert np.array_equal(rebuilt(codes, centroids)[:, begin:end], centroids[codes[:, part], begin:end])


def test_the_error_is_that_of_scikit_learn() -> None:
    cluster = pytest.importorskip("sklearn.cluster")
    # Unequal clusters, and far fewer rows of some of them than there are centroids.
    rows = np.repeat(RANDOM.standard_normal((60, 2)) * 9, RANDOM.integers(1, 40, 60), axis=0)
    rows = (rows + RANDOM.standard_normal(rows.shape)).astype(np.float32)
    codes, centroids = quantise(rows, 1)
    ours = ((rows - rebuilt(codes, centroids)) ** 2).sum()
    theirs = cluster.KMeans(CENTROIDS, n_init=1, init="random", random_state=0, max_iter=15).fit(rows).inertia_
    assert ours < 1.15 * theirs and len(np.unique(codes)) > 0.9 * CENTROIDS


def test_few_different_rows_lose_nothing() -> None:
    rows = RANDOM.standard_normal((256, 5)).astype(np.float32)[RANDOM.integers(0, 256, 3000)]
    for parts in (1, 5):
        np.testing.assert_allclose(rebuilt(*quantise(rows, parts)), rows, atol=1e-3)


def test_more_bytes_lose_less() -> None:
    rows = RANDOM.standard_normal((600, 12)).astype(np.float32)
    errors = [float(((rows - rebuilt(*quantise(rows, parts))) ** 2).sum()) for parts in (2, 3, 6, 12)]
    assert errors == sorted(errors, reverse=True) and errors[-1] < 0.01 * errors[0]
