"""The command as a process of its own that begins with its modules loaded: a fork of one that has
torch and no work."""

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_COMMAND = """
import os, sys
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
os.dup2(os.open({talk!r}, os.O_WRONLY), 2)
os.environ |= {variables!r}
from elman.cli.main import main
main({words!r})
"""
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([
    "elman.cli.train", "elman.inference.compiler", "elman.models.neural", "elman.tasks.language.exports",
    "elman.tasks.language.job", "elman.training.loop", "matplotlib.backends.backend_agg", "matplotlib.figure",
])  # fmt: skip


class Forked:
    """``Forked("train", text, "--out", out)`` runs as ``elman train ...`` does; what it prints is
    not kept."""

    def __init__(self, *words: object, variables: Mapping[str, str] = MappingProxyType({})) -> None:
        """``variables`` are added to its environment."""
        number, name = tempfile.mkstemp()
        os.close(number)
        self._talk = Path(name)
        code = _COMMAND.format(talk=name, words=[str(word) for word in words], variables=dict(variables))
        self._process = _processes.Process(target=exec, args=(code,))
        self._process.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def said(self) -> str:
        """What it has said on stderr so far."""
        return self._talk.read_text(encoding="utf-8")

    def end(self, timeout: float = 120) -> tuple[int, str]:
        """Wait for its end; its code, negative for a signal, and what it said on stderr."""
        self._process.join(timeout)
        code = self._process.exitcode
        assert code is not None, "it has not ended"
        self._process.close()
        talk = self.said()
        self._talk.unlink()
        return code, talk
