"""Memory tasks, which need one thing to be remembered for a number of steps.

    recall     one of 8 symbols, `lag` meaningless others, a question mark: which symbol was it?
    brackets   one of 4 opening brackets, then `lag` balanced brackets: which bracket closes it?
    agreement  "I grew up in COUNTRY", `lag` words with other countries, "I speak fluent": what?
    adding     `lag` pairs of a random number and a mark: the sum of the two marked numbers (regression;
               Hochreiter and Schmidhuber 1997)

Only the last step is judged. With 8, 4 or 8 equally likely answers, chance is 1/8, 1/4 or 1/8; for
adding it is the variance of the sum, 1/6.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError

COUNTRIES = ("France", "Spain", "Poland", "Japan", "Turkey", "Greece", "Sweden", "Hungary")
LANGUAGES = ("French", "Spanish", "Polish", "Japanese", "Turkish", "Greek", "Swedish", "Hungarian")
SUM_VARIANCE = 1 / 6
"""Variance of the sum of two uniform numbers from 0 to 1: the squared error of always answering
1."""

_FILLERS = (
    "later we moved to {country} for a year",
    "my uncle lives in {country} with his dog",
    "the winters there were long and cold",
    "we had a small house near the river",
    "my best friend at school came from {country}",
    "every summer we went to the sea",
    "I left home when I was twenty",
)
_START, _END = ("I", "grew", "up", "in"), ("so", "I", "speak", "fluent")


class MemoryBatch(NamedTuple):
    """B examples of one length T."""

    inputs: NDArray[np.float32]
    """``[B, T, D]``; symbols as one-hot vectors."""
    answers: NDArray[np.int64] | NDArray[np.float32]
    """The answers at the last step: classes or numbers, ``[B]``."""


@dataclass(frozen=True)
class MemoryTask:
    """A memory task."""

    name: str
    inputs: int
    """Numbers read at each step, D."""
    answers: int
    """The number of classes; 1 for a number."""
    chance: float
    """Score by chance."""
    draw: Callable[[np.random.Generator, int, int], MemoryBatch]
    """``draw(rng, batch, lag)``."""
    solved: float = 0.9
    """Least score of a solved lag."""

    @property
    def is_regression(self) -> bool:
        return self.answers == 1


def task_named(name: str) -> MemoryTask:
    """Raises:
    UsageError: there is no such task.
    """
    task = TASKS.get(name)
    if task is None:
        raise UsageError(f"--task is {name!r}; it must be one of: {', '.join(TASKS)}")
    return task


def _recall(rng: np.random.Generator, batch: int, lag: int) -> MemoryBatch:
    answers = rng.integers(0, 8, batch)
    between = rng.integers(8, 16, (batch, lag))
    ids = np.concatenate([answers[:, None], between, np.full((batch, 1), 16)], axis=1)
    return MemoryBatch(_one_hot(ids, 17), answers)


def _brackets(rng: np.random.Generator, batch: int, lag: int) -> MemoryBatch:
    answers = rng.integers(0, 4, batch)
    rows = [[first, *_balanced(rng, lag), 8] for first in answers.tolist()]
    return MemoryBatch(_one_hot(np.array(rows), 9), answers)


def _balanced(rng: np.random.Generator, length: int) -> list[int]:
    """Balanced brackets: 0 to 3 open, 4 to 7 close; an odd length omits the last one."""
    open_ones: list[int] = []
    brackets: list[int] = []
    for left in range(length - length % 2, 0, -1):
        if open_ones and (len(open_ones) == left or rng.random() < 0.5):
            brackets.append(4 + open_ones.pop())
        else:
            open_ones.append(int(rng.integers(0, 4)))
            brackets.append(open_ones[-1])
    return brackets


def agreement_words(rng: np.random.Generator, lag: int, which: int | None = None) -> list[str]:
    """A story that ends with the language of its first country; ``lag`` words lie in between.

    >>> words = agreement_words(np.random.default_rng(0), 3, which=0)
    >>> " ".join(words[:5]), " ".join(words[8:])
    ('I grew up in France', 'so I speak fluent French')
    """
    which = int(rng.integers(0, len(COUNTRIES))) if which is None else which
    between: list[str] = []
    while len(between) < lag:
        sentence = _FILLERS[int(rng.integers(0, len(_FILLERS)))]
        between += sentence.format(country=COUNTRIES[int(rng.integers(0, len(COUNTRIES)))]).split()
    return [*_START, COUNTRIES[which], *between[:lag], *_END, LANGUAGES[which]]


def agreement_text(lines: int, *, lags: tuple[int, int], seed: int) -> str:
    """Such stories, one a line, for training a language model; lags are within ``lags``."""
    rng = np.random.default_rng(seed)
    stories = (agreement_words(rng, int(rng.integers(lags[0], lags[1] + 1))) for _ in range(lines))
    return "".join(" ".join(words) + " .\n" for words in stories)


_VOCABULARY = sorted(
    {*_START, *_END, *COUNTRIES, *(word for each in _FILLERS for word in each.split() if word != "{country}")}
)
_WORD_IDS = {word: number for number, word in enumerate(_VOCABULARY)}


def _agreement(rng: np.random.Generator, batch: int, lag: int) -> MemoryBatch:
    stories = [agreement_words(rng, lag) for _ in range(batch)]
    ids = np.array([[_WORD_IDS[word] for word in words[:-1]] for words in stories])
    answers = np.array([LANGUAGES.index(words[-1]) for words in stories])
    return MemoryBatch(_one_hot(ids, len(_VOCABULARY)), answers)


def _adding(rng: np.random.Generator, batch: int, lag: int) -> MemoryBatch:
    values = rng.random((batch, lag), dtype=np.float32)
    marks = np.zeros_like(values)
    rows = np.arange(batch)
    # One mark in the first tenth (at least two positions), one in the first half: both are far from
    # the end.
    near = max(2, lag // 10)
    first = rng.integers(0, near, batch)
    second = (first + 1 + rng.integers(0, max(lag // 2 - near, 1), batch)) % lag
    marks[rows, first] = marks[rows, second] = 1
    return MemoryBatch(np.stack([values, marks], axis=2), (values * marks).sum(axis=1))


def _one_hot(ids: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    return np.eye(size, dtype=np.float32)[ids]


TASKS: dict[str, MemoryTask] = {
    "recall": MemoryTask("recall", 17, 8, 1 / 8, _recall),
    "brackets": MemoryTask("brackets", 9, 4, 1 / 4, _brackets),
    "agreement": MemoryTask("agreement", len(_VOCABULARY), 8, 1 / 8, _agreement),
    "adding": MemoryTask("adding", 2, 1, 0.0, _adding),
}
