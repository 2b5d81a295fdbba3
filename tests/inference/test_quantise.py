"""Weights in 8 bits: by hand, and as near as 8 bits allow."""

import numpy as np

from elman.inference.weights import quantise


def test_by_hand() -> None:
    found = quantise(np.array([[1.27, -0.5, 0.004], [-2.54, 2.54, 0.031]], np.float32))
    np.testing.assert_allclose(found.scales, [0.01, 0.02], rtol=1e-6)
    assert found.codes.tolist() == [[127, -50, 0], [-127, 127, 2]]
    np.testing.assert_allclose(found.values(), [[1.27, -0.5, 0.0], [-2.54, 2.54, 0.04]], rtol=1e-6)


def test_no_value_moves_by_more_than_half_a_step() -> None:
    matrix = np.random.default_rng(0).normal(size=(50, 101)).astype(np.float32)
    found = quantise(matrix)
    assert found.codes.dtype == np.int8 and found.codes.min() >= -127
    assert (np.abs(found.values() - matrix) <= found.scales[:, None] / 2 * (1 + 1e-4)).all()
    # The rows' scales are their own: a large weight elsewhere coarsens nothing.
    matrix[0] = 1000
    np.testing.assert_array_equal(quantise(matrix).values()[1:], found.values()[1:])


def test_rows_of_zeros_and_of_next_to_nothing_stay_finite() -> None:
    for value in (0.0, 1e-44, 1e-38):
        found = quantise(np.full((2, 5), value, np.float32))
        assert np.isfinite(found.values()).all() and (found.scales > 0).all()
        np.testing.assert_allclose(found.values(), value, atol=1e-37)
