"""Commands as forks of this process, which has its modules loaded, with a fault in them."""

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.faults.taps import Fault, install

_LONGEST = 300.0
"""Seconds after which a command hangs; on a busy machine some take a minute."""


class Ended(NamedTuple):
    """How a command ended."""

    code: int | None
    """Its exit code, negative for a signal; None if it had to be stopped."""
    said: str
    """What it wrote to stderr."""
    operations: int

    @property
    def mistake(self) -> str | None:
        """What is wrong with the way in which it ended, if anything is: it may succeed, or fail
        with one line."""
        lines = [line for line in self.said.splitlines() if line.startswith("elman: ")]
        if self.code is None:
            return "it hangs"
        if "Traceback" in self.said or self.code not in (0, 2, 130, -signal.SIGKILL, -signal.SIGTERM):
            return f"it ended with {self.code}: {self.said[-600:]}"
        if self.code in (2, 130) and (len(lines) != 1 or not self.said.rstrip().endswith(lines[0])):
            return f"{len(lines)} lines say what is wrong: {self.said[-600:]}"
        return None


def run(
    *words: object,
    fault: Fault | None = None,
    before: Callable[[], object] = lambda: None,
    until: Callable[[float], bool] = lambda seconds: False,
    by: signal.Signals = signal.SIGKILL,
) -> Ended:
    """``elman`` with these words.

    Args:
        before: what the new process does first, such as to limit its memory.
        until: whether it gets a signal, after so many seconds.
    """
    talk, counted = (tempfile.TemporaryFile() for _ in range(2))
    sys.stdout.flush()
    process = os.fork()
    if not process:
        _command([str(word) for word in words], talk.fileno(), counted.fileno(), fault, before)
    code, begin, signalled = None, time.monotonic(), False
    while code is None and time.monotonic() - begin < _LONGEST:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
        elif not signalled and until(time.monotonic() - begin):
            os.kill(process, by)
            signalled = True
        else:
            time.sleep(0.002)
    if code is None:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    with talk, counted:
        talk.seek(0)
        counted.seek(0)
        return Ended(code, talk.read().decode(errors="replace"), int(counted.read() or b"0"))


def _command(words: list[str], talk: int, counted: int, fault: Fault | None, before: Callable[[], object]) -> None:
    """Never returns."""
    code, count, write = 1, lambda: 0, os.write
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(talk, 2)
        sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
        from elman.cli.main import main

        before()
        count = install(fault)
        main(words)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stderr.flush()
            write(counted, str(count()).encode())
        finally:
            os._exit(code)


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a model folder that are the same in every training of the same data, or a single
    file."""
    if folder.is_file():
        return {"": folder.read_bytes()}
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != "model_card.json" and ".png" not in path.name
    }
