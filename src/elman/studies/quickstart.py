"""Quickstart: three models trained in two minutes on a text that ships with Python, and a
recommendation.
"""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from elman import api
from elman.data.preprocessing import DataConfig, prepare_data
from elman.errors import FolderError
from elman.evaluation.language import evaluate_text
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.system.machine import cache_folder

SOURCE = "builtin:pydocs"
PROMPTS = (
    "Return the",
    "If the file does not",
    "This function is",
    "The value of the",
    "Raises an exception if the",
)
OPENING = "This method"
CONTEXT = "document"
PARTS = ("ngram", "lstm", "mixture")


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    bits_per_byte: float
    perplexity: float
    oov_rate: float
    parameters: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Quickstart:
    """The results."""

    folder: Path
    rows: list[Row]
    best: str
    why: str
    completions: list[tuple[str, list[tuple[str, float]]]]
    passage: str
    weights: list[float]
    data_hash: str
    signature: str


def quickstart(folder: Path, *, minutes: float, progress: Progress, seed: int = 1) -> Quickstart:
    """Train missing models, compare them on the held-out test text, and complete a few sentences.

    Args:
        folder: gets the model folders ``ngram``, ``lstm`` and ``mixture``; what exists is reused,
            an interrupted network is resumed.
        minutes: how long the network trains.
    """
    corpus = prepare_data([SOURCE], config=DataConfig(), cache=cache_folder(), progress=progress).corpus
    assert corpus.valid is not None and corpus.test is not None
    check_folder(folder, corpus_hash=corpus.hash)
    counted = _ready(folder / "ngram", progress, model="ngram")
    trained = _ready(folder / "lstm", progress, model="lstm", minutes=minutes, seed=seed, rival=False)
    mixed = api.mix([counted, trained], corpus.valid, context=CONTEXT, progress=progress)
    shutil.rmtree(folder / "mixture", ignore_errors=True)
    mixed.save(folder / "mixture")
    figures = {
        "n-gram": counted.card["figures"]["test"],
        "LSTM": trained.card["figures"]["test"],
        "mixture": evaluate_text(mixed.lm, mixed.speller, corpus.test, context=CONTEXT, progress=progress),
    }
    models = {"n-gram": counted, "LSTM": trained, "mixture": mixed}
    seconds = {"n-gram": counted.card["seconds"], "LSTM": trained.card["seconds"]}
    seconds["mixture"] = sum(seconds.values())
    rows = [
        Row(
            name,
            figure["bits_per_byte"],
            figure["perplexity"],
            figure["oov_rate"],
            models[name].lm.describe()["parameters"],
            seconds[name],
        )
        for name, figure in figures.items()
    ]
    best = min(rows, key=lambda row: row.bits_per_byte).name
    model = models[best]
    return Quickstart(
        folder=folder,
        rows=rows,
        best=best,
        why=_why(rows),
        completions=[(prompt, model.complete(prompt, n=3).words) for prompt in PROMPTS],
        passage=OPENING + model.generate(OPENING, temperature=0.7, max_tokens=60, seed=seed),
        weights=[float(weight) for weight in mixed.lm.weights],  # type: ignore[attr-defined]
        data_hash=corpus.hash,
        signature=figures[best]["signature"],
    )


def _ready(folder: Path, progress: Progress, **options: Any) -> api.Model:
    """The model in a folder: finished, resumed, or trained now."""
    if model_folder.card_file(folder).exists():
        progress.say(f"reusing {folder}")
        return api.load(folder, task="language")
    if (folder / "training" / "checkpoint.safetensors").exists():
        progress.say(f"resuming {folder}")
        return api.resume(folder, progress=progress)
    shutil.rmtree(folder, ignore_errors=True)  # stopped before its first checkpoint
    return api.train(SOURCE, out=folder, progress=progress, **options)


def check_folder(folder: Path, *, corpus_hash: str | None = None) -> None:
    """Refuse a folder that quickstart did not write, or wrote for another text.

    Raises:
        FolderError: it holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is a file; give --out the name of a folder")
    for path in sorted(folder.iterdir()) if folder.exists() else []:
        if path.name not in PARTS or not path.is_dir():
            raise FolderError(f"{folder} holds {path.name!r}, which quickstart did not write; choose another --out")
        if path.name == "mixture":
            continue
        record = path / "training" / "plan.json"
        model_record = model_folder.read_json(record) if record.exists() else {}
        if (model_record.get("request") or {}).get("sources") != [SOURCE]:
            raise FolderError(
                f"{path} is not a model of {SOURCE}, so quickstart did not write it; choose another --out"
            )
        if corpus_hash is not None and model_record.get("corpus") != corpus_hash:
            raise FolderError(
                f"{path} is a model of the {SOURCE} of another Python; start over with: elman quickstart --fresh"
            )


def _why(rows: list[Row]) -> str:
    by_name = {row.name: row.bits_per_byte for row in rows}
    counted, trained, mixed = by_name["n-gram"], by_name["LSTM"], by_name["mixture"]
    alone = "the n-gram" if counted < trained else "the LSTM"
    gain = 100 * (1 - mixed / min(counted, trained))
    if counted < trained:
        reason = (
            "on so small a text and in so short a time, counting beats learning: the network would need more text, "
            "or more minutes, to pass it"
        )
    else:
        reason = "the network shares what it learns between words and looks back further than four words"
    if gain > 0:
        return (
            f"alone, {alone} wins: {reason}. Mixed they are {gain:.1f}% better than the better one, "
            "since they err differently."
        )
    return f"{alone} wins, and mixing adds nothing: {reason}."
