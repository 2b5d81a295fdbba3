"""What is said and kept while training: a line on the screen, log.jsonl, TensorBoard if asked for."""

import json
import math
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from elman.errors import MissingExtra
from elman.progress import ScreenProgress, duration
from elman.system.files import storage_errors
from elman.training.checkpoint import Position
from elman.training.run import Run

if TYPE_CHECKING:
    from elman.training.trainer import Update

LOG_FILE = "log.jsonl"


class TrainingLog:
    """The record of one run. On resuming, the log is cut back to where the checkpoint was written."""

    def __init__(self, run: Run, position: Position) -> None:
        assert run.plan is not None
        self._run, self._plan = run, run.plan
        inner = run.folder / "training"
        self._path = inner / LOG_FILE
        self._file = open(self._path, "ab")
        self._file.truncate(position.log_bytes)
        self._file.seek(position.log_bytes)
        self._every = max(1, self._plan.updates // 200)
        self._spelling = run.valid.spelling_nats(run.speller)
        self._shown = self._begin = time.monotonic()
        self._first = position.update
        self._wait = 0.3 if isinstance(run.progress, ScreenProgress) and run.progress.live else 10.0
        self._losses, self._tokens, self._mark = 0.0, 0, time.monotonic()
        self._mean, self._rate = math.nan, 0.0
        self._bits: float | None = None if position.best is None else self.bits_per_byte(position.best)
        self._board = _tensorboard(str(inner)) if run.tensorboard else None

    def bits_per_byte(self, nats: float) -> float:
        """Validation loss per token as bits per byte of the validation text, spelling included."""
        valid = self._run.valid
        return (nats * len(valid.ids) + self._spelling) / (math.log(2) * max(valid.bytes, 1))

    def update(self, position: Position, done: "Update", *, seconds: float) -> None:
        """Take note of one update."""
        self._losses += done.loss * done.tokens
        self._tokens += done.tokens
        now = time.monotonic()
        if position.update % self._every == 0:
            self._mean = self._losses / self._tokens
            self._rate = self._tokens / max(now - self._mark, 1e-9)
            self._write(
                {
                    "update": position.update,
                    "epoch": round(position.epoch + position.offset / self._row_length(), 4),
                    "seconds": round(seconds, 3),
                    "loss": self._mean,
                    "norm": done.norm,
                    "tokens_per_second": round(self._rate),
                }
            )
            self._losses, self._tokens, self._mark = 0.0, 0, now
        if now - self._shown > self._wait:
            self._shown = now
            self._run.progress.show(self._line(position, done, now))

    def validation(self, position: Position, nats: float, *, better: bool, seconds: float) -> None:
        """Take note of one validation."""
        self._bits = self.bits_per_byte(nats)
        self._write(
            {
                "update": position.update,
                "seconds": round(seconds, 3),
                "valid_nats": nats,
                "valid_bits_per_byte": self._bits,
                "best": better,
            }
        )
        self._run.progress.say(
            f"{position.update}/{self._plan.updates}, {duration(seconds)}: validation {self._bits:.4f} bits per byte, "
            f"perplexity {math.exp(min(nats, 700)):.2f}" + ("" if better else " (no better)")
        )
        self._mark = time.monotonic()
        self._losses, self._tokens = 0.0, 0

    def flush(self) -> int:
        """Make the log safe on disk; returns its length."""
        with storage_errors(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Close the log and the TensorBoard events."""
        self._run.progress.clear()
        with suppress(OSError):  # a full disk was said when it was met
            self._file.close()
        if self._board is not None:
            self._board.close()

    def _row_length(self) -> int:
        return len(self._run.train.ids) // self._plan.batch

    def _write(self, entry: dict[str, Any]) -> None:
        with storage_errors(self._path):
            self._file.write((json.dumps(entry) + "\n").encode())
        if self._board is not None:
            for name, value in entry.items():
                if name not in ("update", "best"):
                    self._board.add_scalar(name, value, entry["update"])

    def _line(self, position: Position, done: "Update", now: float) -> str:
        ran = position.update - self._first
        left = (self._plan.updates - position.update) * (now - self._begin) / max(ran, 1)
        loss = done.loss if math.isnan(self._mean) else self._mean
        parts = [
            f"{position.update}/{self._plan.updates}",
            f"{duration(left)} left",
            f"{self._rate / 1000:.1f}k tokens/s" if self._rate else "",
            f"loss {loss:.4g}",
            f"valid {self._bits:.3f} bits/byte" if self._bits is not None else "",
            f"norm {done.norm:.2g}",
        ]
        return "  ".join(part for part in parts if part)


def _tensorboard(folder: str) -> Any:
    try:
        from torch.utils.tensorboard.writer import SummaryWriter
    except ImportError as error:
        raise MissingExtra("--tensorboard needs tensorboard; run: pip install tensorboard") from error
    return SummaryWriter(folder)
