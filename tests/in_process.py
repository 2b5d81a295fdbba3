"""Commands and code of pages, run in this process (torch is loaded once) and with small budgets."""

import contextlib
import io
import re
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from elman.data.level_choice import level_of_text
from elman.text.splitting import Level

if TYPE_CHECKING:
    from elman.progress import Progress
    from elman.studies.compare_training import TrainingJob
    from elman.text.store import Text

SHORT = [
    (r"factorise builtin:pydocs", "factorise shorter.txt"),
    (r"builtin:pydocs", "short.txt"),
    (r"--updates \d+", "--updates 2"),
    (r"--minutes [\d.]+", "--minutes 0.01"),
    (r"--batch \d+", "--batch 4"),
    (r"--hidden-size \d+", "--hidden-size 12"),
    (r"--embedding-size \d+", "--embedding-size 8"),
    (r"--lags 5,10,20,40", "--lags 3,5"),
    (r"--models ngram,rnn,gru,lstm", "--models gru"),
    (r"in 5000 2000 500", "in 500"),
    (r"stories.py 4000", "stories.py 200"),
    (r"sentences 1000", "sentences 150"),
    (r"lists 3000", "lists 200"),
    (r"lists 200 2", "lists 20 2"),
    (r"--epochs 4\b", "--epochs 1"),
    (r"--model gru --epochs 20\b", "--model gru --epochs 0.1"),
    (r"(far_country.py \S+) \d+", r"\1 2"),
    (r"--epochs 3\b", "--epochs 0.1"),
]
"""What makes every command of README.md and of the tour short; nothing else of it is changed."""


def short(commands: str) -> str:
    for pattern, smaller in SHORT:
        commands = re.sub(pattern, smaller, commands)
    return commands


def train_here(job: "TrainingJob", *, head: str, progress: "Progress") -> None:
    """What a comparison's worker does, without a process of its own."""
    from elman.studies.compare_worker import train_one

    train_one(job.request, progress=progress)


_LEVELS: dict[tuple[str, bool], Level] = {}


def level_once(text: "Text", *, lowercase: bool = False, progress: "Progress | None" = None) -> Level:
    """``level_of_text``, once for each text: it takes half of a training this short."""
    key = text.sha256, lowercase
    if key not in _LEVELS:
        _LEVELS[key] = level_of_text(text, lowercase=lowercase, progress=progress)
    return _LEVELS[key]


def run_here(words: list[str], folder: Path, given: str = "") -> str:
    """What ``elman ...`` or ``python FILE ...`` prints, run in a folder with ``given`` as its
    standard input."""
    from elman.cli.main import main

    shown = io.StringIO()
    with (
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode()))),
        contextlib.chdir(folder),
        contextlib.redirect_stdout(shown),
        contextlib.redirect_stderr(io.StringIO()) as talk,
        patch("elman.studies.compare_training._run", train_here),
        patch("elman.data.preprocessing.level_of_text", level_once),
    ):
        if words[0] == "elman":
            with pytest.raises(SystemExit) as stopped:
                main(words[1:])
            assert not stopped.value.code, f"{words}\n{talk.getvalue()}"
        else:
            with patch.object(sys, "argv", words[1:]):
                runpy.run_path(words[1], run_name="__main__")
    return shown.getvalue()


def run_code(code: str, folder: Path) -> str:
    """What a block of Python prints, run in a folder."""
    shown = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(shown), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(code, "<page>", "exec"), {"__name__": "__main__"})
    return shown.getvalue()
