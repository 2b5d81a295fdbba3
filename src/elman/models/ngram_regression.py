"""Logistic regression on the hashed n-grams of a text (``data.hashed_ngrams``), the linear part of a
text classifier.

A feature's number is (1 + ln count) times its inverse document frequency, ln((1 + N) / (1 + n)) + 1
for n of N training texts; words and characters are then scaled to length 1 each, as TF-IDF does.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from elman.data.hashed_ngrams import Features, hashed_ngrams
from elman.errors import FolderError

NGRAMS_FILE = "ngrams.safetensors"
_MOST_BUCKETS = 1 << 15
_MOST_NUMBERS = 1 << 19
"""Most weights of all labels, a megabyte."""


def buckets_for(labels: int, *, features: int = _MOST_BUCKETS) -> int:
    """Buckets of each part: a power of 2 that is enough for so many features, and for whose weights
    K labels have room; below 2^10 none are left.

    >>> buckets_for(2), buckets_for(12), buckets_for(1000)
    (32768, 16384, 0)
    """
    most = min(_MOST_BUCKETS, _MOST_NUMBERS // (2 * labels))
    if most < 1 << 10:
        return 0
    return min(1 << (most.bit_length() - 1), max(1 << (features - 1).bit_length(), 1 << 10))


class NgramRegression:
    """Logits that are linear in a text's n-grams.

    Args:
        weights: of the words' buckets and of the characters' ``[2 M, K]``.
        bias: of the labels ``[K]``.
        rarity: the inverse document frequency of each bucket ``[2 M]``.

    >>> zeros = np.zeros((2048, 2), np.float16)
    >>> model = NgramRegression(zeros, np.array([0, 1], np.float32), np.ones(2048, np.float16))
    >>> model.logits(["any text", ""]).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """

    def __init__(self, weights: NDArray[np.float16], bias: NDArray[np.float32], rarity: NDArray[np.float16]) -> None:
        self.weights, self.bias, self.rarity = weights, bias, rarity
        self._weights, self._rarity = weights.astype(np.float32), rarity.astype(np.float32)

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One number per label ``[N, K]``."""
        found = hashed_ngrams(texts, buckets=len(self.rarity) // 2)
        numbers = scaled(found, self._rarity)
        logits = np.tile(self.bias, (len(texts), 1))
        real = np.flatnonzero(np.diff(found.starts))
        if len(real):
            products = self._weights[found.buckets] * numbers[:, None]
            logits[real] += np.add.reduceat(products, found.starts[real], axis=0)
        return logits

    @property
    def digest(self) -> str:
        """Hex digest of the weights."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Its file."""
        from safetensors.numpy import save

        return save({"weights": self.weights, "bias": self.bias, "rarity": self.rarity})

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, labels: int) -> Self | None:
        """That of a model folder, if it has one.

        Raises:
            FolderError: the file is damaged or of another model.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        if NGRAMS_FILE not in files:
            return None
        try:
            arrays = load(files[NGRAMS_FILE])
        except (SafetensorError, ValueError, KeyError) as error:
            raise FolderError(f"{NGRAMS_FILE} is damaged; copy or train it again") from error
        if not _fit(arrays, labels):
            raise FolderError(f"{NGRAMS_FILE} does not fit this model; copy or train it again")
        return cls(arrays["weights"], arrays["bias"], arrays["rarity"])


def _fit(arrays: Mapping[str, NDArray[Any]], labels: int) -> bool:
    rows = len(arrays["rarity"]) if set(arrays) == {"weights", "bias", "rarity"} else 0
    shapes = {"weights": (rows, labels), "bias": (labels,), "rarity": (rows,)}
    types = {"weights": np.float16, "bias": np.float32, "rarity": np.float16}
    return (
        rows in {2 << bits for bits in range(10, _MOST_BUCKETS.bit_length())}
        and all(arrays[name].shape == shape and arrays[name].dtype == types[name] for name, shape in shapes.items())
        and all(np.isfinite(array).all() for array in arrays.values())
    )


def scaled(features: Features, rarity: NDArray[np.float32]) -> NDArray[np.float32]:
    """The number of each feature of each text; those of each part of a text have length 1."""
    numbers = (1 + np.log(features.counts)) * rarity[features.buckets]
    texts = np.repeat(np.arange(len(features.starts) - 1), np.diff(features.starts))
    part = 2 * texts + (features.buckets >= len(rarity) // 2)
    lengths = np.sqrt(np.bincount(part, weights=numbers * numbers))
    return (numbers / lengths[part]).astype(np.float32)


def mixed(network: NDArray[np.float32], linear: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """The weighted mean of two models' logits ``[N, K]``; ``share`` is the weight of the second."""
    return ((1 - share) * network + share * linear).astype(np.float32)
