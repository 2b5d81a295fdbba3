"""What stays fixed over a whole run, written before its first update and read when it is
resumed."""

from pathlib import Path
from typing import Any

from elman.errors import TrainingError
from elman.storage.archive import read_json, read_sealed_json, sealed_json
from elman.system.files import write_atomic

PLAN_FILE = "plan.json"


def write_plan(folder: Path, plan: dict[str, Any]) -> None:
    """Write what stays fixed over the whole run, with a digest over it."""
    write_atomic(folder / PLAN_FILE, sealed_json({"format": 2, **plan}))


def read_plan(folder: Path) -> dict[str, Any]:
    """Read ``write_plan`` back.

    Raises:
        TrainingError: there is none.
        FolderError: it is damaged.
    """
    if not (folder / PLAN_FILE).is_file():
        raise TrainingError(f"{folder.parent} holds no training to resume; train a new model from its text")
    plan = read_json(folder / PLAN_FILE)
    # Files of elman 0.1 have neither.
    return read_sealed_json(folder / PLAN_FILE) if {"format", "digest"} & set(plan) else plan
