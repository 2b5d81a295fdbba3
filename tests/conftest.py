"""What many tests share: a private cache, a tiny text, and one model of each kind trained on it."""

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Before elman is imported anywhere: tests never touch the user's cache.
os.environ["ELMAN_CACHE"] = tempfile.mkdtemp(prefix="elman-tests-")
os.environ.setdefault("MPLBACKEND", "Agg")
# Some tests import onnxruntime by themselves; it would keep a device id in the user's cache.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# Two threads that wait for each other are slower than one on networks this small.
os.environ.setdefault("OMP_NUM_THREADS", "1")

NAMES = ("Anna", "Ben", "Clara", "David", "Emma")
VERBS = ("sees", "hears", "likes", "follows", "paints")
THINGS = ("the old house", "a small bird", "the green river", "a tall tree", "the quiet town")
PLACES = ("in the morning", "after lunch", "on Sunday", "at night", "before dinner")


def tiny_text(lines: int, seed: int) -> str:
    """Sentences of a small grammar, one a line, a document every twelve lines."""
    rng = random.Random(seed)
    made = []
    for number in range(lines):
        words = [rng.choice(part) for part in (NAMES, VERBS, THINGS, PLACES)]
        made.append(" ".join(words) + "." + ("\n" if number % 12 == 11 else ""))
    return "\n".join(made) + "\n"


@pytest.fixture(scope="session")
def text_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text of 600 lines in 50 blocks."""
    path = tmp_path_factory.mktemp("text") / "tiny.txt"
    path.write_text(tiny_text(600, seed=1), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def lstm_folder(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small LSTM that has learned the tiny text."""
    import elman

    folder = tmp_path_factory.mktemp("models") / "lstm"
    elman.train(
        text_file, out=folder, updates=500, embedding_size=24, hidden_size=32, tied=False, batch=8, bptt=12,
        rate=0.02, dropout=0.0, input_dropout=0.0, threads=1,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def ngram_folder(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 3-gram of the tiny text."""
    import elman

    folder = tmp_path_factory.mktemp("models") / "ngram"
    elman.train(text_file, out=folder, model="ngram", order=3)
    return folder


class Result:
    """What one call of the command line gave."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]):
    """Call the command line in this process: ``cli("info", folder)``."""
    from elman.cli.main import main

    def call(*words: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(word) for word in words])
        shown = capsys.readouterr()
        return Result(int(stopped.value.code or 0), shown.out, shown.err)

    return call


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium, without a window (playwright's Browser).

    Of a module, not of the session: while it is open, its thread has a running event loop.
    """
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()
