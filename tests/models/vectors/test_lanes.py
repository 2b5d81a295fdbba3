"""Compiled operations on eight numbers at once, compared with NumPy."""

import numpy as np
from numba import njit

from elman.models.vectors.lanes import (
    LANES,
    TARGETS,
    aligned_zeros,
    first_lane,
    fused,
    load,
    load_group,
    load_spread,
    logistic,
    spread,
    store,
    totals,
)


@njit
def _compute(numbers, counts, out):
    a, b = load(numbers, 0, 0), load(numbers, 1, 8)
    store(out, 0, 0, totals(a, b, load(numbers, 2, 0), load(numbers, 3, 8), a - b, a * b))
    store(out, 1, 0, fused(a, b, load_spread(numbers, 2, 3)) + spread(np.float32(0.5)))
    store(out, 2, 8, first_lane())
    store(out, 3, 0, load_group(counts, 1))


@njit
def _logistic(scores, out):
    for row in range(len(scores)):
        store(out, row, 0, logistic(load(scores, row, 0)))


def test_operations_of_lanes() -> None:
    numbers = np.random.default_rng(2).normal(size=(4, 2 * LANES)).astype(np.float32)
    out, counts = np.full((4, 2 * LANES), np.nan, np.float32), np.arange(20, dtype=np.float32)
    _compute(numbers, counts, out)
    a, b = numbers[0, :8], numbers[1, 8:]
    sums = [part.sum() for part in (a, b, numbers[2, :8], numbers[3, 8:], a - b, a * b)]
    np.testing.assert_allclose(out[0, :8], [*sums, 0, 0], atol=1e-5)
    np.testing.assert_allclose(out[1, :8], a * b + numbers[2, 3] + 0.5, atol=1e-6)
    assert out[2, 8:].tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    assert out[3, :TARGETS].tolist() == [6, 7, 8, 9, 10, 11]
    assert np.isnan(out[:2, 8:]).all() and np.isnan(out[2, :8]).all()


def test_logistic_function_is_exact_to_3e_7_within_12() -> None:
    scores = np.linspace(-14, 14, 4000).astype(np.float32).reshape(-1, LANES)
    out = aligned_zeros(*scores.shape)
    _logistic(scores, out)
    wanted = 1 / (1 + np.exp(-np.clip(scores.astype(np.float64), -12, 12)))
    np.testing.assert_allclose(out, wanted, atol=3e-7)
    scores[0, 0] = np.nan
    _logistic(scores, out)
    assert np.isnan(out[0, 0]) and not np.isnan(out[0, 1:]).any()
