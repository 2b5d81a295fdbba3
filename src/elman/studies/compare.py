"""Comparison: all that a task varies, trained on the same data under one budget, tested once, with
a verdict.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.errors import FolderError, TrainingError
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.studies.compare_training import train_all
from elman.studies.comparison import MODELS, ComparePlan, comparison_of
from elman.system.cluster import workers
from elman.system.files import storage_errors, write_atomic
from elman.system.machine import available_cores, choose_precision, fingerprint
from elman.training.lock import alone

PLAN_FILE = "compare.json"
_SHARED = (
    "up to {} trainings shared a machine, each with its part of the cores: times and speeds are not those of one "
    "alone, and networks trained for a time got further alone"
)
_PLAIN = {"sources": "texts", "valid": "validation text", "test": "test text", "data": "flags for the text"}


def compare(plan: ComparePlan, folder: Path, *, progress: Progress) -> dict[str, Any]:
    """Train, test and decide; results are kept in ``folder``, and finished work is not repeated.

    Returns:
        Every number of the comparison, as JSON values; see docs/compare.md.

    Raises:
        FolderError: the folder holds something else, or another comparison.
        TextError: the data cannot be read, or is too little.
        TrainingError: no model could be trained.
        Interrupted: Ctrl-C or SIGTERM; the same call resumes.
    """
    check_folder(folder, plan)
    comparison = comparison_of(plan)
    digest = comparison.read(progress)
    check_folder(folder, plan, corpus=digest)
    with storage_errors(folder):
        (folder / MODELS).mkdir(parents=True, exist_ok=True)
    with alone(folder):
        kept = {"plan": plan.to_json(), "corpus": digest}
        write_atomic(folder / PLAN_FILE, (json.dumps(kept, ensure_ascii=False, indent=1) + "\n").encode())
        jobs = comparison.jobs(folder)
        failures = train_all(jobs, progress=progress)
        failed = {failure.name for failure in failures}
        trained = [job for job in jobs if job.name not in failed]
        if failures and not trained:
            raise TrainingError(f"no model could be trained; the first one's error: {failures[0].message}")
        report = comparison.results(trained, progress=progress)
        about = {
            "title": comparison.title,
            "plan": plan.to_json(),
            "machine": fingerprint(threads=available_cores(), precision=choose_precision("auto")),
            "failed": [failure._asdict() for failure in failures],
        }
        whole = {**about, **report}
        if workers().are_others:
            whole["warnings"] = [*whole["warnings"], _SHARED.format(workers().on_one_machine)]
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
