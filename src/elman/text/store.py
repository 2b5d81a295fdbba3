"""A normalised text on disk: a plain UTF-8 file of lines, and a file of document starts.

``NAME.txt`` holds the lines, each ended by "\\n"; ``NAME.starts`` the byte at which each document
starts, as little-endian int64. Both are written and read in one pass, whatever their size.
"""

import dataclasses
import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

STRETCH = 1 << 23
"""Bytes of text that one process reads at a time, where several share the work."""
_BLOCK = 1 << 18
_CONTINUATION = bytes(range(0x80, 0xC0))


@dataclasses.dataclass(frozen=True)
class Text:
    """A normalised text; iterating gives each line and whether it starts a document.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with TextWriter(Path(folder), "train") as writer:
    ...         writer.write("naïve", starts=True)
    ...         writer.write("", starts=False)
    ...     text = writer.text()
    ...     list(text), text.bytes, text.chars
    ([('naïve', True), ('', False)], 8, 7)
    """

    path: Path
    """The file of its lines."""
    sha256: str
    """Hex digest of the lines and the document starts."""
    bytes: int
    """UTF-8 bytes, one for each line end."""
    chars: int
    """Unicode characters, one for each line end."""
    lines: int
    """Lines."""
    document_count: int
    """Documents."""

    def __iter__(self) -> Iterator[tuple[str, bool]]:
        return self.lines_of(0, self.bytes)

    def lines_of(self, first: int, stop: int) -> Iterator[tuple[str, bool]]:
        """The lines of one of its ``stretches``, as iterating gives them."""
        starts = self._starts(first)
        start, offset = next(starts, -1), first
        with open(self.path, "rb") as file:
            file.seek(first)
            while offset < stop:
                line = file.readline()
                begins = offset == start
                if begins:
                    start = next(starts, -1)
                offset += len(line)
                yield line[:-1].decode(), begins

    def stretches(self, size: int | None = None) -> list[tuple[int, int]]:
        """The text cut at line ends into stretches of about ``size`` bytes (default 8 MiB): first
        byte of each, and where it ends.
        """
        size, cuts = size or STRETCH, [0]
        with open(self.path, "rb") as file:
            while cuts[-1] + size < self.bytes:
                file.seek(cuts[-1] + size - 1)
                file.readline()
                cuts.append(file.tell())
        return list(pairwise(dict.fromkeys([*cuts, self.bytes])))

    def documents(self) -> Iterator[list[str]]:
        """The lines of each document; one document is in memory at a time."""
        lines: list[str] = []
        for line, starts in self:
            if starts and lines:
                yield lines
                lines = []
            lines.append(line)
        if lines:
            yield lines

    def document_sizes(self) -> NDArray[np.int64]:
        """Bytes of each document, int64 ``[document_count]``."""
        starts = np.fromfile(starts_file(self.path), dtype="<i8").astype(np.int64)
        return np.diff(starts, append=self.bytes)

    def _starts(self, first: int) -> Iterator[int]:
        """Where documents start, from byte ``first`` on."""
        with open(starts_file(self.path), "rb") as file:
            if first and self.document_count:
                starts = np.memmap(file, dtype="<i8", mode="r")
                file.seek(starts.itemsize * int(np.searchsorted(starts, first)))
            while block := file.read(_BLOCK):
                yield from np.frombuffer(block, dtype="<i8").tolist()


class TextWriter:
    """Writes a Text; use it in a ``with`` block, then ask for ``text()``."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.txt"
        self._parts: list[bytes] = []
        self._starts: list[int] = []
        self._pending = 0
        self._digest, self._starts_digest = hashlib.sha256(), hashlib.sha256()
        self._bytes = self._chars = self._lines = self._documents = 0

    def __enter__(self) -> Self:
        with ExitStack() as files:
            self._file = files.enter_context(open(self._path, "wb"))
            self._starts_file = files.enter_context(open(starts_file(self._path), "wb"))
            self._files = files.pop_all()
        return self

    def __exit__(self, kind, error, trace) -> None:
        with self._files:
            if kind is None:
                self._flush()

    def write(self, line: str, *, starts: bool) -> None:
        """Add a normalised line."""
        data = line.encode()
        if starts:
            self._start_document()
        self._chars += len(line) + 1
        self._lines += 1
        self._parts.append(data)
        self._add(b"\n", size=len(data) + 1)

    def copy(self, file: BinaryIO, size: int) -> None:
        """Add a document: the next ``size`` bytes of another Text's file.

        They are whole lines, but the last may be cut off at a space, which becomes a line end, or
        between two characters.
        """
        self._start_document()
        while size:
            block = file.read(min(size, _BLOCK))
            size -= len(block)
            if not size and not block.endswith(b"\n"):
                block = block.rstrip() + b"\n"
            self._chars += len(block.translate(None, _CONTINUATION))
            self._lines += block.count(b"\n")
            self._add(block, size=len(block))

    def text(self) -> Text:
        """The written text."""
        digest = hashlib.sha256(self._digest.digest() + self._starts_digest.digest()).hexdigest()
        return Text(self._path, digest, self._bytes, self._chars, self._lines, self._documents)

    def _start_document(self) -> None:
        self._starts.append(self._bytes)
        self._documents += 1

    def _add(self, data: bytes, *, size: int) -> None:
        self._parts.append(data)
        self._bytes += size
        self._pending += size
        if self._pending >= _BLOCK:
            self._flush()

    def _flush(self) -> None:
        data = b"".join(self._parts)
        starts = np.array(self._starts, dtype="<i8").tobytes()
        self._file.write(data)
        self._starts_file.write(starts)
        self._digest.update(data)
        self._starts_digest.update(starts)
        self._parts.clear()
        self._starts.clear()
        self._pending = 0


def starts_file(path: Path) -> Path:
    """The file of document starts of the text at ``path``."""
    return path.with_suffix(".starts")
