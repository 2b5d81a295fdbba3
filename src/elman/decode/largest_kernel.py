"""What ``elman.decode.largest`` does, as machine code."""

import numpy as np

from elman.nn.vector_math import compiled

_GROUPS = 256


@compiled
def largest_places(values, count):
    """Places of the ``count`` largest of ``values[V]``, V at least 256 and ``count``; as
    ``largest`` orders them.
    """
    whole = len(values) // _GROUPS * _GROUPS
    heads = values[:_GROUPS].copy()
    for first in range(_GROUPS, whole, _GROUPS):
        part = values[first : first + _GROUPS]
        for j in range(_GROUPS):
            heads[j] = max(heads[j], part[j])
    # As many groups as are wanted have a largest number of at least the bound.
    best = np.full(count, -np.inf, values.dtype)
    for j in range(_GROUPS):
        if heads[j] > best[count - 1]:
            _insert(heads[j], best)
    bound = best[count - 1]
    best[:] = -np.inf
    found, held = np.zeros(count, np.int64), 0
    for j in range(_GROUPS):
        if heads[j] >= bound:
            for place in range(j, whole, _GROUPS):
                if values[place] >= bound:
                    held = _keep(values[place], place, best, found, held)
    for place in range(whole, len(values)):
        if values[place] >= bound:
            held = _keep(values[place], place, best, found, held)
    return found


@compiled
def _insert(value, best):
    at = len(best) - 1
    while at > 0 and best[at - 1] < value:
        best[at] = best[at - 1]
        at -= 1
    best[at] = value


@compiled
def _keep(value, place, best, found, held):
    """Put a number where it belongs among the ``held`` best; how many are held now."""
    at = held
    while at > 0 and (best[at - 1] < value or (best[at - 1] == value and found[at - 1] > place)):
        at -= 1
    if at == len(best):
        return held
    held = min(held + 1, len(best))
    for j in range(held - 1, at, -1):
        best[j], found[j] = best[j - 1], found[j - 1]
    best[at], found[at] = value, place
    return held
