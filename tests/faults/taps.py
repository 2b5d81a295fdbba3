"""The file operations of a process, counted, so that the k-th can be its last or fail.

``install`` replaces functions of ``os`` and ``open``: files that are written go through Python's
own ``_pyio``, whose writes are calls of ``os.write``. What C code writes by itself (NumPy's
``tofile``) is seen when it takes up the file; pages of mapped files are not seen.
"""

import _pyio
import builtins
import errno
import io
import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any, NamedTuple

OPERATIONS = (
    "write", "fsync", "replace", "rename", "unlink", "remove", "mkdir", "rmdir", "open", "chmod", "truncate",
    "ftruncate", "dup", "sendfile", "copy_file_range", "posix_fallocate",
)  # fmt: skip
"""Functions of ``os`` that change what is on disk; ``open`` only where it makes a file."""
_TAKE_SPACE = {"write", "mkdir", "open", "dup", "sendfile", "copy_file_range", "posix_fallocate", "ftruncate"}


class Fault(NamedTuple):
    """What goes wrong, and when."""

    kind: str
    """``kill``: the process ends before operation ``at``; ``half``: when it is done, a write by
    half; ``full``: the disk is full from then on; ``io``: it fails with an input/output error;
    ``fsync``: every fsync from then on does; ``short``: every write takes a part only; ``clock``:
    the time jumps at each look."""
    at: int = 1


def install(fault: Fault | None) -> Callable[[], int]:
    """Tap this process; what is returned counts the operations so far."""
    done = 0

    def tapped(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal done
            if (name == "open" and not given[1] & os.O_CREAT) or (name == "write" and given[0] in (1, 2)):
                return real(*given, **named)
            done += 1
            kind, at = fault or Fault("count")
            if done == at and kind == "half":
                real(*_part(name, given), **named)
            if done == at and kind in ("kill", "half"):
                os.kill(os.getpid(), signal.SIGKILL)
            if done >= at and kind == "full" and name in _TAKE_SPACE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if (done == at and kind == "io") or (done >= at and kind == name == "fsync"):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(*(_part(name, given) if kind == "short" else given), **named)

        return call

    for name in OPERATIONS:
        if hasattr(os, name):
            setattr(os, name, tapped(name, getattr(os, name)))
    read = io.open

    def opened(file: Any, mode: str = "r", *given: Any, **named: Any) -> Any:
        return (_pyio.open if set(mode) & set("wax+") else read)(file, mode, *given, **named)

    import _io

    builtins.open = io.open = _io.open = opened
    if fault is not None and fault.kind == "clock":
        jump = random.Random(fault.at).randrange
        time.time = lambda: float(jump(0, 1 << 32))
        time.time_ns = lambda: jump(0, 1 << 62)
    return lambda: done


def _part(name: str, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments, for a write those of a part of its bytes."""
    if name != "write":
        return given
    data = memoryview(given[1]).cast("B")
    return given[0], data[: max(1, len(data) // 2)]
