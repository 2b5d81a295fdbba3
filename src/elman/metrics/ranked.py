"""The ranked probability score of ordered outcomes (Epstein 1969)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ranked_scores(truth: NDArray[np.integer], probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """The score of each example ``[N]``: the squared distance of cumulated probabilities from what
    came, divided by K - 1. 0 is perfect, 1 the worst.

    Args:
        truth: ids of the outcomes ``[N]``, in their order.
        probabilities: ``[N, K]``.

    >>> ranked_scores(np.array([0, 2]), np.array([[1.0, 0, 0], [0.5, 0.25, 0.25]])).tolist()
    [0.0, 0.40625]
    """
    outcomes = probabilities.shape[1]
    came = truth[:, None] <= np.arange(outcomes - 1)
    return ((probabilities.astype(np.float64).cumsum(axis=1)[:, :-1] - came) ** 2).sum(axis=1) / (outcomes - 1)
