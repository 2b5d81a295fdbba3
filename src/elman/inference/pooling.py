"""Pooling: the outputs of a text's tokens as one vector, float32, from additions in a fixed order.

Tokens come in reading order, ``tokens[B, T, H]``, with ``counts[B]`` real ones in each row, at
least one. Rows are sorted by count, longest first, so the rows with a token at time t come first.
Sums go from the first token to the last, so other rows and padding do not change any bit.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.inference import functions as f

Tokens = NDArray[np.float32]
Counts = NDArray[np.int64]


def mean(tokens: Tokens, counts: Counts) -> NDArray[np.float32]:
    """The mean of each row's tokens ``[B, H]``.

    >>> tokens = np.array([[[1.0, 2.0], [3.0, 5.0]], [[7.0, 8.0], [0.0, 0.0]]], np.float32)
    >>> mean(tokens, np.array([2, 1])).tolist()
    [[2.0, 3.5], [7.0, 8.0]]
    """
    total: Any = np.zeros((len(tokens), tokens.shape[2]), np.float32)
    for time, rows in _times(counts):
        total[:rows] += tokens[:rows, time]
    return total / counts[:, None].astype(np.float32)


def largest(tokens: Tokens, counts: Counts) -> NDArray[np.float32]:
    """The largest of each unit ``[B, H]``."""
    most = tokens[:, 0].copy()
    for time, rows in _times(counts):
        np.maximum(most[:rows], tokens[:rows, time], out=most[:rows])
    # Processors differ in whether 0 or -0 is larger, so all zeros become 0.
    return most + np.float32(0)


def last(tokens: Tokens, counts: Counts) -> NDArray[np.float32]:
    """The token that was read last ``[B, H]``."""
    return tokens[np.arange(len(tokens)), counts - 1]


def weighted(tokens: Tokens, counts: Counts, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of each row's tokens ``[B, H]`` with weights ``e^score``, of ``scores[B, T]``."""
    most = largest(scores[..., None], counts)
    weights = f.exp(scores - most)
    total: Any = np.zeros((len(tokens), tokens.shape[2]), np.float32)
    sums = np.zeros((len(tokens), 1), np.float32)
    for time, rows in _times(counts):
        weight = weights[:rows, time, None]
        total[:rows] += weight * tokens[:rows, time]
        sums[:rows] += weight
    return total / sums


def mirrored(tokens: NDArray[Any], counts: Counts) -> NDArray[Any]:
    """Each row's real tokens of ``[B, T, ..]`` in reverse order; padding stays where it is.

    >>> mirrored(np.array([[1, 2, 3], [4, 5, 0]]), np.array([3, 2])).tolist()
    [[3, 2, 1], [5, 4, 0]]
    """
    time = np.arange(tokens.shape[1])
    order = np.where(time < counts[:, None], counts[:, None] - 1 - time, time)
    return np.take_along_axis(tokens, order.reshape(*order.shape, *[1] * (tokens.ndim - 2)), axis=1)


def _times(counts: Counts) -> Iterator[tuple[int, int]]:
    """Each time, and the number of rows with a token then."""
    assert (counts[1:] <= counts[:-1]).all(), "rows are sorted by count"
    times = np.arange(counts[0])
    rows = len(counts) - np.searchsorted(counts[::-1], times, side="right")
    yield from zip(times.tolist(), rows.tolist(), strict=True)
