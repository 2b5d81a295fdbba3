"""Every verb writes where it is told and into elman's cache, and calls no other machine.

Connections are read from ``strace``; where that is missing or not allowed, only the files are
checked.
"""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import elman

PACKAGE = Path(elman.__file__).parent
TESTS = Path(__file__).parents[2]
"""Where tests are imported from."""
FOLDERS = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "TMPDIR")
OWN = {*FOLDERS, "ELMAN_CACHE", "MPLCONFIGDIR", "ORT_DISABLE_TELEMETRY"}
"""What a user's environment does not hold, but for the folder of loops that are compiled
already."""
COMPILED = os.environ["NUMBA_CACHE_DIR"]
NETWORK = ("--embedding-size", "8", "--hidden-size", "8", "--batch", "8", "--bptt", "10", "--threads", "1")
SENTENCE = ("--sentence", "Anna sees the old house.")
TRACE = (
    "strace", "-f", "--seccomp-bpf", "-qq", "-e", "signal=none", "-e", "trace=connect,sendto,sendmsg,open,openat,creat"
)  # fmt: skip


@cache
def traced() -> bool:
    """Whether strace is here and may trace."""
    try:
        return subprocess.run([*TRACE, "true"], capture_output=True).returncode == 0
    except OSError:
        return False


def foreign_connections(trace: str) -> list[str]:
    """The lines of a trace in which something other than this machine is addressed.

    >>> foreign_connections('connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16)')
    []
    """
    found = []
    for line in trace.splitlines():
        family = re.search(r"sa_family=(\w+)", line)
        # A name server on this machine asks others.
        resolver = re.search(r"htons\(53\)|systemd/resolve", line)
        here = family is None or family[1] in ("AF_UNIX", "AF_UNSPEC", "AF_NETLINK")
        if resolver or not (here or re.search(r'inet_addr\("127\.|inet_pton\(AF_INET6, "::1"|"::ffff:127\.', line)):
            found.append(line)
    return found


def files_made(trace: str) -> set[Path]:
    """The files with absolute paths that a trace shows as created, those included that are gone
    again."""
    paths = re.findall(r'(?:open|openat|creat)\((?:AT_FDCWD, )?"(/[^"]*)"[^)]*O_CREAT[^)]*\) = \d', trace)
    return {Path(path) for path in paths}


