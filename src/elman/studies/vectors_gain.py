"""What word vectors bring as first embeddings: the same model trained with and without them, on
more and more text, over several seeds.
"""

import dataclasses
import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman import api
from elman.data.examples import Example, ExamplesConfig, read_examples
from elman.errors import FolderError, UsageError
from elman.metrics.text_intervals import t_interval
from elman.progress import Progress
from elman.system.files import storage_errors, write_atomic
from elman.text.corpus import read_lines
from elman.training.lock import alone

FIGURES = {"language": "perplexity", "classify": "accuracy"}
"""The figure that each task is judged by, on the test text."""
_RESULTS = "vectors.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class VectorsPlan:
    """What is trained."""

    sources: tuple[str, ...]
    vectors: tuple[str, ...]
    """Folders or files of word vectors."""
    amounts: tuple[int, ...]
    """Words of training text, as far as the sources reach."""
    valid: tuple[str, ...]
    test: tuple[str, ...]
    task: str = "language"
    epochs: float = 10
    seeds: int = 3
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.task not in FIGURES:
            raise UsageError(f"--task is {self.task!r}; of --vectors it must be {' or '.join(FIGURES)}")
        if not self.valid or not self.test:
            raise UsageError("--vectors judges all amounts on the same texts; give --valid FILE and --test FILE")
        if not self.amounts or min(self.amounts) < 100:
            raise UsageError("--amounts are words of training text, at least 100 each: try --amounts 1000,10000")
        if len(set(self.vectors)) < len(self.vectors) or len(set(self.amounts)) < len(self.amounts):
            raise UsageError("--vectors or --amounts names one twice; name each once")
        if not 1 <= self.seeds <= 10:
            raise UsageError(f"--seeds is {self.seeds}; it must be 1 to 10")
        if not 0 < self.epochs <= 1e6:
            raise UsageError(f"--epochs is {self.epochs:g}; it must be above 0: try --epochs 10")


def compare_vectors(plan: VectorsPlan, folder: Path, *, progress: Progress) -> dict[str, Any]:
    """Train everything, and return all figures; finished trainings in ``folder`` are not repeated.

    Returns:
        ``plan``, ``figure``, and ``rows``: for each amount and each of no vectors and the vectors,
        the figure of each seed, their mean, and the mean difference from no vectors with its 95%
        interval (Student's t over pairs of equal seeds; none with one seed).

    Raises:
        FolderError: the folder holds another comparison.
        ElmanError: what is wrong with texts or vectors.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        asked, file = json.loads(json.dumps(dataclasses.asdict(plan))), folder / _RESULTS
        kept = _kept(file, asked)
        taken = dict(zip(plan.amounts, _texts(plan, folder, progress), strict=True))
        runs = [
            (amount, vectors, seed)
            for amount in plan.amounts
            for seed in range(1, plan.seeds + 1)
            # With vectors first: their size is that of the embeddings without them.
            for vectors in (*plan.vectors, None)
        ]
        for place, (amount, vectors, seed) in enumerate(runs):
            key = f"{amount}|{vectors}|{seed}"
            if key in kept:
                continue
            head = "no vectors" if vectors is None else Path(vectors).name
            progress.say(f"training {place + 1} of {len(runs)}: {taken[amount][1]:,} words, {head}, seed {seed}")
            size = None if vectors is not None else kept[f"{amount}|{plan.vectors[0]}|{seed}"]["embedding_size"]
            kept[key] = _trained(plan, taken[amount][0], vectors, seed, size)
            write_atomic(file, (json.dumps({"plan": asked, "runs": kept}) + "\n").encode())
        rows = [
            {"amount": amount, "words": taken[amount][1], "vectors": vectors, **_row(plan, kept, amount, vectors)}
            for amount in plan.amounts
            for vectors in (None, *plan.vectors)
        ]
    return {"plan": asked, "figure": FIGURES[plan.task], "rows": rows}


def _kept(file: Path, asked: dict[str, Any]) -> dict[str, Any]:
    """The finished trainings of this comparison."""
    if not file.exists():
        return {}
    try:
        read = json.loads(file.read_bytes())
        same, runs = read["plan"] == asked, dict(read["runs"])
    except (ValueError, KeyError, TypeError) as error:
        raise FolderError(f"{file} is damaged; remove it, or choose another --out") from error
    if not same:
        raise FolderError(f"{file.parent} holds another comparison; choose another --out")
    return runs


def _trained(plan: VectorsPlan, text: Path, vectors: str | None, seed: int, size: int | None) -> dict[str, Any]:
    given: dict[str, Any] = {"vectors": vectors} if vectors is not None else {"embedding_size": size}
    if plan.task == "language":
        given["level"] = "word"
    trained = api.train(
        text, task=plan.task, valid=plan.valid, test=plan.test, epochs=plan.epochs, seed=seed, rival=False,
        threads=plan.threads, **given,
    )  # fmt: skip
    size = trained.card["recipe"]["config"]["embedding_size"]
    return {"figure": figure_of(trained.card["figures"]["test"]), "embedding_size": size}


def figure_of(figures: Mapping[str, Any]) -> float:
    """The accuracy of a classifier or the perplexity of a language model, of the figures in its
    card."""
    return figures["scores"]["accuracy"]["value"] if "scores" in figures else figures["perplexity"]


def _row(plan: VectorsPlan, runs: dict[str, Any], amount: int, vectors: str | None) -> dict[str, Any]:
    figures, without = (
        [runs[f"{amount}|{each}|{seed}"]["figure"] for seed in range(1, plan.seeds + 1)] for each in (vectors, None)
    )
    row = {"figures": figures, "mean": statistics.fmean(figures)}
    if vectors is None:
        return row
    apart = [one - other for one, other in zip(figures, without, strict=True)]
    row["difference"] = statistics.fmean(apart)
    if len(apart) > 1:
        _, low, high = t_interval(np.array(apart))
        row |= {"low": low, "high": high}
    return row


def _texts(plan: VectorsPlan, folder: Path, progress: Progress) -> list[tuple[Path, int]]:
    """For each amount, a file of so much of the sources, and how many words it has."""
    pieces = list(_lines(plan.sources, progress) if plan.task == "language" else _examples(plan.sources, progress))
    ends = np.cumsum([words for _, words in pieces])
    suffix = ".txt" if plan.task == "language" else ".jsonl"
    made = []
    for amount in plan.amounts:
        count = min(int(np.searchsorted(ends, amount, "left")) + 1, len(pieces))
        file = folder / f"text-{amount}{suffix}"
        write_atomic(file, "".join(text for text, _ in pieces[:count]).encode())
        made.append((file, int(ends[count - 1])))
    return made


def _lines(sources: Sequence[str], progress: Progress) -> Iterator[tuple[str, int]]:
    for line, starts in read_lines(sources, progress=progress):
        yield ("\n" if starts else "") + line + "\n", len(line.split())


def _examples(sources: Sequence[str], progress: Progress) -> Iterator[tuple[str, int]]:
    """Examples in an order drawn once, so that each amount has all labels."""
    found: list[Example] = list(read_examples(sources, config=ExamplesConfig(), progress=progress))
    for place in np.random.default_rng(1).permutation(len(found)).tolist():
        text, labels = found[place].text, found[place].labels
        yield json.dumps({"text": text, "label": labels[0]}) + "\n", len(text.split())
