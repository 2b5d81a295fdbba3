"""Writing so that nothing is ever half-written: temporary name, fsync, rename; or one line at the
end.

A full disk or a folder that may not be written becomes one StorageError, and the old file stays.
"""

import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from elman.errors import StorageError
from elman.system.machine import cache_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "your disk quota is used up; free some space or choose another folder",
    errno.EFBIG: "the file would be larger than allowed here; choose another folder",
    errno.EACCES: "you may not write there; choose another folder",
    errno.EPERM: "you may not write there; choose another folder",
    errno.EROFS: "that disk is read-only; choose another folder",
    errno.ENOTDIR: "part of that path is a file, not a folder; choose another folder",
    errno.ENAMETOOLONG: "that name is too long; choose a shorter one",
}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write at ``path`` into one clear StorageError."""
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"{error.strerror or error}; choose another folder")
        if path.is_relative_to(cache_folder()):
            reason = reason.replace("choose another", "set ELMAN_CACHE to another") + "; this one is elman's cache"
        raise StorageError(f"cannot write {path}: {reason}") from error


def write_atomic(path: Path, data: bytes | Iterable[Any], *, mode: int = 0o644) -> None:
    """Write a whole file or leave the old one as it was; ``data`` may come in parts (bytes, or
    arrays of them).

    Args:
        mode: the permissions of a new file; a file that is replaced keeps its own.

    Raises:
        StorageError: the disk is full or the folder not writable.
    """
    with storage_errors(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                for part in [data] if isinstance(data, bytes) else data:
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileNotFoundError):
                mode = stat.S_IMODE(os.stat(path).st_mode) & 0o777
            os.chmod(name, mode)
            os.replace(name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise
        sync_folder(path.parent)


def allocate(file: BinaryIO, size: int) -> None:
    """Let a new file take up its space on disk before it is mapped.

    A page of a mapped file for which the disk has no space crashes the process when it is first
    used.

    >>> with tempfile.TemporaryFile() as file:
    ...     allocate(file, 100)
    ...     os.fstat(file.fileno()).st_size
    100
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    for done in range(0, size, 1 << 20):
        file.write(bytes(min(1 << 20, size - done)))
    file.flush()


def write_array(file: BinaryIO, array: "NDArray[Any]") -> None:
    """Write the numbers of a contiguous array to an open file.

    ``ndarray.tofile`` raises no error when a full disk loses some of them; a file object raises
    one.

    Raises:
        OSError: the disk is full.
    """
    file.write(array.data)


def is_temporary(path: Path) -> bool:
    """Whether a file is one of ``write_atomic`` that has no name yet.

    >>> is_temporary(Path(".config.json.k3_x0a9q")), is_temporary(Path(".gitignore"))
    (True, False)
    """
    return re.fullmatch(r"\..+\.[a-z0-9_]{8}", path.name) is not None


def sync_folder(folder: Path) -> None:
    """Make renames in a folder safe from a power cut, where the system and the disk can."""
    # A rename is only safe from a power cut once the folder itself is on disk; Windows has no such
    # call.
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with suppress(OSError):  # some network disks refuse; the rename itself has succeeded
                os.fsync(handle)
        finally:
            os.close(handle)


def append_line(path: Path, line: bytes) -> None:
    """Add a line to the end of a file, whole or not at all; make the file if there is none.

    A last line without its line end gets one first. Calls for one path must not overlap.

    Args:
        line: with its line end.

    Raises:
        StorageError: the disk is full, or the file not writable or no plain file.
    """
    assert line.endswith(b"\n") and line.count(b"\n") == 1, line
    with storage_errors(path):
        if path.exists() and not path.is_file():
            raise StorageError(f"{path} is no plain file; choose another one")
        with open(path, "ab+", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                line = line if file.read(1) == b"\n" else b"\n" + line
            try:
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(size)
                raise
