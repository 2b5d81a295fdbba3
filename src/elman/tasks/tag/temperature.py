"""The temperature of a tagger's probabilities, a CRF's included."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.inference.linear_chain import LinearChain
from elman.metrics.calibration import TEMPERATURES
from elman.tasks.tag.objective import mean_nats

_MOST_WORDS = 20_000
"""Sentences with about this many words are enough to fit one number."""
_STEPS = 20
_GOLDEN = (math.sqrt(5) - 1) / 2


def fit_chain_temperature(
    chain: LinearChain, scores: Sequence[NDArray[np.floating]], tags: Sequence[NDArray[np.int64]]
) -> float:
    """The temperature at which all scores divided by it predict each word's tag best.

    Fitted on validation data: it minimises the mean log loss of the words' probabilities, by a
    golden-section search over its logarithm.

    Args:
        scores: ``[T, K]`` for each sentence.
        tags: the true tags ``[T]``; -1 where training does not have the tag.

    Returns:
        A number within ``TEMPERATURES``; 1.0 where the loss only falls towards either end.

    >>> scores = [np.array([[3.0, 0.0]])] * 4  # three of four are right, where 95% are promised
    >>> tags = [np.array([tag]) for tag in (0, 0, 0, 1)]
    >>> round(fit_chain_temperature(LinearChain(2), scores, tags), 2)  # 3 / log(3)
    2.73
    """
    total = np.cumsum([len(own) for own in tags])
    most = int(np.searchsorted(total, _MOST_WORDS)) + 1
    scores, tags = [np.asarray(each, np.float64) for each in scores[:most]], tags[:most]

    def loss(log_temperature: float) -> float:
        temperature = math.exp(log_temperature)
        return mean_nats(chain.cooled(temperature), [each / temperature for each in scores], tags)

    low, high = map(math.log, TEMPERATURES)
    bounds = low, high
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(_STEPS):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = loss(right)
    found = (low + high) / 2
    return 1.0 if min(abs(found - bound) for bound in bounds) < 0.1 else math.exp(found)
