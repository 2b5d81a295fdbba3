"""The command as a process of its own that begins with its modules loaded: a fork of one that has
torch and no work."""

import multiprocessing
import os
import signal
import tempfile
from pathlib import Path

_COMMAND = """
import os, sys
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
os.dup2(os.open({talk!r}, os.O_WRONLY), 2)
from elman.cli.main import main
main({words!r})
"""
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["elman.cli.main", "elman.models.neural", "elman.training.loop"])


class Forked:
    """``Forked("train", text, "--out", out)`` runs as ``elman train ...`` does; what it prints is
    not kept."""

    def __init__(self, *words: object) -> None:
        number, name = tempfile.mkstemp()
        os.close(number)
        self._talk = Path(name)
        code = _COMMAND.format(talk=name, words=[str(word) for word in words])
        self._process = _processes.Process(target=exec, args=(code,))
        self._process.start()

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def end(self, timeout: float = 120) -> tuple[int, str]:
        """Wait for its end; its code, negative for a signal, and what it said on stderr."""
        self._process.join(timeout)
        code = self._process.exitcode
        assert code is not None, "it has not ended"
        self._process.close()
        talk = self._talk.read_text(encoding="utf-8")
        self._talk.unlink()
        return code, talk
