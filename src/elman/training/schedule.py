"""Learning-rate schedules: functions from the update to a factor of the peak rate."""

import math
from collections.abc import Callable
from typing import Literal

ScheduleName = Literal["one-cycle", "constant"]


def make_schedule(
    name: ScheduleName, *, updates: int, warmup: float = 0.1, floor: float = 0.01
) -> Callable[[int], float]:
    """A function ``update -> factor`` in 0..1.

    Args:
        name: ``one-cycle``: up in a straight line over the ``warmup`` share of the run, then down along half
            a cosine to ``floor`` (Smith 2018, with a cosine for the way down); ``constant``: up the same
            way, then level.
        updates: length of the run.

    >>> factor = make_schedule("one-cycle", updates=100, warmup=0.1)
    >>> [round(factor(update), 3) for update in (0, 9, 55, 99)]
    [0.1, 1.0, 0.488, 0.01]
    """
    rising = max(1, round(updates * warmup))

    def factor(update: int) -> float:
        if update < rising:
            return (update + 1) / rising
        if name == "constant":
            return 1.0
        through = (update + 1 - rising) / max(1, updates - rising)
        return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, through)))

    return factor
