"""An ARPA file as blocks of whole, numbered lines; gzip, bzip2 and xz are recognised by their
content.
"""

import bz2
import gzip
import hashlib
import lzma
import zlib
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError
from elman.progress import Progress

_BLOCK = 1 << 21
_LONGEST_LINE = 1 << 20
_PACKED = {b"\x1f\x8b": ("gzip", gzip.open), b"BZh": ("bzip2", bz2.open), b"\xfd7zXZ\0": ("xz", lzma.open)}
"""Names and openers by the first bytes of a compressed file."""
_KENLM_BINARY = b"mmap lm http://kheafield.com/code"


class ArpaSource:
    """Reads from ``at`` in ``block``, in the line numbered ``line`` (from 1).

    Raises:
        FolderError: from any method: the file cannot be read, is cut off, or is no ARPA file.
    """

    def __init__(self, path: Path, progress: Progress) -> None:
        self.path = path
        self.block: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)
        """Whole lines, the last one with its line feed."""
        self.at = 0
        self.line = 1
        self.last = 1
        """The number of the line that ``next_line`` gave."""
        self.ended = False
        """Whether ``block`` is the last one."""
        self._text = self._remainder = b""
        self._before = 0
        self._is_arpa = False
        self.preamble = b""
        """What ``skip_to_data`` passed over."""
        self._digest = hashlib.sha256()
        try:
            self._file: BinaryIO = open(path, "rb")
            size = path.stat().st_size
            first = self._file.read(8)
            self._file.seek(0)
        except OSError as error:
            raise FolderError(f"cannot read {path}: {error.strerror}; give a model folder or an ARPA file") from error
        self._packing, opener = next((how for magic, how in _PACKED.items() if first.startswith(magic)), ("", None))
        self._opened = opener(self._file) if opener else self._file
        self._told = 0
        self._stage = progress.stage(f"reading {path.name}", total=size, unit="bytes")

    def __enter__(self) -> Self:
        self._advance = self._stage.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stage.__exit__(kind, error, trace)
        self._file.close()

    @property
    def sha256(self) -> str:
        """Of all text read so far, decompressed."""
        return self._digest.hexdigest()

    def error(self, what: str, line: int | None = None) -> FolderError:
        """The error for a line, by default the one that ``next_line`` gave."""
        return FolderError(f"{self.path}, line {self.last if line is None else line}: {what}")

    def fill(self) -> bool:
        """Replace a block that was read to its end; False at the end of the file."""
        assert self.at == len(self.block), "lines would be lost"
        if self.ended:
            return False
        pieces, size, cut = [self._remainder], len(self._remainder), -1
        while cut < 0 and not self.ended:
            part = self._read()
            self.ended = not part
            cut = part.rfind(b"\n")
            pieces.append(part)
            size += len(part)
            if cut < 0 and size > _LONGEST_LINE:
                raise self._no_arpa() if not self._is_arpa else self.error("it is longer than a megabyte", self.line)
        text = b"".join(pieces)
        # The last line of a file may lack its line feed.
        cut = len(text) if self.ended else text.rfind(b"\n") + 1
        self._remainder = text[cut:]
        text = text[:cut] + b"\n" * (self.ended and text != b"" and not text.endswith(b"\n"))
        self._text, self.block, self.at = text, np.frombuffer(text, dtype=np.uint8), 0
        return len(text) > 0

    def next_line(self) -> bytes | None:
        """The next line that is not empty, without the blanks around it; its number is ``last``.
        None at the end.
        """
        while line := self._take():
            if line.strip():
                return line.strip()
        self.last = self.line
        return None

    def back(self) -> None:
        """Make the line that ``next_line`` gave the next one again."""
        self.at, self.line = self._before, self.last

    def skip_to_data(self) -> None:
        """Skip to the line after ``\\data\\``; a limited amount of any text may stand before it."""
        before: list[bytes] = []
        passed = 0
        while passed < _LONGEST_LINE and (line := self._take()):
            passed += len(line)
            if line.strip().removeprefix(b"\xef\xbb\xbf") == b"\\data\\":
                self._is_arpa, self.preamble = True, b"".join(before)
                return
            before.append(line)
            if line.startswith(_KENLM_BINARY):
                raise FolderError(f"{self.path} is a binary file of KenLM; give the ARPA file that it was built from")
        raise self._no_arpa()

    def _take(self) -> bytes:
        if self.at == len(self.block) and not self.fill():
            return b""
        self._before, self.last = self.at, self.line
        end = self._text.index(b"\n", self.at) + 1
        line = self._text[self.at : end]
        self.at, self.line = end, self.line + 1
        return line

    def _read(self) -> bytes:
        try:
            part = self._opened.read(_BLOCK)
            told = self._file.tell()
        except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
            # The gzip and bz2 modules report damage as an OSError without an errno.
            if not isinstance(error, OSError) or error.errno is None:
                where = f" after line {self.line - 1}" if self.line > 1 else ""
                raise FolderError(
                    f"{self.path}: the {self._packing} data is damaged or cut off{where} ({error}); copy it again"
                ) from error
            raise FolderError(f"cannot read {self.path}: {error.strerror}; copy it again") from error
        self._advance(told - self._told)
        self._told = told
        self._digest.update(part)
        return part

    def _no_arpa(self) -> FolderError:
        return FolderError(
            f"{self.path} is not an ARPA file (it has no \\data\\ line); give the folder that `elman train --out` "
            "wrote, or an ARPA file, plain or compressed (gzip, bzip2, xz)"
        )


def shown(field: str | bytes | None) -> str:
    """Text of an untrusted file, fit for the single line of an error.

    >>> print(shown(b"ngram 1=2"), shown(bytes([99, 233])), shown(None))
    'ngram 1=2' b'c\\xe9' the end of the file
    """
    if field is None:
        return "the end of the file"
    short = field[:60]
    if isinstance(short, bytes):
        with suppress(UnicodeDecodeError):  # else it is shown as bytes
            short = short.decode()
    return repr(short) + ("..." if len(field) > 60 else "")
