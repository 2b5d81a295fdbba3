"""Word vectors that were not trained here, or are kept in fewer bits: how their tables are stored.

A table of rows is kept as float32, in 8 bits a number with a scale for each row, or as product
codes with a length for each row. Directions are quantised, since similarity is the cosine.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.errors import UsageError
from elman.models.vectors.product import CENTROIDS, quantise, rebuilt
from elman.models.word_vectors import Subwords, Vector, WordVectors
from elman.progress import Progress

Arrays = dict[str, NDArray[Any]]
_TABLES = ("vectors", "subwords")
_SMALLEST = np.float32(1e-30)


@dataclasses.dataclass(frozen=True, kw_only=True)
class StoredVectorsConfig(Config):
    """What is stored, and how."""

    model: str
    """How the vectors were found; ``file`` for those of other tools."""
    dimensions: int
    """Numbers of a word vector."""
    precision: Literal["fp32", "int8", "product"] = "fp32"
    """float32, 8 bits a number, or a byte for several numbers (product quantisation)."""
    parts: int | None = None
    """Bytes of a vector's product codes."""
    lowercase: bool = False
    """Whether words are looked up in lower case."""
    pretokenized: bool = False
    """Whether texts are split at spaces only."""
    phrases: bool = False
    """Whether words may be joined pairs."""
    min_ngram: int | None = None
    """Characters of the shortest subwords; None without subwords."""
    max_ngram: int | None = None
    """Characters of the longest subwords."""
    buckets: int | None = None
    """Buckets that subwords are hashed into."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("dimensions", 1 <= self.dimensions <= 1 << 14, f"1 to {1 << 14:,}")
        if (self.precision == "product") != (self.parts is not None):
            raise UsageError("parts belong to product quantisation, and it needs them")
        if self.parts is not None and not 1 <= self.parts <= self.dimensions:
            raise UsageError.of("parts", self.parts, f"1 to {self.dimensions}, the dimensions")
        subwords = (self.min_ngram, self.max_ngram, self.buckets)
        if any(subwords) and not all(each is not None and 1 <= each < 1 << 31 for each in subwords):
            raise UsageError(
                "min_ngram, max_ngram and buckets are given together, from 1 to 2^31", field=("min_ngram", "max_ngram")
            )
        if self.min_ngram is not None and self.max_ngram is not None and not self.min_ngram <= self.max_ngram <= 100:
            raise UsageError.of("max_ngram", self.max_ngram, f"{self.min_ngram} to 100")

    @classmethod
    def of(cls, vectors: WordVectors, *, model: str, **how: Any) -> "StoredVectorsConfig":
        """The configuration of given vectors, stored in some way."""
        subwords = vectors.subwords
        smallest, largest = (None, None) if subwords is None else subwords.sizes
        return cls(
            model=model, dimensions=vectors.dimensions, lowercase=vectors.lowercase, pretokenized=vectors.pretokenized,
            phrases=vectors.phrases, min_ngram=smallest, max_ngram=largest,
            buckets=None if subwords is None else subwords.count, **how,
        )  # fmt: skip

    @property
    def row_bytes(self) -> float:
        """Bytes of a stored row."""
        if self.parts is not None:
            return self.parts + 2
        return self.dimensions + 4 if self.precision == "int8" else 4 * self.dimensions


def stored_size(vectors: WordVectors, config: StoredVectorsConfig, *, words: int) -> float:
    """Bytes of the arrays of the first words."""
    tables = 1 if vectors.subwords is None else 2
    rows = words + (0 if vectors.subwords is None else len(vectors.subwords.buckets))
    size = rows * config.row_bytes
    if vectors.subwords is not None:
        size += packed_buckets(vectors.subwords).nbytes
    return size + (4 * CENTROIDS * config.dimensions * tables if config.parts else 0)


def pack(vectors: WordVectors, config: StoredVectorsConfig, progress: Progress) -> Arrays:
    """The arrays that ``unpack`` makes vectors of again."""
    arrays = _packed("vectors", vectors.vectors, config, progress)
    if vectors.subwords is not None:
        arrays |= _packed("subwords", vectors.subwords.vectors, config, progress)
        arrays["buckets"] = packed_buckets(vectors.subwords)
    return arrays


def unpack(arrays: Mapping[str, NDArray[Any]], config: StoredVectorsConfig) -> tuple[Vector, Subwords | None]:
    """The word vectors, and those of subwords.

    Raises:
        ValueError: the arrays are not of this configuration.
    """
    wanted = [f"{table}{end}" for table in _TABLES[: 2 if config.buckets else 1] for end in _ENDS[config.precision]]
    if arrays.keys() != {*wanted, *(["buckets"] if config.buckets else [])}:
        raise ValueError("other arrays")
    vectors = _unpacked("vectors", arrays, config)
    if config.buckets is None or config.min_ngram is None or config.max_ngram is None:
        return vectors, None
    buckets, rows = arrays["buckets"], _unpacked("subwords", arrays, config)
    if buckets.dtype == np.uint8:
        if buckets.shape != (-(-config.buckets // 8),):
            raise ValueError("the bits of buckets")
        buckets = np.flatnonzero(np.unpackbits(buckets))
    elif buckets.dtype != np.int32 or buckets.ndim != 1:
        raise ValueError("the numbers of buckets")
    buckets = buckets.astype(np.int64)
    rising = len(buckets) == len(rows) > 0 and buckets[0] >= 0 and buckets[-1] < config.buckets
    if not rising or (np.diff(buckets) <= 0).any():
        raise ValueError("the numbers of buckets")
    return vectors, Subwords(rows, buckets, sizes=(config.min_ngram, config.max_ngram), count=config.buckets)


def packed_buckets(subwords: Subwords) -> NDArray[Any]:
    """The numbers of the buckets in use, as bits or as whole numbers, whichever is smaller."""
    if subwords.count < 32 * len(subwords.buckets):
        bits = np.zeros(subwords.count, np.bool_)
        bits[subwords.buckets] = True
        return np.packbits(bits)
    return subwords.buckets.astype(np.int32)


_ENDS = {"fp32": ("",), "int8": (".codes", ".scales"), "product": (".codes", ".centroids", ".lengths")}


def _packed(name: str, rows: Vector, config: StoredVectorsConfig, progress: Progress) -> Arrays:
    rows = np.ascontiguousarray(rows, np.float32)
    if config.precision == "fp32":
        return {name: rows}
    if config.precision == "int8":
        from elman.models.vectors.eight_bits import eight_bit_rows  # brings numba along

        codes, scales = eight_bit_rows(rows)
        return {f"{name}.codes": codes, f"{name}.scales": scales}
    assert config.parts is not None
    lengths = np.sqrt(np.einsum("vd,vd->v", rows, rows))
    longest = max(lengths.max(initial=0), _SMALLEST)
    codes, centroids = quantise(rows / np.maximum(lengths, _SMALLEST)[:, None], config.parts, progress=progress)
    return {
        f"{name}.codes": codes,
        f"{name}.centroids": centroids * longest,
        f"{name}.lengths": (lengths / longest).astype(np.float16),
    }


def _unpacked(name: str, arrays: Mapping[str, NDArray[Any]], config: StoredVectorsConfig) -> Vector:
    first = arrays[name + _ENDS[config.precision][0]]
    rows = len(first) if first.ndim == 2 else -1
    shapes = {
        "fp32": [(np.float32, (rows, config.dimensions))],
        "int8": [(np.int8, (rows, config.dimensions)), (np.float32, (rows,))],
        "product": [(np.uint8, (rows, config.parts)), (np.float32, (CENTROIDS, config.dimensions)),
                    (np.float16, (rows,))],
    }[config.precision]  # fmt: skip
    found = [arrays[name + end] for end in _ENDS[config.precision]]
    for array, (dtype, shape) in zip(found, shapes, strict=True):
        if array.dtype != dtype or array.shape != shape:
            raise ValueError(f"the shape of {name}")
    if config.precision == "fp32":
        return first
    if config.precision == "int8":
        return first * found[1][:, None]
    return rebuilt(first, found[1]) * found[2].astype(np.float32)[:, None]
