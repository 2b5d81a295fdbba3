"""Product quantisation (Jégou, Douze and Schmid 2011): a row is cut into parts, and of each part
only the number of the nearest of 256 centroids is kept, one byte. Centroids of each part come from
k-means on a sample of the rows.
"""

import numpy as np
from numpy.typing import NDArray

from elman.progress import Progress

CENTROIDS = 256
_SAMPLE = 16_384
"""Rows that centroids are found on."""
_ROUNDS = 15
_BLOCK = 4096

Rows = NDArray[np.float32]
Codes = NDArray[np.uint8]


def part_bounds(size: int, parts: int) -> list[tuple[int, int]]:
    """Where the parts of a row of ``size`` numbers begin and end.

    >>> part_bounds(7, 3)
    [(0, 2), (2, 4), (4, 7)]
    """
    return [(size * part // parts, size * (part + 1) // parts) for part in range(parts)]


def quantise(rows: Rows, parts: int, *, seed: int = 1, progress: Progress | None = None) -> tuple[Codes, Rows]:
    """Codes ``[V, M]`` of rows ``[V, D]`` and the centroids ``[256, D]``, those of the parts side
    by side.

    >>> rows = np.array([[1, 0, 0], [0, 1, 2], [1, 0, 2]], np.float32)
    >>> codes, centroids = quantise(rows, 2)
    >>> np.array_equal(rebuilt(codes, centroids), rows)  # with 256 rows or fewer, nothing is lost
    True
    """
    random = np.random.default_rng(seed)
    sample = rows[np.sort(random.permutation(len(rows))[:_SAMPLE])]
    codes, centroids = np.empty((len(rows), parts), np.uint8), np.empty((CENTROIDS, rows.shape[1]), np.float32)
    with (progress or Progress()).stage("quantising", total=parts, unit="parts") as advance:
        for part, (begin, end) in enumerate(part_bounds(rows.shape[1], parts)):
            centroids[:, begin:end] = _centroids(sample[:, begin:end], random)
            codes[:, part] = _nearest(rows[:, begin:end], centroids[:, begin:end])[0]
            advance(1)
    return codes, centroids


def rebuilt(codes: Codes, centroids: Rows) -> Rows:
    """The rows ``[V, D]`` that codes stand for."""
    size, parts = centroids.shape[1], codes.shape[1]
    rows = np.empty((len(codes), size), np.float32)
    for part, (begin, end) in enumerate(part_bounds(size, parts)):
        rows[:, begin:end] = centroids[codes[:, part], begin:end]
    return rows


def _centroids(rows: Rows, random: np.random.Generator) -> Rows:
    """k-means (Lloyd), from rows drawn at random; a centroid without rows moves to the row that is
    farthest from its own."""
    different = np.unique(rows, axis=0)
    if len(different) <= CENTROIDS:
        return different[np.minimum(np.arange(CENTROIDS), len(different) - 1)]
    centroids = different[random.permutation(len(different))[:CENTROIDS]].copy()
    for _ in range(_ROUNDS):
        nearest, distances = _nearest(rows, centroids)
        counts = np.bincount(nearest, minlength=CENTROIDS)
        for column in range(rows.shape[1]):
            sums = np.bincount(nearest, rows[:, column], CENTROIDS)
            centroids[:, column] = sums / np.maximum(counts, 1)
        empty = np.flatnonzero(counts == 0)
        centroids[empty] = rows[np.argsort(-distances, kind="stable")[: len(empty)]]
    return centroids


def _nearest(rows: Rows, centroids: Rows) -> tuple[NDArray[np.intp], Rows]:
    """The nearest centroid of each row, and the square of its distance."""
    half = np.einsum("kd,kd->k", centroids, centroids) / 2
    nearest, distances = np.empty(len(rows), np.intp), np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        scores = half - block @ centroids.T
        found = scores.argmin(axis=1)
        nearest[start : start + _BLOCK] = found
        squares = np.einsum("vd,vd->v", block, block)
        distances[start : start + _BLOCK] = squares + 2 * scores[np.arange(len(block)), found]
    return nearest, distances
