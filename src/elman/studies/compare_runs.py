"""What every comparison says about a trained model, whatever it is judged by."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.report.measure import Measure
from elman.storage import folder as model_folder
from elman.storage.folder import folder_bytes
from elman.studies.compare_curves import curve_of
from elman.studies.compare_worker import PEAK_FILE
from elman.studies.comparison import TrainingJob


def folder_of(job: TrainingJob) -> Path:
    """Where a training's model is."""
    return Path(job.request["out"])


def card_of(job: TrainingJob) -> dict[str, Any]:
    """Its model card."""
    return json.loads(model_folder.card_file(folder_of(job)).read_bytes())


def peak_bytes(job: TrainingJob) -> int | None:
    """The most memory that the process of a training had."""
    return json.loads((folder_of(job) / "training" / PEAK_FILE).read_bytes())["peak_bytes"]


def run_of(
    job: TrainingJob, card: Mapping[str, Any], *, valid: float, parameters: int, measure: Measure, **logged: str
) -> dict[str, Any]:
    """Facts on one training.

    Args:
        valid: its figure on the validation part.
        measure: of that figure.
        logged: names in the training log (``curve_of``).
    """
    folder = folder_of(job)
    return {
        "folder": str(folder),
        "seed": job.seed,
        f"valid_{measure.key}": valid,
        "parameters": parameters,
        "bytes": folder_bytes(folder),
        "peak_bytes": peak_bytes(job),
        "seconds": card["seconds"],
        "recipe": card["recipe"],
        **curve_of(folder, card, valid=valid, measure=measure, **logged),
    }


def costs_of(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a model costs, from its runs: sizes of the first, mean time, highest memory."""
    first = runs[0]
    return {
        **{name: first[name] for name in ("parameters", "bytes", "tokens_per_second", "cut_off")},
        "peak_bytes": max((run["peak_bytes"] for run in runs if run["peak_bytes"]), default=None),
        "seconds": sum(run["seconds"] for run in runs) / len(runs),
    }
