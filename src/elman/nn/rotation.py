"""Rotary positions (Su et al. 2021): how fast each pair of units turns, without torch."""

import numpy as np
from numpy.typing import NDArray

BASE = 10_000.0
"""The slowest pair of units turns by about one over this a step."""


def speeds_of(pairs: int) -> NDArray[np.float64]:
    """Radians that each of a head's ``pairs`` turns by in a step, ``[pairs]``: 1 for the first, then ever fewer.

    >>> speeds_of(2).round(4).tolist()
    [1.0, 0.01]
    """
    return BASE ** (-np.arange(pairs) / pairs)
