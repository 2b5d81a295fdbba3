"""The windows of a block, and the words of a part in them.

Each of several threads trains with the words of its part alone. Their places lie together, so that
no thread looks at the words of another one.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.models.vectors.sampling import below, compiled, scrambled, state_at


class Windows(NamedTuple):
    """Of a block of N places, for one part."""

    first: NDArray[np.int64]
    """Where the window of each place begins, [N]; it is empty at sentence ends."""
    last: NDArray[np.int64]
    """Where it ends, [N]."""
    places: NDArray[np.int64]
    """The places of the part's words, in order."""
    rank: NDArray[np.int64]
    """How many words of the part stand before each place, [N + 1]: its words in the window of a
    place are ``places[rank[first] : rank[last]]``."""


def empty_windows(most: int) -> Windows:
    """Space for blocks of at most ``most`` places."""
    return Windows(*(np.zeros(most + 1, np.int64) for _ in Windows._fields))


@compiled
def fill_windows(windows, ids, base, window, shrink, key, part, own):
    """Find the windows of a block, each in its sentence, and the words of the part ``own``."""
    first, last, places, rank = windows
    count, begin, end = 0, 0, 0
    for place in range(len(ids)):
        rank[place] = count
        first[place] = last[place] = place
        if ids[place] >= 0:
            if place >= end:
                begin = end = place
                while end < len(ids) and ids[end] >= 0:
                    end += 1
            width = window - below(scrambled(state_at(key, base + place)), window) if shrink else window
            first[place], last[place] = max(place - width, begin), min(place + width + 1, end)
            places[count] = place
            count += part[ids[place]] == own
    rank[len(ids)] = count
