"""Learning-rate schedules: functions from the update to a factor of the peak rate."""

import math
from collections.abc import Callable
from typing import Literal

ScheduleName = Literal["one-cycle", "linear", "trapezoid", "constant"]


def make_schedule(
    name: ScheduleName, *, updates: int, warmup: float = 0.1, cooldown: float = 0.2, floor: float = 0.01
) -> Callable[[int], float]:
    """A function ``update -> factor`` in 0..1.

    Args:
        name: all go up in a straight line over the ``warmup`` share of the run. Then ``one-cycle``:
            down along half a cosine to ``floor`` (Smith 2018, with a cosine for the way down);
            ``linear``: down in a straight line; ``trapezoid``: level, and down in a straight line
            over the ``cooldown`` share at the end (Hu et al. 2024: warm-up, stable, decay);
            ``constant``: level.
        updates: length of the run.

    >>> factor = make_schedule("one-cycle", updates=100, warmup=0.1)
    >>> [round(factor(update), 3) for update in (0, 9, 55, 99)]
    [0.1, 1.0, 0.488, 0.01]
    >>> factor = make_schedule("trapezoid", updates=100, warmup=0.1, cooldown=0.2)
    >>> [round(factor(update), 3) for update in (0, 9, 79, 89, 99)]
    [0.1, 1.0, 1.0, 0.505, 0.01]
    """
    rising = max(1, round(updates * warmup))
    falling = updates - max(1, round(updates * cooldown)) if name == "trapezoid" else rising

    def factor(update: int) -> float:
        if update < rising:
            return (update + 1) / rising
        if name == "constant" or update < falling:
            return 1.0
        through = min(1.0, (update + 1 - falling) / max(1, updates - falling))
        left = 0.5 * (1 + math.cos(math.pi * through)) if name == "one-cycle" else 1 - through
        return floor + (1 - floor) * left

    return factor
