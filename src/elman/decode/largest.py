"""The largest of many numbers without sorting them all: what completion asks of V probabilities at
every key.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FEW = 64
"""Where more than one number in so many is wanted, sorting them all is as fast."""
_GROUPS = 256
_INSERTED = 32
"""Up to so many wanted ones are put in order one by one."""


def largest(values: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """Places of the ``count`` largest of ``values[V]``, the largest first; of equal ones the first
    come first.

    All of them where there are not so many. The numbers are seen in groups: as many groups as are
    wanted have a largest number that is at least the bound, so that as many numbers have, and only
    those need sorting.

    >>> largest(np.array([0.1, 0.7, 0.1, 0.9]), 3).tolist()
    [3, 1, 0]
    """
    kernel = _kernel() if 0 < count <= _INSERTED and len(values) >= 2 * _GROUPS else None
    if kernel is None:
        return by_groups(values, count)
    # Compiled for whole, writable arrays only: each other kind would be compiled by itself.
    return kernel(values if values.flags.carray else values.copy(), count)


def by_groups(values: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """The same without machine code."""
    groups = max(_GROUPS, 2 * count)
    if not count or len(values) < max(_FEW * count, 2 * groups):
        return np.argsort(-values, kind="stable")[:count]
    whole = len(values) // groups * groups
    heads = values[:whole].reshape(-1, groups).max(axis=0)
    bound = np.partition(heads, groups - count)[groups - count]
    found = (values >= bound).nonzero()[0]
    return found[np.argsort(-values[found], kind="stable")[:count]]


_compiled: Callable[..., Any] | None = None


def _kernel() -> Callable[..., Any] | None:
    """Machine code that takes a fifth of the time, where steps are machine code too: its start
    takes a while.
    """
    global _compiled
    if _compiled is None and "elman.inference.kernels" in sys.modules:
        from elman.decode.largest_kernel import largest_places

        _compiled = largest_places
    return _compiled
