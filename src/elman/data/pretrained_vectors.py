"""Pretrained word vectors in the text formats of word2vec, fastText and GloVe, and in word2vec's
binary format.

A line is a word and D numbers. In files of word2vec and fastText (``.vec``), a first line states
the numbers of words and dimensions: ``V D``. A binary file has this line too; then come words, each
followed by a space and D float32 numbers, and perhaps by a line end. Files are read as a stream.
Gzip is recognised by its content, and so is a binary file. Only the numbers of wanted words are
parsed.
"""

import dataclasses
import gzip
import io
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
from elman.progress import Progress, counted

MOST_DIMENSIONS = 1 << 14
"""Vectors with more numbers are refused."""
LARGEST = 1e17
"""Larger numbers are damage: the squares of so many would not fit into float32."""

_LONGEST_LINE = 1 << 20
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_TOLD_LINES = 1000
_SAMPLE = 1 << 12
_LONGEST_WORD = 1 << 10
_NUMBER_BYTES = b"0123456789+-.eE \t\r\n"
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
        raise UsageError.of("most", most, "at least 1")
    path = Path(path)
    try:
        with open(path, "rb") as file:
            size = path.stat().st_size
            with (progress or Progress()).stage(f"reading {path.name}", total=size, unit="bytes") as advance:
                opened = _opened(file)
                if header := _binary_header(opened):
                    return _BinaryFile(path, file, opened, header, advance).read(words, most)
                return _VectorFile(path, _lines(path, file, _opened(file), advance)).read(words, most)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TextError(f"{path}: damaged or cut off; copy it again, or decompress it by hand") from error
    except OSError as error:
        raise TextError(f"{path}: cannot be read ({error.strerror}); name a file of word vectors") from error


def usable(numbers: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which numbers may be in a vector: neither infinite, nor none, nor above LARGEST."""
    return np.abs(numbers) <= LARGEST


def is_vector_file(path: Path) -> bool:
    """Whether a file begins as word vectors do: with a line of two whole numbers, or with a word
    and two numbers or more; files that cannot be read are none."""
    try:
        with open(path, "rb") as file, _opened(file) as opened:
            line = opened.readline(_LONGEST_LINE).removeprefix(_BOM).rstrip()
    except (OSError, EOFError, zlib.error):
        return False
    return _HEADER.fullmatch(line) is not None or _count_numbers(line) >= 2


def _opened(file: io.BufferedReader) -> io.BufferedReader | gzip.GzipFile:
    """The file from its beginning, unpacked."""
    file.seek(0)
    packed = file.read(2) == _GZIP
    file.seek(0)
    return gzip.GzipFile(fileobj=file) if packed else file


def _binary_header(opened: io.BufferedReader | gzip.GzipFile) -> tuple[int, int] | None:
    """Words and dimensions of a binary file; None for text. The file is left behind the header.

    The numbers of a first vector are hardly ever text: of D numbers written as text, each byte
    would be a digit, a point, a sign, an e or a blank.
    """
    line = opened.readline(_LONGEST_LINE)
    header = _HEADER.fullmatch(line.removeprefix(_BOM).rstrip())
    if header is None:
        return None
    words, dimensions = int(header[1]), int(header[2])
    beginning = opened.read(min(_SAMPLE, 4 * dimensions + _LONGEST_WORD))
    numbers = beginning.partition(b" ")[2][: 4 * dimensions]
    if not numbers or not numbers.translate(None, _NUMBER_BYTES):
        return None
    # A word of text may hold blanks and any letters, yet never these.
    if not (b"\0" in numbers or _not_utf8(numbers)):
        return None
    opened.seek(len(line))
    return words, dimensions


def _not_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.end < len(data) - 3  # the last character may be cut off
    return False


class _BinaryFile:
    """The words and numbers of a binary file of word2vec."""

    def __init__(
        self,
        path: Path,
        file: BinaryIO,
        opened: io.BufferedReader | gzip.GzipFile,
        header: tuple[int, int],
        advance: Callable[[int], None],
    ) -> None:
        self._path, self._file, self._opened, self._advance = path, file, opened, advance
        self._stated, self._dimensions = header
        if not 1 <= self._dimensions <= MOST_DIMENSIONS:
            raise TextError(f"{path}: vectors of {self._dimensions} numbers; there must be 1 to {MOST_DIMENSIONS:,}")

    def read(self, words: Collection[str] | None, most: int | None) -> Vectors:
        wanted = None if words is None else {*words}
        rows: dict[str, bytes] = {}
        duplicates = skipped = 0
        size = 4 * self._dimensions
        total = self._stated if most is None else min(self._stated, most)
        told = 0
        for number in range(total):
            word = _decoded(self._word(number).lstrip(b"\n"))
            data = self._opened.read(size)
            if len(data) < size:
                raise self._cut_off(number)
            if not word:
                skipped += 1
            elif word in rows:
                duplicates += 1
            elif wanted is None or word in wanted:
                if not usable(np.frombuffer(data, "<f4")).all():
                    raise TextError(
                        f"{self._path}: a value of the vector of {word[:40]!r} is not finite, or above {LARGEST:g}"
                    )
                rows[word] = data
            if number % _TOLD_LINES == 0:
                self._advance(self._file.tell() - told)
                told = self._file.tell()
        if most is None and self._opened.read(_SAMPLE).strip():
            raise TextError(f"{self._path}: goes on after its {self._stated:,} vectors; copy it again")
        matrix = np.frombuffer(b"".join(rows.values()), "<f4").astype(np.float32).reshape(len(rows), self._dimensions)
        return Vectors(tuple(rows), matrix, total, duplicates, skipped)

    def _word(self, number: int) -> bytes:
        """The bytes up to the next space."""
        parts: list[bytes] = []
        opened = self._opened
        while sum(map(len, parts)) < _LONGEST_WORD:
            ahead = opened.peek(1)
            place = ahead.find(b" ")
            if not ahead:
                break
            parts.append(opened.read(len(ahead) if place < 0 else place))
            if place >= 0:
                opened.read(1)
                return b"".join(parts)
        if not opened.peek(1):
            raise self._cut_off(number)
        raise TextError(f"{self._path}: no space behind word {number + 1:,}; is this word2vec's binary format?")

    def _cut_off(self, number: int) -> TextError:
        return TextError(
            f"{self._path}: its first line states {self._stated:,} vectors, and it ends in number {number + 1:,}; "
            "copy it again"
        )


def _lines(
    path: Path, file: BinaryIO, opened: io.BufferedReader | gzip.GzipFile, advance: Callable[[int], None]
) -> Iterator[bytes]:
    """The lines of a file without blanks at their ends."""
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
        good = usable(matrix).all(1)
        if not good.all():
            number = line_of_row[int(np.argmin(good))]
            raise self._error(number, f"a value is not finite, or above {LARGEST:g}; mend that line")
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
            raise self._error(
                number, f"{counted(count, 'number')}, but {self._dimensions} are expected; mend that line"
            )
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
