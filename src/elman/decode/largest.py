"""The largest of many numbers without sorting them all, as completion needs at every key."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FEW = 64
"""If more than one number in this many is wanted, sorting them all is as fast."""
_GROUPS = 256
_INSERTED = 64
"""Up to this many wanted numbers are sorted by insertion."""


def largest(values: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """Indices of the ``count`` largest of ``values[V]``, largest first, ties by index.

    With fewer values, all indices. The values are split into groups, and the bound is the
    ``count``-th largest of the groups' maxima. At least ``count`` values reach it, and only those
    are sorted.

    >>> largest(np.array([0.1, 0.7, 0.1, 0.9]), 3).tolist()
    [3, 1, 0]
    """
    kernel = _kernel() if 0 < count <= _INSERTED and len(values) >= 2 * _GROUPS else None
    if kernel is None:
        return by_groups(values, count)
    # Compiled for whole, writable arrays only: each other kind would be compiled by itself.
    return kernel(values if values.flags.carray else values.copy(), count)


def by_groups(values: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """``largest`` without machine code."""
    groups = max(_GROUPS, 2 * count)
    if not count or len(values) < max(_FEW * count, 2 * groups):
        return np.argsort(-values, kind="stable")[:count]
    whole = len(values) // groups * groups
    heads = values[:whole].reshape(-1, groups).max(axis=0)
    bound = np.partition(heads, groups - count)[groups - count]
    candidates = (values >= bound).nonzero()[0]
    return candidates[np.argsort(-values[candidates], kind="stable")[:count]]


_compiled: Callable[..., Any] | None = None


def _kernel() -> Callable[..., Any] | None:
    """Machine code that takes a fifth of the time, if the engine's is in use; loading it takes a
    while.
    """
    global _compiled
    if _compiled is None and "elman.inference.kernels" in sys.modules:
        from elman.decode.largest_kernel import largest_indices

        _compiled = largest_indices
    return _compiled
