"""Small trainings of every task and small exports, as the command line gets them."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tests.contracts.task_samples import SUBJECTS, sentences

from elman.tasks.registry import TASKS

_COUNTED = {
    "ngram": ("--model", "ngram", "--order", "3"),
    "ngram on disk": ("--model", "ngram", "--order", "3", "--level", "char", "--max-ram", "32M"),
    "glove on disk": (
        "--task", "vectors", "--model", "glove", "--max-ram", "40M", "--min-count", "1", "--dimensions", "4",
        "--document", "line", "--threads", "1", "--epochs", "3",
    ),
}  # fmt: skip
_EXPORTS = {
    "arpa": ("ngram", "model.arpa"), "arpa.gz": ("ngram", "model.arpa.gz"), "html": ("language", "model.html"),
    "onnx": ("language", "model"), "folder": ("ngram", "model"), "word2vec-binary": ("vectors", "model.bin"),
    "glove": ("vectors", "model.txt"),
}  # fmt: skip


class Job(NamedTuple):
    """Something that writes to ``--out``."""

    name: str
    words: tuple[str, ...]
    out: str
    """The name of what it writes."""

    def command(self, folder: Path) -> tuple[str, ...]:
        """The command that writes into a folder."""
        return (*self.words, "--out", str(folder / self.out))

    @property
    def trains(self) -> bool:
        return self.words[0] == "train"


def trainings(data: Path, only: Collection[str] = ()) -> list[Job]:
    """A training of every task, or of some, on data that is written into a folder."""
    words = {task: _flags(SUBJECTS[task].settings | {"task": task, "threads": 1}) for task in TASKS} | _COUNTED
    jobs = []
    for name in only or words:
        file = data / f"{name.split()[0]}.{'csv' if name in TASKS and name not in ('language', 'vectors') else 'txt'}"
        if "on disk" in name:
            _long_text(file)
        else:
            (SUBJECTS[name].write if name in TASKS else sentences)(file, 1)
        jobs.append(Job(name, ("train", str(file), *words[name]), "model"))
    return jobs


def _flags(settings: Mapping[str, Any]) -> tuple[str, ...]:
    words: list[str] = []
    for name, value in settings.items():
        flag = name.replace("_", "-")
        words += [f"--{'' if value else 'no-'}{flag}"] if isinstance(value, bool) else [f"--{flag}", str(value)]
    return tuple(words)


def _long_text(file: Path) -> None:
    rows = np.random.default_rng(1).integers(0, 1000, (5000, 12)).tolist()
    file.write_text("".join(" ".join(f"w{word}" for word in row) + "\n" for row in rows))


def exports(models: Mapping[str, Path]) -> list[Job]:
    """An export to every format, of models by the name of their training."""
    return [
        Job(f"export to {name}", ("export", str(models[model]), "--to", name.removesuffix(".gz")), out)
        for name, (model, out) in _EXPORTS.items()
        if model in models
    ]
