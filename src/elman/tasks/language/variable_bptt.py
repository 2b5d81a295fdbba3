"""The number of tokens of each row per update, if it varies from update to update."""

import numpy as np

_SALT = 0x6C656E
"""Keeps these draws apart from all others of the same seed."""
_SPREAD = 5.0
SHORTEST = 20
"""The least ``bptt`` that can vary: half of it, and five tokens to either side, must still be a
chunk."""
MEAN_SHARE = 0.975
"""The mean length as a share of ``bptt``: one in twenty is half as long."""


def varied_length(bptt: int, *, seed: int, update: int) -> int:
    """Tokens of the given update: normal(bptt, 5), or in one of twenty updates normal(bptt / 2, 5).

    So chunks end at different positions in every epoch, and no position is always far from the
    gradient (Merity et al. 2018). Between 5 and bptt + 10, and the same for the same ``seed`` and
    ``update``, so that a resumed run repeats it.

    >>> [varied_length(70, seed=1, update=update) for update in range(6)]
    [71, 70, 68, 74, 73, 74]
    """
    rng = np.random.default_rng([_SALT, seed, update])
    mean = bptt if rng.random() < 0.95 else bptt / 2
    return int(np.clip(round(rng.normal(mean, _SPREAD)), 5, bptt + 2 * _SPREAD))
