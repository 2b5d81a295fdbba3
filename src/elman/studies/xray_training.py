"""Trains small networks of each cell on memory tasks, to find the longest lag that each can bridge.

It has its own training loop, since these are not language models: one answer at the end of each
example, and new examples at every update, so overfitting is impossible and no validation text is
needed. All cells get the same examples, updates and learning rate.
"""

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elman.data.cursor import Cursor
from elman.errors import UsageError
from elman.nn.dropout import Masks
from elman.nn.feedback import Lstm
from elman.nn.loss import Loss
from elman.nn.stack import Stack
from elman.progress import Progress
from elman.studies.xray_tasks import SUM_VARIANCE, MemoryBatch, MemoryTask
from elman.training.objective import Arrays, Batch, State, Validation
from elman.training.plan import Plan
from elman.training.processes import ALONE, Processes
from elman.training.training import Training

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

    def loss(self, data: MemoryBatch, state: State, masks: Masks | None = None) -> Loss:
        """Squared errors of numbers, else nats."""
        answers, wanted = self(torch.from_numpy(data.inputs)), torch.from_numpy(data.answers)
        if wanted.is_floating_point():
            return Loss(F.mse_loss(answers[:, 0], wanted, reduction="sum"), len(wanted))
        return Loss(F.cross_entropy(answers, wanted, reduction="sum"), len(wanted))

    def to_arrays(self) -> Arrays:
        return {name: parameter.detach().numpy().copy() for name, parameter in self.named_parameters()}


class TrialObjective:
    """An ``Objective``: fresh examples of one lag at every update, the same for all cells."""

    unit = "examples"
    higher_is_better = True
    most_epochs = math.inf
    updates_per_epoch = math.inf

    def __init__(self, task: MemoryTask, cell: str, lag: int, *, seed: int, forget_bias: float | None = None) -> None:
        self._task, self._cell, self._lag, self._seed = task, cell, lag, seed
        self._memory = forget_bias or lag
        self._checks = np.random.default_rng([seed, lag, 2])

    def make_network(self) -> nn.Module:
        return AnsweringNetwork(self._task, self._cell, memory=self._memory)

    def initial_state(self, network: nn.Module) -> State:
        return ()

    def batch(self, cursor: Cursor, update: int) -> Batch:
        rng = np.random.default_rng([self._seed, self._lag, 0, update])
        return Batch(self._task.draw(rng, _BATCH, self._lag), Cursor(0, update + 1))

    def is_valid_cursor(self, cursor: Cursor) -> bool:
        return True

    def epochs_at(self, cursor: Cursor) -> float:
        return 0.0

    def describe_cursor(self, cursor: Cursor) -> str:
        return f"examples of update {cursor.offset + 1}"

    def rate_factor(self, name: str) -> float:
        return 1.0

    def is_frozen(self, name: str, update: int) -> bool:
        return False

    def validate(self, network: nn.Module, processes: Processes = ALONE) -> Generator[float, None, float]:
        """The score on a few fresh examples, only for stopping: the final score uses others."""
        yield 1.0
        return self.score(network, self._checks, 128)

    def describe_validation(self, figure: float) -> Validation:
        return Validation({"score": figure}, f"score {figure:.3f}", f"{figure:.2f}")

    def score(self, network: nn.Module, rng: np.random.Generator, count: int) -> float:
        """The share of right answers to fresh examples; of numbers R²."""
        assert isinstance(network, AnsweringNetwork)
        task, batch = self._task, self._task.draw(rng, count, self._lag)
        with torch.no_grad():
            answers = network(torch.from_numpy(batch.inputs))
            if task.is_regression:
                return 1 - float(F.mse_loss(answers[:, 0], torch.from_numpy(batch.answers))) / SUM_VARIANCE
            return float((answers.argmax(dim=1).numpy() == batch.answers).mean())


def _training(objective: TrialObjective, *, seed: int, updates: int) -> Training:
    plan = Plan(
        updates=updates, batch=_BATCH, seed=seed, optimizer="adam", rate=_RATE, schedule="constant", warmup=0.0,
        clip=_CLIP, device="cpu",
    )  # fmt: skip
    return Training(objective, plan)


def _train(
    task: MemoryTask,
    cell: str,
    lag: int,
    seed: int,
    updates: int,
    advance: Callable[[int], None] = lambda amount: None,
    forget_bias: float | None = None,
) -> Trial:
    objective = TrialObjective(task, cell, lag, seed=seed, forget_bias=forget_bias)
    training = _training(objective, seed=seed, updates=updates)
    while training.position.update < updates:
        training.update()
        advance(1)
        if training.position.update % _CHECK == 0 and training.validate() >= _SURE:
            break
    score = objective.score(training.network, np.random.default_rng([seed, lag, 1]), _TEST)
    return Trial(cell, lag, seed, training.position.update, score)


def _updates_for(task: MemoryTask, cells: Sequence[str], lags: Sequence[int], seeds: int, minutes: float) -> int:
    """The number of updates per network that fit into the minutes, by timing a few."""
    spent = 0.0
    for cell in cells:
        for lag in lags:
            training = _training(TrialObjective(task, cell, lag, seed=0), seed=0, updates=4)
            training.update()  # the first may compile
            begin = time.monotonic()
            for _ in range(3):
                training.update()
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
