"""The score from which a reader answers, fitted on questions whose answers are known."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class AnswerThreshold(NamedTuple):
    """A threshold, and the mean figure with it."""

    threshold: float | None
    """Answers with a lower score are not given; None gives all."""
    figure: float


def fit_threshold(
    scores: NDArray[np.float64], figure_if_answered: NDArray[np.float64], figure_if_abstaining: NDArray[np.float64]
) -> AnswerThreshold:
    """The threshold with the largest mean figure; of several, the lowest.

    Args:
        scores: of each question's best answer ``[Q]``; minus infinity if there is none.
        figure_if_answered: its figure, such as F1, if that answer is given ``[Q]``.
        figure_if_abstaining: its figure if none is given ``[Q]``.

    >>> fit_threshold(np.array([3.0, 1.0, 2.0]), np.array([1.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0]))
    AnswerThreshold(threshold=1.5, figure=1.0)
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    gains = np.concatenate([[0.0], np.cumsum((figure_if_answered - figure_if_abstaining)[order])])
    # The first k are answered: there is a score between them and the next one.
    apart = np.concatenate([[True], ranked[1:] < ranked[:-1], [ranked[-1] > -np.inf]]) & np.concatenate(
        [[True], ranked > -np.inf]
    )
    totals = np.where(apart, gains, -np.inf)
    count = len(totals) - 1 - int(totals[::-1].argmax())
    figure = float((figure_if_abstaining.sum() + gains[count]) / len(scores))
    lower = ranked[count] if count < len(ranked) else -np.inf
    if lower == -np.inf:
        return AnswerThreshold(None, figure)
    upper = ranked[count - 1] if count else lower + 2
    return AnswerThreshold(float((upper + lower) / 2), figure)
