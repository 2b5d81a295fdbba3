"""Stands in for the signal that stops a training: wants to stop after so many updates."""

from pathlib import Path

import elman


class StopAfter:
    """``with StopAfter(3) as stop``: ``stop.wanted`` is false twice, then true."""

    def __init__(self, updates: int) -> None:
        self._left = updates

    def __enter__(self) -> "StopAfter":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    @property
    def wanted(self) -> bool:
        self._left -= 1
        return self._left <= 0


def stopped_run(text_file: Path, out: Path) -> None:
    """A network whose training has a checkpoint but no end."""
    elman.train(text_file, out=out, updates=4, embedding_size=8, hidden_size=8, batch=4, bptt=5, threads=1)
    (out / "model_card.json").unlink()
