"""The best answer by the scores of its first and its last word."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Of the first and of the last word ``[1 + T]``; place 0 is "no answer"."""


class SpanChoice(NamedTuple):
    """The best answer in a passage."""

    first: int
    """Its first word, counted from 1; 0 in a passage without words."""
    last: int
    """Its last word."""
    score: float
    """The sum of both words' scores, less that of "no answer": log-odds. Where training has an
    answer to every question there is none to subtract, and it only says which answer is
    likelier."""
    probability: float
    """That both words are right."""

    @property
    def answers(self) -> bool:
        """Whether it is likelier than no answer."""
        return self.first > 0 and self.score > 0


def best_span(scores: Scores, most: int) -> SpanChoice:
    """The best answer of at most ``most`` words.

    >>> first, last = np.array([0.0, 2.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 5.0])
    >>> best_span((first, last), 2)[:3]  # the second word and the third
    (2, 3, 6.0)
    """
    first, last = (each.astype(np.float64) for each in scores)
    words = len(first) - 1
    if not words:
        return SpanChoice(0, 0, -np.inf, 0.0)
    padded = np.concatenate([last[1:], np.full(most - 1, -np.inf)])
    sums = first[1:, None] + np.lib.stride_tricks.sliding_window_view(padded, most)
    start, length = divmod(int(sums.argmax()), most)
    none = first[0] + last[0]
    total = float(sums[start, length])
    chance = float(np.exp(total - _log_sum(first) - _log_sum(last)))
    return SpanChoice(start + 1, start + length + 1, total if none == -np.inf else total - float(none), chance)


def _log_sum(x: NDArray[np.float64]) -> float:
    return float(x.max() + np.log(np.exp(x - x.max()).sum()))
