"""The binary files of fastText (``.bin``, and quantised ``.ftz``): words, and the rows of words and
of buckets of character n-grams.

All numbers are little-endian. The magic number and the version (int32 each) are followed by the
settings (12 int32 and a float64), the dictionary (numbers of entries, words and labels as int32,
numbers of tokens and of kept buckets as int64, -1 for all; then entries: bytes up to a NUL, count
as int64, kind as int8; then kept buckets: number and place, int32 each), a byte that says whether
the matrix is quantised, and the matrix (rows and columns as int64, float32 numbers; or codes,
``data/fasttext_codes.py``). What comes behind belongs to training. Sizes are checked against the
file before memory is taken for them, and a matrix of float32 stays on disk. A file compressed by
gzip is unpacked into a temporary one.
"""

import dataclasses
import gzip
import mmap
import struct
import tempfile
import zlib
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from elman.data.fasttext_codes import read_codes
from elman.data.pretrained_vectors import LARGEST, MOST_DIMENSIONS, usable
from elman.errors import TextError
from elman.progress import Progress
from elman.system.files import storage_errors

_MAGIC = struct.pack("<i", 793712314)
_GZIP = b"\x1f\x8b"
_VERSIONS = (11, 12)
_SETTINGS = struct.Struct("<12id")
_SIZES = struct.Struct("<3i2q")
_ENTRY = struct.Struct("<qb")
_FLAG = struct.Struct("<B")
_MATRIX = struct.Struct("<2q")
_SUPERVISED = 3
_LONGEST_WORD = 1 << 12
_LONGEST_NGRAM = 100
_BLOCK = 1 << 14
_UNPACKED = 1 << 22
_MOST_PACKING = 100
"""Numbers of trained vectors hardly compress; what unpacks to more than so many times its size is
no model."""


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
    """``[known + kept buckets, D]``, finite; mapped from the file unless it was quantised."""
    sizes: tuple[int, int] | None
    """Characters of the shortest and of the longest n-gram; None if words have no n-grams."""
    buckets: int
    """How many buckets n-grams are hashed to."""
    kept: NDArray[np.int64] | None = None
    """The buckets that have a row, rising; None: all."""
    kept_rows: NDArray[np.int64] | None = None
    """Their rows in the matrix."""

    def rows_of(self, buckets: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of buckets; -1 of those without one."""
        if self.kept is None or self.kept_rows is None:
            return self.known + buckets
        places = np.minimum(np.searchsorted(self.kept, buckets), len(self.kept) - 1)
        return np.where(self.kept[places] == buckets, self.kept_rows[places], -1)

    def only(self, words: Collection[str]) -> Self:
        """The file without all other words."""
        places = [place for place, word in enumerate(self.words) if word in words]
        return dataclasses.replace(
            self,
            words=tuple(self.words[place] for place in places),
            counts=tuple(self.counts[place] for place in places),
            rows=self.rows[places],
        )


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


def read_fasttext_binary(path: Path, *, progress: Progress | None = None) -> FasttextFile:
    """Read the dictionary, and map the matrix.

    Raises:
        TextError: the file cannot be read, is cut off or damaged.
        StorageError: there is no room to unpack it.
    """
    try:
        with ExitStack() as opened:
            file: BinaryIO = opened.enter_context(open(path, "rb"))
            if file.read(2) == _GZIP:
                packed, file = file, opened.enter_context(tempfile.TemporaryFile())
                _unpack(path, packed, file, progress or Progress())
            data = opened.enter_context(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            return _Reader(path, file, data).read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TextError(f"{path}: damaged or cut off; copy it again, or decompress it by hand") from error
    except OSError as error:
        raise TextError(f"{path}: cannot be read ({error.strerror}); name a file of word vectors") from error
    except struct.error as error:
        raise TextError(f"{path}: cut off; copy it again") from error


def _unpack(path: Path, file: BinaryIO, temporary: BinaryIO, progress: Progress) -> None:
    """Write what a gzip file holds into a temporary file, which is gone once nothing maps it."""
    size = path.stat().st_size
    room, told = max(_UNPACKED, _MOST_PACKING * size), 0
    file.seek(0)
    with progress.stage(f"unpacking {path.name}", total=size, unit="bytes") as advance, gzip.open(file) as opened:
        while part := opened.read(_UNPACKED):
            room -= len(part)
            if room < 0:
                raise TextError(f"{path}: unpacks to over {_MOST_PACKING} times its size, as no vectors do")
            with storage_errors(Path(tempfile.gettempdir())):
                temporary.write(part)
            advance(file.tell() - told)
            told = file.tell()
    with storage_errors(Path(tempfile.gettempdir())):
        temporary.flush()


class _Reader:
    def __init__(self, path: Path, file: BinaryIO, data: mmap.mmap) -> None:
        self._path, self._file, self._data, self._at = path, file, data, 8

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
        words, counts, rows = self._dictionary(known, labels)
        if not words:
            raise self._error("none of its words is UTF-8; copy it again")
        kept, places = self._kept(pruned, buckets)
        # Where none is kept, older programs left the rows of all in the file.
        heights = {known + (buckets if kept is None else len(kept)), *([known + buckets] if pruned == 0 else [])}
        matrix = self._matrix(heights, dimensions)
        for start in range(0, len(matrix), _BLOCK):
            if not usable(matrix[start : start + _BLOCK]).all():
                raise self._error(f"a number is not finite, or above {LARGEST:g}; train it again, or copy it again")
        spelled = pruned and buckets and largest > 0 and not (version == 11 and model == _SUPERVISED)
        if spelled and not 1 <= smallest <= largest <= _LONGEST_NGRAM:
            raise self._error(
                f"n-grams of {smallest} to {largest} characters; sizes from 1 to {_LONGEST_NGRAM} are read"
            )
        return FasttextFile(
            words=words, counts=counts, rows=rows, known=known, matrix=matrix, buckets=buckets,
            sizes=(smallest, largest) if spelled else None,
            kept=kept, kept_rows=None if places is None else known + places,
        )  # fmt: skip

    def _matrix(self, heights: set[int], width: int) -> NDArray[np.float32]:
        quantised = self._take(_FLAG)[0]
        if quantised == 1:
            try:
                return read_codes(self._data, self._at, heights=heights, width=width)
            except ValueError as error:
                raise self._error(f"its codes are damaged or cut off ({error}); copy it again") from error
        height, columns = self._take(_MATRIX)
        room = len(self._data) - self._at
        if quantised or columns != width or height not in heights or height * width * 4 > room:
            raise self._damaged()
        return np.memmap(self._file, "<f4", "r", self._at, (height, width)).view(np.ndarray)

    def _kept(self, count: int, buckets: int) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
        """The buckets that have a row, rising, and their places behind the words; None: all."""
        if count <= 0:
            return None, None
        if 8 * count > len(self._data) - self._at or count > buckets:
            raise self._damaged()
        pairs = np.frombuffer(self._data[self._at : self._at + 8 * count], "<i4").reshape(-1, 2).astype(np.int64)
        self._at += 8 * count
        kept, places = pairs[np.argsort(pairs[:, 0])].T
        inside = kept[0] >= 0 and kept[-1] < buckets and places.min() >= 0 and places.max() < count
        if not inside or (np.diff(kept) == 0).any():
            raise self._damaged()
        return kept, places

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
