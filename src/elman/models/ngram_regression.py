"""Logistic regression on the n-grams of a text (``data.hashed_ngrams``), the linear part of a text
classifier.

A feature's number is (1 + ln count) times its factor; words, characters and negated words are then
scaled to length 1 each. The factor is the inverse document frequency, ln((1 + N) / (1 + n)) + 1 for
n of N training texts, as of TF-IDF, times how much the n-gram tells of a label
(``informativeness``).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from elman.data.hashed_ngrams import Features, character_classes, code_points, hashed_ngrams
from elman.data.ngram_index import MOST_CHARACTERS, PARTS, Buckets, NgramIndex
from elman.errors import FolderError

if TYPE_CHECKING:
    from elman.models.ngram_kernel import KeyTable, WeightTable

NGRAMS_FILE = "ngrams.safetensors"
_MOST_COLUMNS = 1 << 17
_MOST_NUMBERS = 1 << 19
"""Most weights of all labels."""
_MOST_NEGATIONS = 1 << 10
_LARGEST = 65504.0
"""Of the numbers in a file: the largest of float16."""
_USUAL_TEXTS = 2
"""An n-gram's labels are counted as if so many more texts with the usual labels had it."""
_PATIENCE = 64
"""Texts without compiled code, which takes a third of a second to load."""
_OLD = {"weights", "bias", "rarity"}
"""Arrays of models with buckets."""


