"""The loop that trains word vectors: steps, checkpoints, an interruption, and going on."""

import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError, Interrupted, TrainingError
from elman.progress import Progress
from elman.storage import archive
from elman.storage import folder as model_folder
from elman.training.checkpoint import CHECKPOINT_FILE
from elman.training.interrupt import StopRequest

_CHECKPOINT_EVERY = 120.0
"""Seconds."""


class Trainer(Protocol):
    """One training, step by step."""

    unit: str
    """What ``total`` counts."""
    total: int
    """How much there is to do."""

    def step(self, done: int) -> int:
        """Do some of what is left after ``done``; returns how much is done then."""
        ...

    def state(self) -> dict[str, NDArray[Any]]:
        """The arrays that change, which a checkpoint holds and from which training goes on."""
        ...

    def model_arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of the model so far."""
        ...


def run(trainer: Trainer, folder: Path, *, progress: Progress) -> float:
    """Train to the end, from a checkpoint if there is one; the folder then holds the weights.

    Returns:
        The seconds of training, those before an interruption included.

    Raises:
        Interrupted: Ctrl-C or SIGTERM; a checkpoint was written.
        TrainingError: a number is not finite.
    """
    file = folder / "training" / CHECKPOINT_FILE
    done, before = _restore(trainer, file, progress) if file.exists() else (0, 0.0)
    begin = saved = time.monotonic()

    def save() -> None:
        nonlocal saved
        _check(trainer)
        saved = time.monotonic()
        model_folder.write_weights(folder, trainer.model_arrays())
        facts = {"format": 1, "done": done, "total": trainer.total, "seconds": before + saved - begin}
        archive.write_arrays(file, trainer.state(), facts)

    with (
        StopRequest(progress) as stop,
        progress.stage("training", total=trainer.total, unit=trainer.unit) as advance,
    ):
        advance(done)
        while done < trainer.total:
            after = trainer.step(done)
            advance(after - done)
            done = after
            if done < trainer.total and (stop.wanted or time.monotonic() - saved > _CHECKPOINT_EVERY):
                save()
            if done < trainer.total and stop.wanted:
                raise Interrupted(
                    f"stopped after {100 * done / trainer.total:.0f}% of the training; nothing is lost; resume with: "
                    f"elman train --out {folder} --resume"
                )
    _check(trainer)
    model_folder.write_weights(folder, trainer.model_arrays())
    return before + time.monotonic() - begin


def _restore(trainer: Trainer, file: Path, progress: Progress) -> tuple[int, float]:
    arrays, facts = archive.read_arrays(file)
    state = trainer.state()
    done = facts.get("done")
    fits = arrays.keys() == state.keys() and all(arrays[name].shape == state[name].shape for name in state)
    if not fits or not isinstance(done, int) or facts.get("total") != trainer.total or not 0 <= done < trainer.total:
        raise FolderError(f"{file} belongs to another training; remove the folder and train again")
    for name, array in state.items():
        array[:] = arrays[name]
    progress.say(f"resuming at {100 * done / trainer.total:.0f}% of the training")
    return done, float(facts.get("seconds", 0.0))


def _check(trainer: Trainer) -> None:
    if not all(np.isfinite(array).all() for array in trainer.state().values()):
        raise TrainingError("a number of the vectors is not finite any more; train again with a lower --rate")
