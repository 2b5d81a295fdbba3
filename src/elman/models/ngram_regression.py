"""Logistic regression on the hashed n-grams of a text (``data.hashed_ngrams``), the linear part of a
text classifier.

A feature's number is (1 + ln count) times its bucket's factor; words and characters are then scaled
to length 1 each. The factor is the inverse document frequency, ln((1 + N) / (1 + n)) + 1 for n of N
training texts, as of TF-IDF, times how much the bucket tells of a label (``informativeness``).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from elman.data.hashed_ngrams import Features, character_classes, code_points, hashed_ngrams
from elman.errors import FolderError

NGRAMS_FILE = "ngrams.safetensors"
_MOST_BUCKETS = 1 << 16
_MOST_NUMBERS = 1 << 19
"""Most weights of all labels, a megabyte."""
_FACTORS = "rarity"
"""Their name in the file: in the first ones they were inverse document frequencies."""
_USUAL_TEXTS = 2
"""A bucket's labels are counted as if so many more texts with the usual labels had it."""

_PATIENCE = 64
"""Texts without compiled code, which takes a third of a second to load."""


def buckets_for(labels: int, *, features: int = _MOST_BUCKETS) -> int:
    """Buckets of each part: a power of 2 that is enough for so many features, and for whose weights
    K labels have room; below 2^10 none are left.

    >>> buckets_for(2), buckets_for(12), buckets_for(1000)
    (65536, 16384, 0)
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
        factors: of the buckets ``[2 M]``.

    >>> zeros = np.zeros((2048, 2), np.float16)
    >>> model = NgramRegression(zeros, np.array([0, 1], np.float32), np.ones(2048, np.float16))
    >>> model.logits(["any text", ""]).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """

    def __init__(self, weights: NDArray[np.float16], bias: NDArray[np.float32], factors: NDArray[np.float16]) -> None:
        self.weights, self.bias, self.factors = weights, bias, factors
        self._weights, self._factors = weights.astype(np.float32), factors.astype(np.float32)
        self._patience = _PATIENCE

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One number per label ``[N, K]``; after the first texts by compiled code. Both add in float64, so that the
        float32 numbers are the same but for one in millions."""
        self._patience -= len(texts)
        return self.reference_logits(texts) if self._patience >= 0 else self.compiled_logits(texts)

    def compiled_logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same as ``reference_logits``, several times as fast."""
        from elman.models.ngram_kernel import ngram_logits  # brings numba along

        lowered = [text.lower() for text in texts]
        starts = np.cumsum(np.array([0, *map(len, lowered)], np.int64))
        return ngram_logits(code_points(lowered), starts, character_classes(), self._table, self.bias)

    @cached_property
    def _table(self) -> NDArray[np.float32]:
        return np.concatenate([self._factors[:, None], self._weights], axis=1)

    def reference_logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """``logits`` by their definition."""
        found = hashed_ngrams(texts, buckets=len(self.factors) // 2)
        numbers = scaled(found, self._factors)
        logits = np.tile(self.bias.astype(np.float64), (len(texts), 1))
        real = np.flatnonzero(np.diff(found.starts))
        if len(real):
            products = self._weights[found.buckets] * numbers[:, None]
            logits[real] += np.add.reduceat(products, found.starts[real], axis=0)
        return logits.astype(np.float32)

    @property
    def digest(self) -> str:
        """Hex digest of the weights."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Its file."""
        from safetensors.numpy import save

        return save({"weights": self.weights, "bias": self.bias, _FACTORS: self.factors})

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, labels: int) -> Self | None:
        """That of a model folder, if it has one.

        Raises:
            FolderError: the file is damaged or of another model.
        """
        arrays = stored_arrays(files, lambda arrays: _fit(arrays, labels))
        return None if arrays is None else cls(arrays["weights"], arrays["bias"], arrays[_FACTORS])


def stored_arrays(
    files: Mapping[str, bytes], fit: Callable[[Mapping[str, NDArray[Any]]], bool]
) -> dict[str, NDArray[Any]] | None:
    """The arrays of the n-grams of a model folder, if it has any.

    Raises:
        FolderError: the file is damaged, or its arrays do not ``fit`` the model.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if NGRAMS_FILE not in files:
        return None
    try:
        arrays = load(files[NGRAMS_FILE])
    except (SafetensorError, ValueError, KeyError) as error:
        raise FolderError(f"{NGRAMS_FILE} is damaged; copy or train it again") from error
    if not fit(arrays):
        raise FolderError(f"{NGRAMS_FILE} does not fit this model; copy or train it again")
    return arrays


def _fit(arrays: Mapping[str, NDArray[Any]], labels: int) -> bool:
    rows = len(arrays[_FACTORS]) if set(arrays) == {"weights", "bias", _FACTORS} else 0
    shapes = {"weights": (rows, labels), "bias": (labels,), _FACTORS: (rows,)}
    types = {"weights": np.float16, "bias": np.float32, _FACTORS: np.float16}
    return (
        rows in {2 << bits for bits in range(10, _MOST_BUCKETS.bit_length())}
        and all(arrays[name].shape == shape and arrays[name].dtype == types[name] for name, shape in shapes.items())
        and all(np.isfinite(array).all() for array in arrays.values())
    )


def informativeness(
    features: Features, targets: NDArray[np.int64] | NDArray[np.bool_], *, buckets: int, labels: int
) -> NDArray[np.float64]:
    """How much each of the ``[2 M]`` buckets tells of a label: the root of the most that it changes a
    label's log-odds. Naive Bayes makes the same use of counts (Wang and Manning 2012).

    Args:
        targets: the label of each text ``[N]``, or whether it has each of K labels ``[N, K]``.
        buckets: of each of the two parts (M).

    >>> features = Features(np.array([0, 1, 3]), np.array([0, 0, 1]), np.ones(3, np.float32))
    >>> (informativeness(features, np.array([0, 1]), buckets=1, labels=2) ** 2).round(3).tolist()  # ln 2
    [0.0, 0.693]
    """
    texts = np.repeat(np.arange(len(targets)), np.diff(features.starts))
    member = targets if targets.ndim == 2 else targets[:, None] == np.arange(labels)
    having = np.bincount(features.buckets, minlength=2 * buckets)
    shares = (1 + member.sum(axis=0)) / (2 + len(targets))
    most = np.zeros(2 * buckets)
    for label, share in enumerate(shares.tolist()):
        count = np.bincount(features.buckets[member[texts, label]], minlength=2 * buckets)
        there = (count + _USUAL_TEXTS * share) / (having + _USUAL_TEXTS)
        most = np.maximum(most, np.abs(np.log(there / (1 - there)) - np.log(share / (1 - share))))
    return np.sqrt(most)


def scaled(features: Features, factors: NDArray[np.float32]) -> NDArray[np.float64]:
    """The number of each feature of each text; those of each part of a text have length 1."""
    numbers = (1 + np.log(features.counts.astype(np.float64))) * factors[features.buckets]
    texts = np.repeat(np.arange(len(features.starts) - 1), np.diff(features.starts))
    part = 2 * texts + (features.buckets >= len(factors) // 2)
    lengths = np.sqrt(np.bincount(part, weights=numbers * numbers))
    lengths[lengths == 0] = 1  # nothing that training knows
    return numbers / lengths[part]


def mixed(network: NDArray[np.floating], linear: NDArray[np.floating], share: float) -> NDArray[np.float32]:
    """The weighted mean of two models' logits ``[N, K]``; ``share`` is the weight of the second."""
    return ((1 - share) * network + share * linear).astype(np.float32)
