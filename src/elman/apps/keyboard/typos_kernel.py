"""The costs of ``typos.py`` as machine code, which holds no lock of the interpreter."""

from typing import Any

import numpy as np
from numba import njit

# Without an explicit False, numba takes fastmath from whatever function calls first.
_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy", "fastmath": False}


@njit(**_OPTIONS)
def least_costs(codes, typed, replaced, too_much, left_out, first, exchanged, apostrophe, whole, most):
    """The least cost of typing a beginning of each word of ``codes[N, L]`` as ``typed[T]``, or the
    whole word, ``[N]``.

    Costs above ``most`` are infinite. The arguments are those of ``TypoIndex``: the costs
    ``replaced[T, C]`` of each letter typed as another, ``too_much[T, 3]`` of one too much (first,
    after another, after the same), and ``left_out[4]`` of one left out (first, after another, after
    the same, an apostrophe).
    """
    count, columns = codes.shape
    found = np.empty(count)
    rows, skipped = np.empty((3, columns + 1)), np.empty(columns)
    for word in range(count):
        size = 0
        rows[0, 0] = 0.0
        while size < columns and codes[word, size]:
            letter = codes[word, size]
            if letter == apostrophe:
                skipped[size] = left_out[3]
            elif size == 0:
                skipped[size] = left_out[0]
            else:
                skipped[size] = left_out[2 if letter == codes[word, size - 1] else 1]
            rows[0, size + 1] = rows[0, size] + skipped[size]
            size += 1
        least = 0.0
        for row in range(len(typed)):
            older, last, this = rows[(row + 2) % 3], rows[row % 3], rows[(row + 1) % 3]
            least_before, this[0] = least, last[0] + too_much[row, 0]
            least = this[0]
            for column in range(1, size + 1):
                here = codes[word, column - 1]
                same = here == typed[row]
                swap = replaced[row, here] + (first if column == 1 and not same else 0.0)
                cost = min(last[column - 1] + swap, this[column - 1] + skipped[column - 1])
                cost = min(cost, last[column] + too_much[row, 2 if same else 1])
                swapped = row > 0 and column > 1 and not same and here == typed[row - 1]
                if swapped and codes[word, column - 2] == typed[row]:
                    cost = min(cost, older[column - 2] + exchanged)
                this[column] = cost
                least = min(least, cost)
            # No later letter makes it cheaper, but for an exchange with the one before.
            if least > most and least_before > most:
                break
        end = rows[len(typed) % 3]
        best = end[size]
        if not whole:
            for column in range(size):
                best = min(best, end[column])
        if least > most or best > most:
            best = np.inf
        found[word] = best
    return found
