"""Trains small networks of each cell on memory tasks, to find the longest lag that each can bridge.

It has its own training loop, since these are not language models: one answer at the end of each
example, and new examples at every update, so overfitting is impossible and no validation text is
needed. All cells get the same examples, updates and learning rate.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.errors import UsageError
from elman.nn.feedback import Lstm
from elman.nn.stack import Stack
from elman.progress import Progress
from elman.studies.xray_tasks import SUM_VARIANCE, MemoryBatch, MemoryTask

CHRONO = "lstm-chrono"
"""The LSTM whose forget gates start open for the length of the lag."""
CELLS = ("rnn", "rnn-relu", "gru", "lstm", CHRONO)
_HIDDEN, _BATCH, _RATE, _CLIP = 48, 64, 5e-3, 1.0
_TEST = 512
_CHECK = 50
_SURE = 0.99


@dataclass(frozen=True)
class Trial:
    """One network, trained on one lag."""

    cell: str
    lag: int
    seed: int
    updates: int
    """Updates made; fewer than allowed if the score was nearly perfect earlier."""
    score: float
    """Score on new examples: accuracy, or for numbers 1 - error² / variance (R²)."""


@dataclass(frozen=True)
class Trials:
    """The results of a task."""

    task: str
    lags: list[int]
    seeds: list[int]
    chance: float
    solved: float
    """Least median score over seeds of a solved lag."""
    allowed: int
    """Most updates of each network."""
    hidden_size: int
    trials: list[Trial]

    def scores(self, cell: str, lag: int) -> list[float]:
        """Of each seed."""
        return [each.score for each in self.trials if (each.cell, each.lag) == (cell, lag)]

    @property
    def cells(self) -> list[str]:
        return list(dict.fromkeys(each.cell for each in self.trials))

    def longest_solved(self, cell: str) -> int:
        """The largest lag solved together with all shorter ones; 0 if none was."""
        longest = 0
        for lag in self.lags:
            if np.median(self.scores(cell, lag)) < self.solved:
                break
            longest = lag
        return longest


def run_trials(
    task: MemoryTask,
    *,
    lags: Sequence[int],
    seeds: Sequence[int] = (1,),
    cells: Sequence[str] = CELLS,
    minutes: float | None = None,
    updates: int | None = None,
    forget_bias: float | None = None,
    progress: Progress | None = None,
) -> Trials:
    """Train each cell on each lag with each seed.

    Args:
        minutes: total time, converted to an equal number of updates per network; or give
            ``updates``.
        forget_bias: initial memory of the chrono LSTM in steps; default: the lag.

    Raises:
        UsageError: a lag out of range, or neither or both of ``minutes`` and ``updates``.
    """
    lags = sorted(set(lags))
    if not lags or not 2 <= lags[0] <= lags[-1] <= 1000:
        raise UsageError(
            f"--lags is {','.join(map(str, lags))}; lags must be between 2 and 1000: try --lags 5,10,20,50"
        )
    if (minutes is None) == (updates is None):
        raise UsageError("give either minutes or updates")
    progress = progress or Progress()
    if updates is None:
        assert minutes is not None
        updates = _updates_for(task, cells, lags, len(seeds), minutes)
        networks = len(cells) * len(lags) * len(seeds)
        progress.say(f"{minutes:g} minutes are up to {updates} updates for each of {networks} networks")
    trials = []
    total = len(seeds) * len(lags) * len(cells)
    with progress.stage(f"{task.name}", total=total * updates, unit="updates") as advance:
        for seed in seeds:
            for lag in lags:
                for cell in cells:
                    trial = _train(task, cell, lag, seed, updates, advance, forget_bias=forget_bias)
                    trials.append(trial)
                    advance(updates - trial.updates)
    return Trials(task.name, list(lags), list(seeds), task.chance, task.solved, updates, _HIDDEN, trials)


class AnsweringNetwork(nn.Module):
    """A recurrent layer and an answer from its last output."""

    def __init__(self, task: MemoryTask, cell: str, *, memory: float, hidden_size: int = _HIDDEN) -> None:
        super().__init__()
        name = "lstm" if cell == CHRONO else cell
        self.stack = Stack(cell=name, input_size=task.inputs, hidden_size=hidden_size)
        layer = self.stack.layers[0]
        if cell == CHRONO:
            assert isinstance(layer, Lstm)
            layer.start_to_remember(max(memory, 2))
        self.answer = nn.Linear(hidden_size, task.answers)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.stack(x, self.stack.initial_state(len(x)))
        return self.answer(y[:, -1])


def _train(
    task: MemoryTask,
    cell: str,
    lag: int,
    seed: int,
    updates: int,
    advance: Callable[[int], None] = lambda amount: None,
    forget_bias: float | None = None,
) -> Trial:
    torch.manual_seed(seed)
    # All cells get the same examples.
    rng, test = np.random.default_rng([seed, lag]), np.random.default_rng([seed, lag, 1])
    reader = AnsweringNetwork(task, cell, memory=forget_bias or lag)
    optimizer = torch.optim.Adam(reader.parameters(), lr=_RATE)
    updates_made, score = 0, -np.inf
    while updates_made < updates:
        for _ in range(min(_CHECK, updates - updates_made)):
            _update(reader, optimizer, task, task.draw(rng, _BATCH, lag))
            updates_made += 1
            advance(1)
        # Only for stopping: the final score uses other examples.
        if _score(reader, task, task.draw(rng, 128, lag)) >= _SURE:
            break
    score = _score(reader, task, task.draw(test, _TEST, lag))
    return Trial(cell, lag, seed, updates_made, score)


def _update(reader: AnsweringNetwork, optimizer: torch.optim.Optimizer, task: MemoryTask, batch: MemoryBatch) -> None:
    optimizer.zero_grad(set_to_none=True)
    _loss(reader(torch.from_numpy(batch.inputs)), task, batch).backward()
    nn.utils.clip_grad_norm_(reader.parameters(), _CLIP)
    optimizer.step()


def _loss(answers: Tensor, task: MemoryTask, batch: MemoryBatch) -> Tensor:
    wanted = torch.from_numpy(batch.answers)
    return F.mse_loss(answers[:, 0], wanted) if task.is_regression else F.cross_entropy(answers, wanted)


@torch.no_grad()
def _score(reader: AnsweringNetwork, task: MemoryTask, batch: MemoryBatch) -> float:
    answers = reader(torch.from_numpy(batch.inputs))
    if task.is_regression:
        return 1 - float(_loss(answers, task, batch)) / SUM_VARIANCE
    return float((answers.argmax(dim=1).numpy() == batch.answers).mean())


def _updates_for(task: MemoryTask, cells: Sequence[str], lags: Sequence[int], seeds: int, minutes: float) -> int:
    """The number of updates per network that fit into the minutes, by timing a few."""
    spent = 0.0
    for cell in cells:
        for lag in lags:
            reader = AnsweringNetwork(task, cell, memory=lag)
            optimizer = torch.optim.Adam(reader.parameters(), lr=_RATE)
            rng = np.random.default_rng(0)
            for attempt in range(4):
                if attempt == 1:  # the first may compile
                    begin = time.monotonic()
                _update(reader, optimizer, task, task.draw(rng, _BATCH, lag))
            spent += seeds * (time.monotonic() - begin) / 3
    return max(_CHECK, int(60 * minutes / max(spent, 1e-9)))


def trials_json(trials: Trials) -> dict[str, Any]:
    """Every number as JSON values."""
    cells = [
        {
            "cell": cell,
            "longest_solved": trials.longest_solved(cell),
            "scores": [
                {"lag": lag, "median": float(np.median(trials.scores(cell, lag))), "seeds": trials.scores(cell, lag)}
                for lag in trials.lags
            ],
        }
        for cell in trials.cells
    ]
    return {
        "task": trials.task,
        "lags": trials.lags,
        "seeds": trials.seeds,
        "chance": trials.chance,
        "solved": trials.solved,
        "updates": trials.allowed,
        "hidden_size": trials.hidden_size,
        "cells": cells,
        "words": trials_words(trials),
    }


def trials_words(trials: Trials) -> str:
    """The results in a sentence or two."""
    best = {cell: trials.longest_solved(cell) for cell in trials.cells}
    solved = ", ".join(f"{cell} up to {lag}" if lag else f"{cell} none" for cell, lag in best.items())
    top = max(best.values())
    far = [cell for cell, lag in best.items() if lag == top and top]
    words = f"Lags solved (score of {trials.solved:g} or more, with all shorter ones): {solved}."
    if far and top == trials.lags[-1]:
        words += f" {' and '.join(far)} solved the longest that was tried."
    return words
