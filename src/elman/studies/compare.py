"""Comparison: all model families trained on one text under one budget, tested once, with a
verdict.
"""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.data.preprocessing import DataConfig, prepare_data
from elman.errors import FolderError, TextError, TrainingError, UsageError
from elman.models.ngram.query import NgramConfig
from elman.models.registry import entry, trainable
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.studies.compare_results import results
from elman.studies.compare_training import TrainingJob, train_all
from elman.studies.compare_verdict import MATTERS
from elman.system.files import storage_errors, write_atomic
from elman.system.machine import available_cores, cache_folder, choose_precision, fingerprint
from elman.text.tokenizer import Level
from elman.training.lock import alone

PLAN_FILE = "compare.json"
MODELS = "models"
FEWEST_LINES = 5
_PLAIN = {"sources": "texts", "valid": "validation text", "test": "test text", "data": "flags for the text"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ComparePlan:
    """The models to compare, and the budget."""

    sources: tuple[str, ...]
    valid: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    data: DataConfig = DataConfig()
    models: tuple[str, ...]
    minutes: float | None = None
    """Training time of each network; or ``epochs``, the number of passes over the text."""
    epochs: float | None = None
    parameters: int | None = None
    """Approximate number of parameters of each network; None: chosen for text and time."""
    seeds: int = 1
    matters: float = MATTERS
    """The smallest share of the bits that is worth a higher cost. It changes the verdict alone."""

    def __post_init__(self) -> None:
        if "-" in (*self.sources, *self.valid, *self.test):
            raise UsageError("a comparison reads the text again and again, and stdin only once; give files instead")
        unknown = [name for name in self.models if name not in trainable()]
        if unknown or not self.models:
            came = repr(unknown[0]) if unknown else "empty"
            raise UsageError(f"--models: {came} is not known; choose among: {', '.join(trainable())}")
        if len(set(self.models)) < len(self.models):
            raise UsageError(f"--models names a model twice ({', '.join(self.models)}); name each once")
        if (self.minutes is None) == (self.epochs is None):
            raise UsageError("--minutes and --epochs both set the length of training; give one of them")
        if self.minutes is not None and not 0.01 <= self.minutes <= 1e5:
            raise UsageError(f"--minutes is {self.minutes:g}; it must be at least 0.01 (0.6 s): try --minutes 1")
        if self.epochs is not None and not 0 < self.epochs <= 1e6:
            raise UsageError(f"--epochs is {self.epochs:g}; it must be above 0: try --epochs 3")
        if self.parameters is not None and not 1000 <= self.parameters <= 10**10:
            raise UsageError(f"--parameters is {self.parameters}; it must be at least 1000: try --parameters 1000000")
        if not 0 <= self.matters <= 0.5:
            raise UsageError(f"--matters is {100 * self.matters:g}%; it must be 0% to 50%: try --matters 1%")
        if not 1 <= self.seeds <= 100:
            raise UsageError(f"--seeds is {self.seeds}; it must be between 1 and 100: try --seeds 3")

    def to_json(self) -> dict[str, Any]:
        """As JSON values, with absolute paths, so that they do not depend on the current folder."""
        paths = {
            name: [each if each.startswith("builtin:") else str(Path(each).absolute()) for each in getattr(self, name)]
            for name in ("sources", "valid", "test")
        }
        return {**dataclasses.asdict(self), **paths, "models": list(self.models), "data": self.data.to_json()}

    def jobs(self, folder: Path, *, level: Level) -> list[TrainingJob]:
        """All trainings in order, n-grams first: of all orders that suit the level of the tokens."""
        values = self.to_json()
        data = {name: value for name, value in values["data"].items() if value is not None}
        texts = {name: values[name] for name in ("sources", "valid", "test")}
        common = {**texts, **data, "level": level}
        jobs = []
        for kind in sorted(self.models, key=lambda kind: entry(kind).learns):
            if not entry(kind).learns:
                for order in range(1, NgramConfig.for_level(level).order + 1):
                    name = f"{kind}-{order}"
                    request = {**common, "out": str(folder / MODELS / name), "model": kind, "order": order}
                    jobs.append(TrainingJob(name, kind, 1, order, request, 5.0))
                continue
            length = {name: values[name] for name in ("minutes", "epochs", "parameters") if values[name] is not None}
            for seed in range(1, self.seeds + 1):
                name = f"{kind}-seed-{seed}"
                request = {
                    **common,
                    **length,
                    "out": str(folder / MODELS / name),
                    "model": kind,
                    "seed": seed,
                    "rival": False,
                }
                jobs.append(TrainingJob(name, kind, seed, None, request, 60 * (self.minutes or 0)))
        # Seed by seed, so that a comparison stopped early has every family.
        return sorted(jobs, key=lambda job: job.seed)


def compare(plan: ComparePlan, folder: Path, *, progress: Progress) -> dict[str, Any]:
    """Train, test and decide; results are kept in ``folder``, and finished work is not repeated.

    Returns:
        Every number of the comparison, as JSON values; see docs/compare.md.

    Raises:
        FolderError: the folder holds something else, or another comparison.
        TextError: the text cannot be read, or is too little.
        TrainingError: no model could be trained.
        Interrupted: Ctrl-C or SIGTERM; the same call resumes.
    """
    check_folder(folder, plan)
    data = prepare_data(
        plan.sources, valid=plan.valid, test=plan.test, config=plan.data, cache=cache_folder(), progress=progress
    )
    if data.corpus.test is None:
        raise UsageError("there is no test text; with --valid FILE give --test FILE too, or neither")
    if data.corpus.test.lines < FEWEST_LINES:
        raise TextError(
            f"the test text has {data.corpus.test.lines} lines, and at least {FEWEST_LINES} are needed to say how "
            "sure a difference is; give more text, or --valid FILE and --test FILE"
        )
    check_folder(folder, plan, corpus=data.corpus.hash)
    with storage_errors(folder):
        (folder / MODELS).mkdir(parents=True, exist_ok=True)
    with alone(folder):
        kept = {"plan": plan.to_json(), "corpus": data.corpus.hash}
        write_atomic(folder / PLAN_FILE, (json.dumps(kept, ensure_ascii=False, indent=1) + "\n").encode())
        jobs = plan.jobs(folder, level=data.tokenizer.config.level)
        failures = train_all(jobs, progress=progress)
        failed = {failure.name for failure in failures}
        trained = [job for job in jobs if job.name not in failed]
        if not trained:
            raise TrainingError(f"no model could be trained; the first one's error: {failures[0].message}")
        report = results(trained, data=data, budget=plan.parameters, matters=plan.matters, progress=progress)
        about = {
            "plan": plan.to_json(),
            "machine": fingerprint(threads=available_cores(), precision=choose_precision("auto")),
            "failed": [failure._asdict() for failure in failures],
        }
        whole = {**about, **report}
        write_atomic(folder / "results.json", (json.dumps(whole, ensure_ascii=False) + "\n").encode())
    return whole


def check_folder(folder: Path, plan: ComparePlan, *, corpus: str | None = None) -> None:
    """Refuse a folder of anything but this comparison.

    Raises:
        FolderError: it holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is a file; give --out the name of a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    file = folder / PLAN_FILE
    if not file.exists():
        if [path.name for path in folder.iterdir()] == [MODELS] and not any((folder / MODELS).iterdir()):
            return
        raise FolderError(f"{folder} is not empty and holds no comparison; choose another --out")
    kept = model_folder.read_json(file)
    changed = _difference(kept.get("plan"), plan.to_json())
    if changed:
        raise FolderError(
            f"{folder} holds another comparison (other {_PLAIN.get(changed, changed)}); choose another --out"
        )
    if corpus is not None and kept.get("corpus") != corpus:
        raise FolderError(f"{folder} holds a comparison of a text that has changed since; choose another --out")


def _difference(kept: Any, wanted: Mapping[str, Any]) -> str | None:
    """The first key in which two plans ask for other models."""
    if not isinstance(kept, Mapping):
        return "plan"
    keys: Sequence[str] = list(dict.fromkeys([*wanted, *kept]))
    return next((key for key in keys if key != "matters" and kept.get(key) != wanted.get(key)), None)
