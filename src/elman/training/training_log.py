"""The output of a training: a line on the screen, log.jsonl, TensorBoard events if requested."""

import json
import math
import os
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from elman.errors import FolderError, MissingExtra
from elman.progress import ScreenProgress, duration
from elman.system.files import storage_errors
from elman.training.checkpoint import Position
from elman.training.run import Run

if TYPE_CHECKING:
    from elman.training.training import Update

LOG_FILE = "log.jsonl"


class TrainingLog:
    """The record of one run. On resuming, the log is cut back to where the checkpoint was
    written."""

    def __init__(self, run: Run, position: Position) -> None:
        self._run, self._plan, self._objective = run, run.plan, run.objective
        inner = run.folder / "training"
        self._path = inner / LOG_FILE
        self._file = open(self._path, "a+b")
        self._file.truncate(position.log_bytes)
        self._file.seek(0)
        self._crc = zlib.crc32(self._file.read())
        if position.log_bytes and position.log_crc not in (None, self._crc):
            self._file.close()
            raise FolderError(f"{self._path} was changed or damaged since training; remove the folder and train again")
        self._every = max(1, self._plan.updates // 200)
        self._shown = self._begin = time.monotonic()
        self._first = position.update
        self._wait = 0.3 if isinstance(run.progress, ScreenProgress) and run.progress.live else 10.0
        self._losses, self._count, self._mark = 0.0, 0.0, time.monotonic()
        self._mean, self._rate = math.nan, 0.0
        self._figure = "" if position.best is None else self._objective.describe_validation(position.best).short
        self._board = _tensorboard(str(inner)) if run.tensorboard else None

    def update(self, position: Position, done: "Update", *, seconds: float) -> None:
        """Record one update."""
        self._losses += done.loss * done.count
        self._count += done.count
        now = time.monotonic()
        if position.update % self._every == 0:
            self._mean = self._losses / self._count
            self._rate = self._count / max(now - self._mark, 1e-9)
            self._write(
                {
                    "update": position.update,
                    "epoch": round(self._objective.epochs_at(position.cursor), 4),
                    "seconds": round(seconds, 3),
                    "loss": self._mean,
                    "norm": done.norm,
                    f"{self._objective.unit}_per_second": round(self._rate),
                }
            )
            self._losses, self._count, self._mark = 0.0, 0, now
        if now - self._shown > self._wait:
            self._shown = now
            self._run.progress.show(self._line(position, done, now))

    def validation(self, position: Position, figure: float, *, better: bool, seconds: float) -> None:
        """Record one validation."""
        validated = self._objective.describe_validation(figure)
        self._figure = validated.short
        entry = {"update": position.update, "seconds": round(seconds, 3), **validated.log}
        self._write({**entry, "best": better, "shown": validated.short})
        self._run.progress.say(
            f"{position.update}/{self._plan.updates}, {duration(seconds)}: validation {validated.words}"
            + ("" if better else " (no better)")
        )
        self._mark = time.monotonic()
        self._losses, self._count = 0.0, 0

    def flush(self) -> tuple[int, int]:
        """Make the log safe on disk; returns its length and its CRC-32."""
        with storage_errors(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
        return self._file.tell(), self._crc

    def close(self) -> None:
        """Close the log and the TensorBoard events."""
        self._run.progress.clear()
        with suppress(OSError):  # a full disk was reported when it was met
            self._file.close()
        if self._board is not None:
            self._board.close()

    def _write(self, entry: dict[str, Any]) -> None:
        line = (json.dumps(entry) + "\n").encode()
        self._crc = zlib.crc32(line, self._crc)
        with storage_errors(self._path):
            self._file.write(line)
        if self._board is not None:
            for name, value in entry.items():
                if name not in ("update", "best", "shown"):
                    self._board.add_scalar(name, value, entry["update"])

    def _line(self, position: Position, done: "Update", now: float) -> str:
        ran = position.update - self._first
        left = (self._plan.updates - position.update) * (now - self._begin) / max(ran, 1)
        loss = done.loss if math.isnan(self._mean) else self._mean
        parts = [
            f"{position.update}/{self._plan.updates}",
            f"{duration(left)} left",
            f"{self._rate / 1000:.1f}k {self._objective.unit}/s" if self._rate else "",
            f"loss {loss:.4g}",
            f"valid {self._figure}" if self._figure else "",
            f"norm {done.norm:.2g}",
        ]
        return "  ".join(part for part in parts if part)


def _tensorboard(folder: str) -> Any:
    try:
        from torch.utils.tensorboard.writer import SummaryWriter
    except ImportError as error:
        raise MissingExtra("--tensorboard needs tensorboard; run: pip install tensorboard") from error
    return SummaryWriter(folder)
