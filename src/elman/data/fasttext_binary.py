"""The binary files of fastText (``.bin``): words, and the rows of words and of buckets of character
n-grams.

All numbers are little-endian. The magic number and the version (int32 each) are followed by the
settings (12 int32 and a float64), the dictionary (numbers of entries, words and labels as int32,
numbers of tokens and of pruned buckets as int64, then entries: bytes up to a NUL, count as int64, kind
as int8), a byte that says whether the matrix is quantised, and the matrix (rows and columns as int64,
float32 numbers). What comes behind belongs to training. Sizes are checked against the file before
memory is taken for them, and the matrix stays on disk.
"""

import dataclasses
import gzip
import mmap
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elman.data.pretrained_vectors import MOST_DIMENSIONS
from elman.errors import TextError

_MAGIC = struct.pack("<i", 793712314)
_GZIP = b"\x1f\x8b"
_VERSIONS = (11, 12)
_SETTINGS = struct.Struct("<12id")
_SIZES = struct.Struct("<3i2q")
_ENTRY = struct.Struct("<qb")
_MATRIX = struct.Struct("<B2q")
_SUPERVISED = 3
_LONGEST_WORD = 1 << 12
_LONGEST_NGRAM = 100
_BLOCK = 1 << 14


@dataclasses.dataclass(frozen=True, kw_only=True)
class FasttextFile:
    """What word vectors need of a file."""

    words: tuple[str, ...]
    """The words as fastText read them, each once, in the order of the file."""
    counts: tuple[int, ...]
    """How often each was seen."""
    rows: NDArray[np.int64]
    """The row of each word in the matrix."""
    known: int
    """Rows of words; those of buckets come behind them."""
    matrix: NDArray[np.float32]
    """``[known + buckets, D]``, finite, mapped from the file."""
    sizes: tuple[int, int] | None
    """Characters of the shortest and of the longest n-gram; None if words have no n-grams."""
    buckets: int
    """How many buckets n-grams are hashed to."""


def is_fasttext_binary(path: Path) -> bool:
    """Whether a file begins as those of fastText do, compressed by gzip or not."""
    try:
        with open(path, "rb") as file:
            start = file.read(len(_MAGIC))
            if start[:2] == _GZIP:
                file.seek(0)
                with gzip.open(file) as opened:
                    start = opened.read(len(_MAGIC))
    except (OSError, EOFError, zlib.error):
        return False
    return start == _MAGIC


def read_fasttext_binary(path: Path) -> FasttextFile:
    """Read the dictionary, and map the matrix.

    Raises:
        TextError: the file cannot be read, is compressed, quantised, pruned, cut off or damaged.
    """
    try:
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data[:2] == _GZIP:
                raise TextError(f"{path}: compressed, but its numbers are read in place; unpack it with gunzip")
            return _Reader(path, data).read()
    except OSError as error:
        raise TextError(f"{path}: cannot be read ({error.strerror}); name a file of word vectors") from error
    except struct.error as error:
        raise TextError(f"{path}: cut off; copy it again") from error


class _Reader:
    def __init__(self, path: Path, data: mmap.mmap) -> None:
        self._path, self._data, self._at = path, data, 8

    def read(self) -> FasttextFile:
        version = int.from_bytes(self._data[4:8], "little", signed=True)
        if version not in _VERSIONS:
            raise self._error(f"version {version} of fastText's format; versions 11 and 12 are read")
        dimensions, *_, model, buckets, smallest, largest, _, _ = self._take(_SETTINGS)
        entries, known, labels, _, pruned = self._take(_SIZES)
        if not 1 <= dimensions <= MOST_DIMENSIONS or min(entries, known - 1, labels, buckets) < 0 or pruned < -1:
            raise self._damaged()
        if known + labels != entries or entries * (_ENTRY.size + 1) > len(self._data):
            raise self._damaged()
        if pruned > 0:
            raise self._error("buckets of this model were pruned, which elman does not read; use the model before that")
        words, counts, rows = self._dictionary(known, labels)
        if not words:
            raise self._error("none of its words is UTF-8; copy it again")
        quantised, height, width = self._take(_MATRIX)
        if quantised == 1:
            raise self._error("a quantised model, which elman does not read; use the .bin file that it was made from")
        if (
            quantised
            or width != dimensions
            or height != known + buckets
            or height * width * 4 > len(self._data) - self._at
        ):
            raise self._damaged()
        matrix = np.memmap(self._path, "<f4", "r", self._at, (height, width))
        for start in range(0, height, _BLOCK):
            if not np.isfinite(matrix[start : start + _BLOCK]).all():
                raise self._error("a number is not finite; train it again, or copy it again")
        spelled = pruned and buckets and largest > 0 and not (version == 11 and model == _SUPERVISED)
        if spelled and not 1 <= smallest <= largest <= _LONGEST_NGRAM:
            raise self._error(
                f"n-grams of {smallest} to {largest} characters; sizes from 1 to {_LONGEST_NGRAM} are read"
            )
        return FasttextFile(
            words=words, counts=counts, rows=rows, known=known, matrix=matrix.view(np.ndarray), buckets=buckets,
            sizes=(smallest, largest) if spelled else None,
        )  # fmt: skip

    def _dictionary(self, known: int, labels: int) -> tuple[tuple[str, ...], tuple[int, ...], NDArray[np.int64]]:
        """Words and their counts and rows; labels and words that are not UTF-8 are left out."""
        found: dict[str, tuple[int, int]] = {}
        for number in range(known + labels):
            end = self._data.find(b"\0", self._at, self._at + _LONGEST_WORD)
            if end < 0:
                raise self._damaged()
            word, self._at = self._data[self._at : end], end + 1
            count, kind = self._take(_ENTRY)
            if kind != (number >= known) or not 0 <= count < 1 << 62:
                raise self._damaged()
            if kind == 0:
                try:
                    name = word.decode()
                except UnicodeDecodeError:
                    continue
                if name and name not in found:
                    found[name] = count, number
        return (
            tuple(found),
            tuple(count for count, _ in found.values()),
            np.array([row for _, row in found.values()], np.int64),
        )

    def _take(self, numbers: struct.Struct) -> tuple:
        found = numbers.unpack_from(self._data, self._at)
        self._at += numbers.size
        return found

    def _damaged(self) -> TextError:
        return self._error("damaged or cut off: its sizes do not fit the file; copy it again")

    def _error(self, what: str) -> TextError:
        return TextError(f"{self._path}: {what}")
