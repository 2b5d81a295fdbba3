"""Which rows can be the nearest, from 8 bits a number: a quarter of the memory traffic, the same
answer.

A row r of length one is kept as s q + e: whole numbers q from -127 to 127, a scale s, and the
length of what is lost, \\|e\\|. A question a becomes t p + f in the same way, with 16 bits. By
Cauchy and Schwarz,

    |a.r - t s (p.q)|  =  |a.e + f.(s q)|  <=  \\|a\\| \\|e\\| + \\|f\\| \\|s q\\|,

and p.q is exact in whole numbers. To this comes what float32 may round in the exact scores, at most
(D + 2) 2^-24 \\|a\\| \\|r\\|. If k rows score at least x in any case, rows that cannot reach x are
not among the k best; all others are scored exactly.
"""

import numpy as np
from numpy.typing import NDArray

from elman.models.vectors.lanes import BYTES, dot_of_bytes
from elman.models.vectors.sampling import compiled

Rows = NDArray[np.float32]
_BLOCK = 64
"""Rows of which the best is remembered."""
_MOST_CANDIDATES = 0.1
"""With a larger share of candidates, all rows might as well be scored."""


class EightBits:
    """Rows in 8 bits.

    Args:
        rows: ``[V, D]``
        norms: their lengths ``[V]``, above 0.
    """

    def __init__(self, rows: Rows, norms: Rows) -> None:
        count, self._size = rows.shape
        self.whole: NDArray[np.int8] = np.zeros((count, -(-self._size // BYTES) * BYTES), np.int8)
        """q of each row ``[V, D]``, and zeros up to a multiple of BYTES."""
        self.scales: Rows = np.empty(count, np.float32)
        """s of each row ``[V]``."""
        self._lost = np.empty(count, np.float32)
        self._lengths = np.empty(count, np.float32)
        _reduce(rows, norms, self.whole, self.scales, self._lost, self._lengths)

    def candidates(self, asked: Rows, count: int) -> NDArray[np.int64] | None:
        """All rows that can be among the ``count`` with the largest cosines to a unit vector, ties
        included, rising; None if they are not worth telling apart."""
        rows, size = len(self.whole), self._size
        if not np.isfinite(asked).all() or (rows + _BLOCK - 1) // _BLOCK < count:
            return None
        exact = asked.astype(np.float64)
        # The sum of D products must stay below 2^31.
        levels = min(32767, ((1 << 31) - 1) // (127 * size))
        step = max(np.abs(exact).max() / levels, 1e-300)
        whole = np.zeros(self.whole.shape[1], np.int16)
        whole[:size] = np.rint(exact / step)
        # Twice what float32 rounds, which also covers the rounding of the bounds themselves.
        rounding = (size + 16) * 2.0**-23 * max(1.0, float(np.linalg.norm(exact)))
        by_lost = float(np.linalg.norm(exact)) + rounding
        by_length = float(np.linalg.norm(exact - step * whole[:size])) + rounding
        upper = np.empty(rows, np.float32)
        best = np.empty((rows + _BLOCK - 1) // _BLOCK, np.float32)
        _scan(
            self.whole, self.scales, self._lost, self._lengths, whole, step, by_lost, by_length, upper, best
        )  # fmt: skip
        # Blocks have different rows: so many rows score at least this.
        least = np.partition(best, len(best) - count)[len(best) - count]
        found = np.flatnonzero(upper >= least)
        return found if len(found) <= max(_MOST_CANDIDATES * rows, count) else None


def eight_bit_rows(rows: Rows) -> tuple[NDArray[np.int8], Rows]:
    """Rows ``[V, D]`` as whole numbers from -127 to 127, and the scale of each row ``[V]``.

    >>> whole, scales = eight_bit_rows(np.array([[1, -2], [0, 0]], np.float32))
    >>> whole.tolist(), (whole * scales[:, None]).round(1).tolist()
    ([[64, -127], [0, 0]], [[1.0, -2.0], [0.0, 0.0]])
    """
    norms = np.maximum(np.sqrt(np.einsum("vd,vd->v", rows, rows)), np.float32(1e-30))
    coded = EightBits(rows, norms)
    return coded.whole[:, : rows.shape[1]], coded.scales * norms


@compiled
def _reduce(rows, norms, whole, scales, lost, lengths):
    for row in range(len(rows)):
        norm, largest = np.float64(norms[row]), 0.0
        for place in range(rows.shape[1]):
            largest = max(largest, abs(rows[row, place]) / norm)
        scale = np.float32(largest / 127)
        error, length = 0.0, 0.0
        for place in range(rows.shape[1]):
            number = rows[row, place] / norm
            kept = 0.0
            if scale > 0:
                kept = min(max(np.rint(number / scale), -127.0), 127.0)
            whole[row, place] = np.int8(kept)
            error += (number - scale * kept) ** 2
            length += (scale * kept) ** 2
        scales[row], lost[row], lengths[row] = scale, np.sqrt(error), np.sqrt(length)


@compiled
def _scan(whole, scales, lost, lengths, asked, step, by_lost, by_length, upper, best):
    for block in range(len(best)):
        largest = -np.inf
        for row in range(block * _BLOCK, min((block + 1) * _BLOCK, len(whole))):
            score = step * scales[row] * dot_of_bytes(whole, row, asked)
            bound = by_lost * lost[row] + by_length * lengths[row]
            upper[row] = score + bound
            largest = max(largest, score - bound)
        best[block] = largest
