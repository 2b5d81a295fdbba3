"""The gradient by lag while a network is trained: one curve at each validation, in
training/xray.jsonl.

It is computed on a copy of the network at fixed positions of the validation text, so a run with it
gives bit for bit the model of a run without it.
"""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from elman.models.neural import Network
from elman.progress import Progress, counted
from elman.system.files import write_atomic
from elman.tasks.language.lag_case import GRADIENT_LOG_FILE, LagCase, judge_lags, lag_words
from elman.tasks.language.lags import gradient_by_lag

_LAGS, _WARM, _PLACES = 100, 20, 8
_FEWEST = 10


class GradientLog:
    """The record of one run. On resuming, entries after the checkpoint are dropped."""

    def __init__(self, folder: Path, ids: Any, *, clip: float, progress: Progress) -> None:
        """``ids[N]`` is the validation text, ``clip`` the norm that gradients are clipped to."""
        self._path, self._clip, self._progress = folder / GRADIENT_LOG_FILE, clip, progress
        self._lines: list[str] = []
        lags = min(_LAGS, len(ids) // 2 - _WARM)
        self._lags = lags if lags >= _FEWEST else 0
        length = _WARM + self._lags + 1
        starts = np.linspace(0, len(ids) - length, _PLACES).round().astype(np.int64) if self._lags else None
        self._windows = (
            None if starts is None else np.asarray(ids)[starts[:, None] + np.arange(length)].astype(np.int64)
        )
        if starts is None:
            progress.say(
                f"--xray: the validation text has {counted(len(ids), 'token')}, too few to look back in; nothing is "
                "recorded"
            )

    def begin(self, update: int) -> None:
        """Keep the entries up to this update."""
        self._lines = [line for line in _lines(self._path) if json.loads(line)["update"] <= update]

    def note(self, network: nn.Module, update: int) -> None:
        """Examine the network after an update, report the result, and write it down."""
        if self._windows is None:
            return
        assert isinstance(network, Network)
        found = gradient_by_lag(network, self._windows, self._lags)
        case = judge_lags(found.state)
        words = lag_words(case, clip=self._clip)
        own = np.where(found.state[0] > 0, found.state[0], 1.0)
        entry = {
            "update": update,
            "share": _listed(np.median(found.state / own, axis=1)),
            "norm": _listed(np.median(found.state, axis=1)),
            **{name: _finite(value) for name, value in dataclasses.asdict(case).items()},
            "words": words,
        }
        self._lines.append(json.dumps(entry))
        write_atomic(self._path, "".join(line + "\n" for line in self._lines).encode())
        self._progress.say(f"gradient by lag, {words}")

    def explosion(self, network: nn.Module) -> str:
        """What to add to the message of a run that failed with a non-finite number."""
        if self._windows is None:
            return ""
        assert isinstance(network, Network)
        found = gradient_by_lag(network, self._windows, self._lags)
        case: LagCase = judge_lags(found.state)
        return f"; the gradient by lag is {lag_words(case, clip=self._clip)}" if case.case == "exploding" else ""


def _lines(path: Path) -> list[str]:
    """Whole lines that are entries; a damaged rest is dropped."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            break
        if not isinstance(entry, dict) or not isinstance(entry.get("update"), int):
            break
        found.append(line)
    return found


def _listed(values: Any) -> list[float | None]:
    return [_finite(float(f"{value:.6g}")) for value in values]


def _finite(value: Any) -> Any:
    """JSON has no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
