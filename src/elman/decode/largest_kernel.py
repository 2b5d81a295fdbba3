"""``elman.decode.largest`` as machine code."""

import numpy as np

from elman.nn.vector_math import compiled

_GROUPS = 256


@compiled
def largest_indices(values, count):
    """Indices of the ``count`` largest of ``values[V]``, V at least 256 and ``count``, in the order
    of ``largest``.
    """
    whole = len(values) // _GROUPS * _GROUPS
    heads = values[:_GROUPS].copy()
    for first in range(_GROUPS, whole, _GROUPS):
        part = values[first : first + _GROUPS]
        for j in range(_GROUPS):
            heads[j] = max(heads[j], part[j])
    # ``count`` groups have a maximum of at least the bound.
    best = np.full(count, -np.inf, values.dtype)
    for j in range(_GROUPS):
        if heads[j] > best[count - 1]:
            _insert(heads[j], best)
    bound = best[count - 1]
    best[:] = -np.inf
    indices, held = np.zeros(count, np.int64), 0
    for j in range(_GROUPS):
        if heads[j] >= bound:
            for index in range(j, whole, _GROUPS):
                if values[index] >= bound:
                    held = _keep(values[index], index, best, indices, held)
    for index in range(whole, len(values)):
        if values[index] >= bound:
            held = _keep(values[index], index, best, indices, held)
    return indices


@compiled
def _insert(value, best):
    at = len(best) - 1
    while at > 0 and best[at - 1] < value:
        best[at] = best[at - 1]
        at -= 1
    best[at] = value


@compiled
def _keep(value, index, best, indices, held):
    """Insert a number into the ``held`` best; returns how many are held now."""
    at = held
    while at > 0 and (best[at - 1] < value or (best[at - 1] == value and indices[at - 1] > index)):
        at -= 1
    if at == len(best):
        return held
    held = min(held + 1, len(best))
    for j in range(held - 1, at, -1):
        best[j], indices[j] = best[j - 1], indices[j - 1]
    best[at], indices[at] = value, index
    return held
