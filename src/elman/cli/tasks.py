"""The task of a model, where a verb does more than language models."""

from pathlib import Path

from elman.models.registry import entry
from elman.storage.folder import read_config
from elman.tasks.registry import task_named
from elman.tasks.task import Task


def other_task(model: str) -> Task | None:
    """The task of a model folder; None for a language model."""
    if Path(model).is_file():
        return None
    name = entry(read_config(Path(model))[0]).task
    return None if name == "language" else task_named(name)
