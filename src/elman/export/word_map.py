"""A map of words: two principal components, and clusters by k-means."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 30
_NAMES = 3


@dataclasses.dataclass(frozen=True)
class WordMap:
    """Where words stand, and which belong together."""

    places: NDArray[np.float32]
    """x and y of each word ``[N, 2]``, each from -1 to 1, so that a map is filled."""
    share: float
    """Share of the variance that these two directions hold."""
    clusters: NDArray[np.uint8]
    """The cluster of each word ``[N]``, the largest being 0."""
    examples: list[list[int]]
    """Rows of words that name each cluster: of its more frequent half those nearest its centre."""


def make_map(units: NDArray[np.float32], *, clusters: int = 8, seed: int = 1) -> WordMap:
    """The map of unit vectors ``[N, D]``, the most frequent word first."""
    places, share = principal_plane(units)
    least, most = places.min(axis=0), places.max(axis=0)
    places = (2 * places - least - most) / np.maximum(most - least, 1e-30)
    numbers = k_means(units, min(clusters, len(units)), seed=seed)
    order = np.argsort(-np.bincount(numbers), kind="stable")
    numbers = np.argsort(order)[numbers]
    examples = []
    for number in range(len(order)):
        rows = np.flatnonzero(numbers == number)
        rows = rows[: max(_NAMES, len(rows) // 2)]
        near = units[rows] @ units[numbers == number].mean(axis=0)
        examples.append(rows[np.argsort(-near, kind="stable")[:_NAMES]].tolist())
    return WordMap(places.astype(np.float32), share, numbers.astype(np.uint8), examples)


def principal_plane(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """Coordinates of vectors ``[N, D]`` along their first two principal components ``[N, 2]``, and
    the share of variance that these hold.

    >>> places, share = principal_plane(np.array([[0, 0, 1], [4, 0, 1], [8, 1, 1]], np.float32))
    >>> places.round(2).tolist(), round(share, 3)
    ([[-4.01, 0.17], [-0.04, -0.33], [4.05, 0.16]], 1.0)
    """
    centred = vectors - vectors.mean(axis=0, dtype=np.float64)
    values, axes = np.linalg.eigh(centred.T @ centred)
    plane = axes[:, : -1 - min(2, axes.shape[1]) : -1]
    # The sign of a component is arbitrary: its largest number is made positive.
    plane = plane * np.sign(plane[np.abs(plane).argmax(axis=0), np.arange(plane.shape[1])])
    places = np.zeros((len(vectors), 2))
    places[:, : plane.shape[1]] = centred @ plane
    return places, float(values[-2:].sum() / max(values.sum(), 1e-30))


def k_means(vectors: NDArray[np.float32], count: int, *, seed: int) -> NDArray[np.int64]:
    """Clusters of vectors ``[N, D]`` by Lloyd's algorithm from k-means++ centres; some may be empty
    where vectors are equal, and these are left out.

    >>> k_means(np.array([[0, 0], [9, 9], [0, 1], [9, 8]], np.float32), 2, seed=1).tolist()
    [0, 1, 0, 1]
    """
    random = np.random.default_rng(seed)
    squares = np.einsum("nd,nd->n", vectors, vectors)[:, None]

    def distances(centres: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.maximum(squares - 2 * vectors @ centres.T + np.einsum("kd,kd->k", centres, centres), 0)

    centres = vectors[:1]
    while len(centres) < count:
        weights = distances(centres).min(axis=1).astype(np.float64)
        if not weights.sum():
            break
        centres = np.concatenate([centres, vectors[[random.choice(len(vectors), p=weights / weights.sum())]]])
    numbers = np.full(len(vectors), -1)
    for _ in range(_ROUNDS):
        before, numbers = numbers, distances(centres).argmin(axis=1)
        if np.array_equal(before, numbers):
            break
        centres = np.stack([
            vectors[numbers == number].mean(axis=0) if (numbers == number).any() else centre
            for number, centre in enumerate(centres)
        ])  # fmt: skip
    return np.unique(numbers, return_inverse=True)[1]
