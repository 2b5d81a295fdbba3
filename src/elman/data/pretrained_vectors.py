"""Pretrained word vectors in the text formats of word2vec, fastText and GloVe.

A line is a word and D numbers. In files of word2vec and fastText (``.vec``), a first line states
the numbers of words and dimensions: ``V D``. Files are read as a stream. Gzip is recognised by its
content. Only the numbers of wanted words are parsed.
"""

import dataclasses
import gzip
import itertools
import re
import unicodedata
import zlib
from array import array
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from elman.errors import TextError, UsageError
from elman.progress import Progress

MOST_DIMENSIONS = 1 << 14
"""Vectors with more numbers are refused."""

_LONGEST_LINE = 1 << 20
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_TOLD_LINES = 1000
_HEADER = re.compile(rb"([0-9]{1,18})[ \t]+([0-9]{1,18})")
_DECIMAL = re.compile(rb"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclasses.dataclass(frozen=True)
class Vectors:
    """Word vectors, in the order of their file."""

    words: tuple[str, ...]
    """The words, in normal form (NFC), each once."""
    matrix: NDArray[np.float32]
    """``[N, D]``, a row for each word, all values finite."""
    total: int
    """How many vectors of the file were read, wanted or not."""
    duplicates: int = 0
    """How many vectors were left out because their word had one already."""
    skipped: int = 0
    """How many lines were left out because their word is empty or not UTF-8."""


def read_vectors(
    path: str | Path,
    words: Collection[str] | None = None,
    *,
    most: int | None = None,
    progress: Progress | None = None,
) -> Vectors:
    """Read the vectors of some words.

    The last D fields of a line are its numbers, so a word may hold spaces, as some of GloVe do. The
    first vector of a word counts. Numbers of words that are not wanted are counted, not parsed.

    Args:
        words: the words that are wanted, in normal form (NFC); default: all.
        most: read at most this many vectors; files begin with the most frequent words.

    Raises:
        TextError: the file cannot be read, is damaged or binary, or a line is no word with D finite
            numbers; says which line.
        UsageError: ``most`` is below 1.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "vectors.txt")
    ...     _ = path.write_text("the 0.5 1\\ncat 2 -1\\n")
    ...     vectors = read_vectors(path, {"cat", "dog"})
    >>> vectors.words, vectors.matrix.tolist(), vectors.total
    (('cat',), [[2.0, -1.0]], 2)
    """
    if most is not None and most < 1:
        raise UsageError(f"most is {most}; it must be at least 1")
    path = Path(path)
    try:
        with open(path, "rb") as file:
            size = path.stat().st_size
            with (progress or Progress()).stage(f"reading {path.name}", total=size, unit="bytes") as advance:
                return _VectorFile(path, _lines(path, file, advance)).read(words, most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TextError(f"{path}: damaged or cut off; copy it again, or decompress it by hand") from error
    except OSError as error:
        raise TextError(f"{path}: cannot be read ({error.strerror}); name a file of word vectors") from error


def _lines(path: Path, file: BinaryIO, advance: Callable[[int], None]) -> Iterator[bytes]:
    """The lines of a file without blanks at their ends."""
    packed = file.read(2) == _GZIP
    file.seek(0)
    opened = gzip.GzipFile(fileobj=file) if packed else file
    number = told = 0
    while line := opened.readline(_LONGEST_LINE):
        number += 1
        if b"\0" in line:
            raise TextError(f"{path}: binary, not text; convert it to the text format of word2vec")
        if len(line) == _LONGEST_LINE:
            raise TextError(f"{path}, line {number}: longer than {_LONGEST_LINE:,} bytes; is this a file of vectors?")
        yield (line.removeprefix(_BOM) if number == 1 else line).rstrip()
        if number % _TOLD_LINES == 0:
            advance(file.tell() - told)
            told = file.tell()
    advance(file.tell() - told)


class _VectorFile:
    """The words and numbers on the lines of one file."""

    def __init__(self, path: Path, lines: Iterator[bytes]) -> None:
        self._path = path
        first = next(lines, b"")
        header = _HEADER.fullmatch(first)
        self._stated: int | None = None
        """How many vectors the first line states."""
        if header:
            self._stated, self._dimensions = int(header[1]), int(header[2])
            lines = itertools.chain([b""], lines)
        else:
            self._dimensions = _count_numbers(first)
            lines = itertools.chain([first], lines)
        if not 1 <= self._dimensions <= MOST_DIMENSIONS:
            raise self._error(
                1, f"a vector of {self._dimensions} numbers; a line must be a word and 1 to {MOST_DIMENSIONS:,} numbers"
            )
        self._lines = enumerate(lines, start=1)

    def read(self, words: Collection[str] | None, most: int | None) -> Vectors:
        wanted = None if words is None else {*words}
        # Most lines are skipped by their first word alone.
        beginnings = None if wanted is None else {word.partition(" ")[0].encode() for word in wanted}
        row_of: dict[str, int] = {}
        values, line_of_row = array("f"), array("q")
        total = duplicates = skipped = 0
        for number, line in self._lines:
            if not line:
                continue
            if total == most:
                break
            total += 1
            if beginnings is not None and line.count(b" ") == self._dimensions:
                beginning = line.partition(b" ")[0]
                if beginning not in beginnings and beginning.isascii() and beginning:
                    continue
            token, numbers = self._split(number, line)
            word = _decoded(token)
            if not word:
                skipped += 1
            elif wanted is not None and word not in wanted:
                continue
            elif word in row_of:
                duplicates += 1
            else:
                values.extend(self._parsed(number, numbers))
                line_of_row.append(number)
                row_of[word] = len(row_of)
        else:
            self._check_total(total)
        matrix = np.asarray(values, np.float32).reshape(len(row_of), self._dimensions)
        finite = np.isfinite(matrix).all(1)
        if not finite.all():
            number = line_of_row[int(np.argmin(finite))]
            raise self._error(number, "a value is not finite, or too large for 32 bits; mend that line")
        return Vectors(tuple(row_of), matrix, total, duplicates, skipped)

    def _split(self, number: int, line: bytes) -> tuple[bytes, list[bytes]]:
        """The word and the numbers of a line."""
        token, *numbers = line.rsplit(None, self._dimensions)
        count = len(numbers)
        if count == self._dimensions - 1 and line[:1].isspace():
            return b"", [token, *numbers]
        extra = token.split()[1:]
        if count == self._dimensions and extra and _DECIMAL.fullmatch(extra[-1]):
            # A word may hold spaces, but this is a number too many.
            count += next((i for i, part in enumerate(reversed(extra)) if not _DECIMAL.fullmatch(part)), len(extra))
        if count != self._dimensions:
            raise self._error(number, f"{count} numbers, but {self._dimensions} are expected; mend that line")
        return token, numbers

    def _parsed(self, number: int, numbers: list[bytes]) -> list[float]:
        try:
            return list(map(float, numbers))
        except ValueError:
            wrong = next(part for part in numbers if not _is_number(part))
            shown = wrong[:40].decode(errors="replace")
            raise self._error(number, f"{shown!r} is no number; mend that line") from None

    def _check_total(self, total: int) -> None:
        if self._stated is not None and total != self._stated:
            raise TextError(
                f"{self._path}: its first line states {self._stated:,} vectors, and there are {total:,}; copy it again"
            )

    def _error(self, number: int, what: str) -> TextError:
        return TextError(f"{self._path}, line {number}: {what}")


def _count_numbers(line: bytes) -> int:
    """How many numbers stand behind the word of a line."""
    count = 0
    for part in reversed(line.split()[1:]):
        if not _is_number(part):
            break
        count += 1
    return count


def _is_number(part: bytes) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True


def _decoded(token: bytes) -> str:
    """The word in normal form; empty if it is not UTF-8."""
    try:
        return unicodedata.normalize("NFC", token.decode().strip(" \t"))
    except UnicodeDecodeError:
        return ""
