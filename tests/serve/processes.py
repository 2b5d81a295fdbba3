"""The command `elman serve` as a process of its own: begun from nothing, or a fork of one that has
its modules loaded."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

_LOADED = """
import json, os, sys
import elman.api, elman.serve.app, elman.serve.server
from elman.cli.main import main

for line in sys.stdin:
    order = json.loads(line)
    if pid := order.get("ended"):
        found, status = os.waitpid(pid, os.WNOHANG)
        print(json.dumps(os.waitstatus_to_exitcode(status) if found else None), flush=True)
    elif pid := os.fork():
        print(pid, flush=True)
    else:
        os.chdir(order["folder"])
        os.environ.update(order["env"])
        for number, name in enumerate(order["files"]):
            os.dup2(os.open(name, os.O_RDWR), number)
        main(order["words"])
"""


class Loaded:
    """A process without threads that has all modules loaded and forks."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", _LOADED]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **order: Any) -> Any:
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        self._process.kill()  # there is nothing for it to finish
        self._process.communicate()


class Process:
    """`elman serve`, answering.

    Args:
        loaded: forks it; otherwise it begins from nothing.
    """

    def __init__(self, folder: Path, *words: str, key: str | None = None, loaded: Loaded | None = None) -> None:
        words = ("serve", *words, "--port", "0", "--json")
        env = {"ELMAN_API_KEY": key} if key else {}
        place = folder / f"said-{time.monotonic_ns()}"
        place.mkdir()
        out, self._talk = place / "out", place / "talk"
        out.touch()
        self._talk.touch()
        self._loaded = loaded
        if loaded is None:
            with out.open("w") as shown, self._talk.open("w") as talk:
                command = [sys.executable, "-m", "elman", *words]
                self._popen = subprocess.Popen(
                    command, cwd=folder, stdin=subprocess.DEVNULL, stdout=shown, stderr=talk, env={**os.environ, **env}
                )
            self._pid = self._popen.pid
        else:
            files = [os.devnull, str(out), str(self._talk)]
            self._pid = loaded.ask(words=words, folder=str(folder), env=env, files=files)
        self._code: int | None = None
        until(lambda: out.read_text().endswith("\n") or self._ended())
        assert self._code is None, self._talk.read_text()
        self.told = json.loads(out.read_text())
        self.port = int(self.told["url"].rpartition(":")[2])

    def _ended(self) -> bool:
        if self._code is None:
            self._code = self._popen.poll() if self._loaded is None else self._loaded.ask(ended=self._pid)
        return self._code is not None

    def runs(self) -> bool:
        return not self._ended()

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self._pid, number)

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        connection = self.connect()
        data = None if body is None else json.dumps(body)
        method = "GET" if body is None else "POST"
        connection.request(method, path, data, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found

    def stop(self) -> tuple[int, str]:
        """Its exit code and what it said."""
        if self.runs():
            self.send_signal(signal.SIGTERM)
        until(self._ended)
        assert self._code is not None
        return self._code, self._talk.read_text(encoding="utf-8")


def until(true: Any) -> None:
    """Wait for something to happen."""
    begin = time.monotonic()
    while not true():
        assert time.monotonic() - begin < 30, "it did not happen"
        time.sleep(0.005)
