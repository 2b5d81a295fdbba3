"""Files elsewhere, such as ``s3://bucket/text.txt.gz``, through fsspec and its packages for each
kind of place."""

import io
import re
from typing import Any, BinaryIO

from elman.errors import MissingExtra, TextError

_ADDRESS = re.compile("[a-z][a-z0-9+]*://")
_EXTRA = "pip install 'elman[remote]'"


def is_address(name: str) -> bool:
    """Whether a name is an address and not a path.

    >>> is_address("s3://bucket/text.txt"), is_address("builtin:pydocs"), is_address("C:/text.txt")
    (True, False, False)
    """
    return _ADDRESS.match(name) is not None


def find_addresses(given: str) -> list[str]:
    """The address of one file, or of all that match a pattern, sorted.

    Raises:
        TextError: there is none, or the place does not answer.
        MissingExtra: a package for this place is not installed.
    """
    files, path = _place(given)
    scheme = given[: given.index("://") + 3]
    try:
        names = sorted(files.glob(path)) if "*" in path else [path]
        found = [name for name in names if files.isfile(name)]
    except Exception as error:  # each place has errors of its own
        raise _unreachable(given, error) from error
    if not found:
        raise TextError(f"{given}: no file is there; give the address of a file, or a pattern with *")
    return [given] if found == [path] else [scheme + name.removeprefix(scheme).lstrip("/") for name in found]


def open_address(address: str) -> BinaryIO:
    """Open a file elsewhere for reading, as bytes.

    Raises:
        TextError: it cannot be opened; reading raises it too.
        MissingExtra: a package for this place is not installed.
    """
    files, path = _place(address)
    try:
        return io.BufferedReader(_Reading(files.open(path, "rb"), address), 1 << 20)
    except Exception as error:
        raise _unreachable(address, error) from error


class _Reading(io.RawIOBase):
    """Turns what goes wrong while reading into an error of elman."""

    def __init__(self, file: Any, address: str) -> None:
        self._file, self._address = file, address

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._file.read(len(buffer))
        except Exception as error:
            raise _unreachable(self._address, error) from error
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def _place(address: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingExtra(f"{address}: files elsewhere need fsspec; run: {_EXTRA}, or download it first") from error
    try:
        return url_to_fs(address)
    except ImportError as error:
        raise MissingExtra(f"{address}: {str(error).splitlines()[0]}; run: {_EXTRA}, or download it first") from error
    except Exception as error:
        raise _unreachable(address, error) from error


def _unreachable(address: str, error: Exception) -> TextError:
    said = (str(error) or type(error).__name__).splitlines()[0][:200]
    return TextError(f"{address}: cannot be read ({said}); check address and access, or download it first")
