"""How readily a tagger of spans finds one: a constant that is taken from the scores of ``O``.

Maximum likelihood gives few spans where names differ from those of the training part: what a tagger
does not know is most often no name, so it finds too few, with high precision. F1 wants precision
and recall to be alike (Lipton et al. 2014 choose thresholds for it in the same way).
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_AMOUNTS = np.arange(-4, 17) / 4
"""What is tried, in nats."""
_WORTH = 0.005
"""The gain in F1 from which on a constant is used: less may be chance."""
_MOST_WORDS = 30_000
"""Sentences with about this many words are enough to fit one number."""

Scores = Sequence[NDArray[np.floating]]


class OutsideBias(NamedTuple):
    """What is taken from the scores of ``O``, and what comes of it."""

    amount: float
    """Nats; 0 where nothing is worth it."""
    figure: float
    """F1 with it, averaged with its neighbours."""


def fit_outside_bias(scores: Scores, outside: int, figure: Callable[[Scores], float], *, step: int = 1) -> OutsideBias:
    """What to take from the scores of ``O``, so that F1 on the validation part is best.

    Each F1 is averaged with its two neighbours, since it jumps on small parts.

    Args:
        scores: ``[T, K]`` for each sentence of the validation part.
        outside: the id of ``O``.
        figure: F1 of the first sentences, of their scores.
        step: only each so many-th amount is tried.

    >>> scores = [np.array([[0.0, amount]]) for amount in (0.5, 1.5, 3.5)]  # the first two are names
    >>> def f1(scores: Scores) -> float:
    ...     found = [int(each.argmax()) == 0 for each in scores]
    ...     return 2 * sum(found[:2]) / (sum(found) + 2)
    >>> fit_outside_bias(scores, 1, f1)
    OutsideBias(amount=2.5, figure=1.0)
    """
    most = int(np.searchsorted(np.cumsum([len(each) for each in scores]), _MOST_WORDS)) + 1
    some, amounts = scores[:most], _AMOUNTS[::step]
    figures = np.array([figure(less_outside(some, outside, amount)) for amount in amounts])
    smooth = np.convolve(np.pad(figures, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    nothing = int(np.flatnonzero(amounts == 0)[0])
    # Of equal ones that in the middle.
    best = np.flatnonzero(smooth >= smooth.max() - 1e-12)
    chosen = int(best[len(best) // 2])
    chosen = chosen if smooth[chosen] >= smooth[nothing] + _WORTH else nothing
    return OutsideBias(float(amounts[chosen]), float(smooth[chosen]))


def less_outside(scores: Scores, outside: int, amount: float) -> list[NDArray[np.floating]]:
    """The scores with ``amount`` less for ``O``."""
    taken = np.zeros(scores[0].shape[1] if len(scores) else 0, np.float32)
    taken[outside : outside + 1] = amount
    return [each - taken for each in scores]
