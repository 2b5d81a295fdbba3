"""Pooling by hand and by plain loops: the same bits, whatever stands at padding."""

import numpy as np
import pytest

from elman.inference import functions as f
from elman.inference import pooling

DRAW = np.random.default_rng(7)
COUNTS = np.array([6, 6, 3, 1])


def tokens_of(padding: float) -> np.ndarray:
    """Numbers of very different size, so that another order of additions would give other bits."""
    draw = np.random.default_rng(8)
    tokens = (draw.normal(size=(4, 6, 5)) * 10.0 ** draw.integers(-4, 5, (4, 6, 5))).astype(np.float32)
    tokens[np.arange(6) >= COUNTS[:, None]] = padding
    return tokens


@pytest.mark.parametrize("padding", [0.0, 1e9, np.nan])
def test_from_the_first_token_to_the_last(padding: float) -> None:
    tokens = tokens_of(padding)
    scores = DRAW.normal(size=(4, 6)).astype(np.float32)
    scores[np.arange(6) >= COUNTS[:, None]] = 5
    mean, most = pooling.mean(tokens, COUNTS), pooling.largest(tokens, COUNTS)
    last, weighted = pooling.last(tokens, COUNTS), pooling.weighted(tokens, COUNTS, scores)
    for row, count in enumerate(COUNTS):
        total, shared, shares = np.zeros(5, np.float32), np.zeros(5, np.float32), np.float32(0)
        for time in range(count):
            total = total + tokens[row, time]
            share = f.exp(scores[row, time] - scores[row, :count].max())
            shared, shares = shared + share * tokens[row, time], shares + share
        assert mean[row].tobytes() == (total / np.float32(count)).tobytes()
        assert weighted[row].tobytes() == (shared / shares).tobytes()
        assert most[row].tobytes() == tokens[row, :count].max(axis=0).tobytes()
        assert last[row].tobytes() == tokens[row, count - 1].tobytes()


def test_zeros_below_zero_are_the_same_bits_with_and_without_padding() -> None:
    token = np.full((1, 1, 2), -0.0, np.float32)
    assert pooling.mean(token, np.array([1])).tobytes() == np.zeros(2, np.float32).tobytes()
    longer = np.concatenate([token, np.zeros((1, 3, 2), np.float32)], axis=1)
    assert pooling.mean(longer, np.array([1])).tobytes() == np.zeros(2, np.float32).tobytes()


def test_weights_by_hand() -> None:
    tokens = np.array([[[4.0], [8.0]]], np.float32)
    scores = np.log(np.array([[1.0, 3.0]], np.float32))
    np.testing.assert_allclose(pooling.weighted(tokens, np.array([2]), scores), [[7.0]], rtol=1e-6)


def test_a_mirror_undoes_itself() -> None:
    tokens = tokens_of(0.0)
    there = pooling.mirrored(tokens, COUNTS)
    assert there[2, :3].tobytes() == tokens[2, 2::-1].tobytes() and not there[2, 3:].any()
    assert pooling.mirrored(there, COUNTS).tobytes() == tokens.tobytes()
