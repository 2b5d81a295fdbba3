"""Searches over one number, for costs that take seconds to compute."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_WORTH = 5e-4
"""The share of the cost that another step must save."""


def climb(
    cost: Callable[[float], float],
    start: float,
    *,
    factor: float,
    most: int = 8,
    within: tuple[float, float] = (0.0, math.inf),
) -> float:
    """The cheapest of ``start`` times powers of ``factor``, if the cost falls steadily from the
    start to it.

    Args:
        most: how many times ``cost`` is called at most.
        within: no point outside is evaluated.

    >>> climb(lambda value: abs(value - 7), 1.0, factor=2)
    8.0
    """
    best, cheapest = start, cost(start)
    asked = 1
    for step in (factor, 1 / factor):
        while asked < most and within[0] <= best * step <= within[1]:
            found = cost(best * step)
            asked += 1
            if not found < cheapest - (_WORTH * abs(cheapest) if math.isfinite(cheapest) else 0):
                break
            best, cheapest = best * step, found
        if best != start:
            break
    return best


def lowest(places: NDArray[np.float64], costs: NDArray[np.float64]) -> float:
    """The lowest point of the parabola through the cheapest of evenly spaced points and its
    neighbours.

    >>> lowest(np.array([0.0, 1.0, 2.0, 3.0]), np.array([4.5, 0.5, 0.5, 4.5]))
    1.5
    """
    at = int(np.clip(np.argmin(costs), 1, len(costs) - 2))
    below, here, above = costs[at - 1 : at + 2]
    bend = below - 2 * here + above
    shift = 0.5 * (below - above) / bend if bend > 0 else 0.0
    return float(places[at] + np.clip(shift, -1, 1) * (places[1] - places[0]))