def most_columns(labels: int) -> int:
    """The most n-grams that have a column with weights of K labels; 0 if there are too many labels.

    >>> most_columns(2), most_columns(41), most_columns(1000)
    (131072, 12787, 0)
    """
    most = min(_MOST_COLUMNS, _MOST_NUMBERS // labels)
    return most if most >= 1 << 11 else 0


class NgramRegression:
    """Logits that are linear in a text's n-grams.

    Args:
        weights: of each column and label ``[C, K]``.
        bias: of the labels ``[K]``.
        factors: of the columns ``[C]``.
        index: the columns of n-grams.
        stored: the arrays of its file.

    >>> index = NgramIndex(np.arange(9, dtype=np.uint32), np.array([9, 0, 0]))
    >>> model = NgramRegression.rounded(np.zeros((9, 2)), np.array([0, 1]), np.ones(9), index)
    >>> model.logits(["any text", ""]).tolist()
    [[0.0, 1.0], [0.0, 1.0]]
    """

    def __init__(
        self,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        factors: NDArray[np.float32],
        index: NgramIndex | Buckets,
        *,
        stored: Mapping[str, NDArray[Any]],
    ) -> None:
        self.weights, self.bias, self.factors, self.index = weights, bias, factors, index
        self._stored = dict(stored)
        self._patience = _PATIENCE

    @classmethod
    def rounded(
        cls, weights: NDArray[np.floating], bias: NDArray[np.floating], factors: NDArray[np.floating], index: NgramIndex
    ) -> Self:
        """That of an index, its weights and factors in 8 bits."""
        unit, scales = np.max(factors, initial=0) / 255, np.abs(weights).max(axis=0, initial=0) / 127
        return cls.from_arrays(
            {
                "codes": np.rint(weights / np.where(scales, scales, 1)).astype(np.int8),
                "scales": scales.astype(np.float32),
                "bias": bias.astype(np.float32),
                "factors": np.rint(factors / (unit or 1)).astype(np.uint8),
                "unit": np.array([unit], np.float32),
                "keys": index.keys,
                "sizes": index.sizes.astype(np.int64),
                "negations": index.negations,
                "reach": np.array([index.reach], np.int64),
                "lengths": np.array(index.lengths, np.int64),
            }
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """That of a file's arrays."""
        if set(arrays) == _OLD:
            weights, factors = (arrays[name].astype(np.float32) for name in ("weights", "rarity"))
            return cls(weights, arrays["bias"], factors, Buckets(len(factors) // 2), stored=arrays)
        (reach,), (smallest, largest) = arrays["reach"].tolist(), arrays["lengths"].tolist()
        index = NgramIndex(arrays["keys"], arrays["sizes"], arrays["negations"], reach, (smallest, largest))
        weights, factors = arrays["codes"] * arrays["scales"], arrays["factors"] * arrays["unit"]
        return cls(weights, arrays["bias"], factors, index, stored=arrays)

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One number per label ``[N, K]``; after the first texts by compiled code. Both add in
        float64, so that the float32 numbers are the same but for one in millions."""
        self._patience -= len(texts)
        return self.reference_logits(texts) if self._patience >= 0 else self.compiled_logits(texts)

    def compiled_logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same as ``reference_logits``, several times as fast."""
        from elman.models.ngram_kernel import ngram_logits  # brings numba along

        lowered = [text.lower() for text in texts]
        starts = np.cumsum(np.array([0, *map(len, lowered)], np.int64))
        return ngram_logits(code_points(lowered), starts, character_classes(), *self._tables, self.bias)

    @cached_property
    def _tables(self) -> "tuple[KeyTable, WeightTable]":
        from elman.models.ngram_kernel import WeightTable, key_table

        arrays, one = self._stored, np.float32(1)
        if isinstance(self.index, Buckets):
            weights = WeightTable(self.factors, one, self.weights, np.full(len(self.bias), one))
        else:
            weights = WeightTable(arrays["factors"], arrays["unit"][0], arrays["codes"], arrays["scales"])
        return key_table(self.index), weights

    def reference_logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """``logits`` by their definition."""
        found = hashed_ngrams(texts, self.index)
        numbers = scaled(found, self.factors, self.index.ends)
        logits = np.tile(self.bias.astype(np.float64), (len(texts), 1))
        real = np.flatnonzero(np.diff(found.starts))
        if len(real):
            products = self.weights[found.columns] * numbers[:, None]
            logits[real] += np.add.reduceat(products, found.starts[real], axis=0)
        return logits.astype(np.float32)

    @property
    def digest(self) -> str:
        """Hex digest of the weights."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """Its file."""
        from safetensors.numpy import save

        return save(self._stored)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], *, labels: int) -> Self | None:
        """That of a model folder, if it has one.

        Raises:
            FolderError: the file is damaged or of another model.
        """
        arrays = stored_arrays(files, lambda arrays: _fit(arrays, labels))
        return None if arrays is None else cls.from_arrays(arrays)


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
    if set(arrays) == _OLD:
        rows = arrays["rarity"].size
        return rows in {2 << bits for bits in range(10, 17)} and _are(
            arrays,
            {
                "weights": (np.float16, (rows, labels)),
                "bias": (np.float32, (labels,)),
                "rarity": (np.float16, (rows,)),
            },
        )
    rows, negations = (arrays[name].size if name in arrays else 0 for name in ("keys", "negations"))
    wanted = {
        "codes": (np.int8, (rows, labels)),
        "scales": (np.float32, (labels,)),
        "bias": (np.float32, (labels,)),
        "factors": (np.uint8, (rows,)),
        "unit": (np.float32, (1,)),
        "keys": (np.uint32, (rows,)),
        "sizes": (np.int64, (PARTS,)),
        "negations": (np.uint32, (negations,)),
        "reach": (np.int64, (1,)),
        "lengths": (np.int64, (2,)),
    }
    return (
        _are(arrays, wanted)
        and rows <= _MOST_COLUMNS
        and negations <= _MOST_NEGATIONS
        and 0 <= int(arrays["reach"][0]) <= _MOST_NEGATIONS
        and bool(2 <= arrays["lengths"][0] <= arrays["lengths"][1] <= MOST_CHARACTERS)
        and bool(((arrays["sizes"] >= 0) & (arrays["sizes"] <= rows)).all())
        and int(arrays["sizes"].sum()) == rows
        and all(
            bool((keys[1:] > keys[:-1]).all())
            for keys in (*np.split(arrays["keys"], np.cumsum(arrays["sizes"])[:-1]), arrays["negations"])
        )
    )


def _are(arrays: Mapping[str, NDArray[Any]], wanted: Mapping[str, tuple[Any, tuple[int, ...]]]) -> bool:
    """Whether arrays have these names, types and shapes, and numbers of a usual size."""
    return arrays.keys() == wanted.keys() and all(
        arrays[name].dtype == kind
        and arrays[name].shape == shape
        and (arrays[name].dtype.kind != "f" or (np.abs(arrays[name]) <= _LARGEST).all())
        for name, (kind, shape) in wanted.items()
    )


def informativeness(
    features: Features, targets: NDArray[np.int64] | NDArray[np.bool_], *, columns: int, labels: int
) -> NDArray[np.float64]:
    """How much each of the ``[C]`` columns tells of a label: the root of the most that it changes a
    label's log-odds. Naive Bayes makes the same use of counts (Wang and Manning 2012).

    Args:
        targets: the label of each text ``[N]``, or whether it has each of K labels ``[N, K]``.
        columns: their number (C).

    >>> features = Features(np.array([0, 1, 3]), np.array([0, 0, 1]), np.ones(3, np.float32))
    >>> (informativeness(features, np.array([0, 1]), columns=2, labels=2) ** 2).round(3).tolist()  # ln 2
    [0.0, 0.693]
    """
    texts = np.repeat(np.arange(len(targets)), np.diff(features.starts))
    member = targets if targets.ndim == 2 else targets[:, None] == np.arange(labels)
    having = np.bincount(features.columns, minlength=columns)
    shares = (1 + member.sum(axis=0)) / (2 + len(targets))
    most = np.zeros(columns)
    for label, share in enumerate(shares.tolist()):
        count = np.bincount(features.columns[member[texts, label]], minlength=columns)
        there = (count + _USUAL_TEXTS * share) / (having + _USUAL_TEXTS)
        most = np.maximum(most, np.abs(np.log(there / (1 - there)) - np.log(share / (1 - share))))
    return np.sqrt(most)


def scaled(features: Features, factors: NDArray[np.floating], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """The number of each feature of each text; those of each part of a text have length 1.

    Args:
        factors: of the columns ``[C]``.
        ends: where the columns of each part end ``[3]``.
    """
    numbers = (1 + np.log(features.counts.astype(np.float64))) * factors[features.columns]
    texts = np.repeat(np.arange(len(features.starts) - 1), np.diff(features.starts))
    part = PARTS * texts + np.searchsorted(ends, features.columns, side="right")
    lengths = np.sqrt(np.bincount(part, weights=numbers * numbers))
    lengths[lengths == 0] = 1  # nothing that training knows
    return numbers / lengths[part]


def mixed(network: NDArray[np.floating], linear: NDArray[np.floating], share: float) -> NDArray[np.float32]:
    """The weighted mean of two models' logits ``[N, K]``; ``share`` is the weight of the second."""
    return ((1 - share) * network + share * linear).astype(np.float32)