class Place:
    """Empty folders for all that a program keeps for its user, and a working folder."""

    def __init__(self, root: Path) -> None:
        self.root, self.work = root, root / "work"
        self.cache = root / "XDG_CACHE_HOME" / "elman"
        self.trace = root / "trace"
        for name in (*FOLDERS, "work"):
            (root / name).mkdir(parents=True)
        self.environment = {name: value for name, value in os.environ.items() if name not in OWN}
        self.environment |= {name: str(root / name) for name in FOLDERS}
        self.environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))

    def start(self, *words: object, stdin: int | None = None) -> subprocess.Popen[str]:
        """A process of Python with these arguments."""
        tracer = [*TRACE, "-o", str(self.trace)] if traced() else []
        return subprocess.Popen(
            [*tracer, sys.executable, *map(str, words)], cwd=self.work, env=self.environment, stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def check(self) -> None:
        """Fail if a file lies, or was ever made, elsewhere than allowed, or if someone else was
        called."""
        made = {path for name in FOLDERS for path in (self.root / name).rglob("*") if path.is_file()}
        trace = self.trace.read_text(errors="replace") if self.trace.exists() else ""
        for path in files_made(trace) | made:
            # What has no name for long, in TMPDIR, is no trace left behind.
            brief = path.is_relative_to(self.root / "TMPDIR") and not path.exists()
            own = any(path.is_relative_to(folder) for folder in (self.cache, self.work, COMPILED, "/dev"))
            assert brief or own or path.parent.name == "__pycache__", f"{path} was written"
        assert foreign_connections(trace) == []


VERBS = """
import contextlib, io, json, os, signal, sys
import elman.serve.app, elman.storage.language, torch
from elman.cli.main import main
from tests.in_process import train_here
import elman.studies.compare_training
# A comparison's worker only trains, as `elman train` does, which is a verb of its own.
elman.studies.compare_training._run = train_here

def run(words):
    try:
        main(words)
    except SystemExit as stopped:
        return stopped.code

served, *words = json.loads(sys.stdin.readline())
server = os.fork()
if not server:
    os.dup2(os.open(served, os.O_WRONLY | os.O_CREAT, 0o666), 1)
    os.close(0)
    os._exit(run(words) or 0)
for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as talk:
        code = run(json.loads(line))
    print(json.dumps([code, talk.getvalue()]), flush=True)
os.kill(server, signal.SIGTERM)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(server, 0)[1]))
"""
"""A program that serves beside itself, as the first line of its input tells it, and runs a verb for
each other line. What all of them need is loaded once."""


@pytest.fixture(scope="session")
def run_verb(tmp_path_factory: pytest.TempPathFactory, lstm_folder: Path, ngram_folder: Path) -> Iterator[Any]:
    """Runs a verb in a process that is checked after every verb, and after its end.

    Beside it `elman serve` runs while other tests do, and for twelve seconds at least: some
    libraries wait before they call. It is asked and ended when all tests are over: nobody waits for
    the twelve seconds.
    """
    place, begin = Place(tmp_path_factory.mktemp("silent")), time.monotonic()
    process = place.start("-c", VERBS, stdin=subprocess.PIPE)
    served = place.work / "served.json"

    def tell(*words: object) -> None:
        process.stdin.write(json.dumps([str(word) for word in words]) + "\n")
        process.stdin.flush()

    def run(*words: object) -> None:
        tell(*words)
        answer = process.stdout.readline()
        assert answer, process.communicate(timeout=30)[1]
        code, talk = json.loads(answer)
        assert not code, talk
        place.check()

    tell(served, "serve", lstm_folder, ngram_folder, "--port", "0", "--json")
    yield run
    time.sleep(max(0.0, begin + 12 - time.monotonic()))
    while not (served.exists() and served.read_text().endswith("\n")):
        assert time.monotonic() < begin + 120, "it does not serve"
        time.sleep(0.005)
    port = int(json.loads(served.read_text().splitlines()[0])["url"].rpartition(":")[2])
    for name in ("lstm", "ngram"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        body = json.dumps({"prompt": "Anna sees", "model": name})
        connection.request("POST", "/v1/complete", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        connection.close()
    _, talk = process.communicate(timeout=30)
    assert process.returncode == 0, talk
    place.check()


# quickstart is left out: its text has a fixed size, which takes half a minute, and all it does is
# train, mix, evaluate, complete and generate.
@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("train", "TEXT", "--out", "ngram", "--model", "ngram", "--order", "3"),
        ("train", "TEXT", "--out", "lstm", "--updates", "10", *NETWORK),
        ("evaluate", "LSTM", "TEXT", "--mix", "NGRAM", "--tune", "TEXT", "--cache"),
        ("mix", "LSTM", "NGRAM", "--out", "mixed"),
        ("score", "LSTM", "TEXT"),
        ("complete", "LSTM", "Anna sees"),
        ("complete", "NGRAM", "Anna sees"),
        ("generate", "LSTM", "Anna sees"),
        ("info", "LSTM"),
        ("verify", "LSTM", "--canary", "Anna sees {digits:2}=42"),
        ("compare", "TEXT", "--out", "compared", "--models", "rnn", "--epochs", "1", "--parameters", "3000"),
        ("xray", "LSTM", "TEXT", "--lags", "12", "--positions", "4", *SENTENCE),
        ("xray", "NGRAM", "TEXT", "--lags", "4", "--positions", "4", "--out", "xrayed"),
        ("explain", "lstm", "--out", "lstm.svg"),
        ("explain", "lstm", "--model", "LSTM", *SENTENCE),
        ("export", "NGRAM", "--to", "arpa", "--out", "ngram.arpa"),
        ("export", "LSTM", "--to", "onnx", "--out", "onnx"),
        ("export", "LSTM", "--to", "folder", "--out", "folder"),
        ("export", "LSTM", "--to", "html", "--out", "page.html"),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_a_verb_is_silent(
    words: tuple[str, ...], run_verb: Callable[..., None], text_file: Path, lstm_folder: Path, ngram_folder: Path
) -> None:
    names = {"TEXT": text_file, "LSTM": lstm_folder, "NGRAM": ngram_folder}
    run_verb(*(names.get(word, word) for word in words))


CALL = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', {port}))"
LOOPBACK = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', {port}))"
WRITE = "import pathlib, os; p = pathlib.Path(os.environ['{folder}'], 'id'); p.write_text('1'); {then}"


@pytest.mark.parametrize(
    ("code", "needs_trace"),
    [
        (CALL.format(port=443), True),
        (LOOPBACK.format(port=53), True),
        (WRITE.format(folder="HOME", then="p.unlink()"), True),
        (WRITE.format(folder="HOME", then=""), False),
        (WRITE.format(folder="TMPDIR", then=""), False),
    ],
)
def test_the_check_bites(code: str, needs_trace: bool, tmp_path: Path) -> None:
    if needs_trace and not traced():
        pytest.skip("no strace on this machine: apt-get install strace")
    place = Place(tmp_path / "place")
    process = place.start("-c", code)
    _, talk = process.communicate(timeout=30)
    assert process.returncode == 0, talk  # connecting a UDP socket sends nothing
    with pytest.raises(AssertionError):
        place.check()


def test_the_check_lets_pass_what_is_allowed(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    brief = WRITE.format(folder="TMPDIR", then="p.unlink()")
    process = place.start("-c", f"{LOOPBACK.format(port=1990)}\n{brief}\nopen('out.txt', 'w').close()")
    _, talk = process.communicate(timeout=30)
    assert process.returncode == 0, talk
    place.check()


@pytest.mark.slow
def test_loops_are_kept_beside_their_source(tmp_path: Path) -> None:
    place = Place(tmp_path / "place")
    del place.environment["NUMBA_CACHE_DIR"]
    code = (
        "import numpy as np; from elman.models.ngram.kernels import ones_in\n"
        "print(ones_in(np.uint64(7)), ones_in._cache.cache_path)"
    )
    shown, talk = place.start("-c", code).communicate(timeout=60)
    assert shown.split() == ["3", str(PACKAGE / "models" / "ngram" / "__pycache__")], talk
    place.check()


def test_kernels_of_a_package_that_may_not_be_written_are_kept_in_the_cache(
    cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # so that it is put back in the end
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).is_relative_to(PACKAGE))
    assert cli("--version").code == 0
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "numba")
