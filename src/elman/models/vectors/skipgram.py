"""Skip-gram with negative sampling (Mikolov et al. 2013), a block of text at a time.

For each centre word, all words of its window predict it against the same negative samples: with
contexts C ``[n, D]`` and targets T ``[1 + K, D]``, the centre first,

    S = C T'    G = rate (Y - sigmoid(S))    C += G T    T += G' C

where both products take the old values. A negative that is the centre itself counts for nothing.
This is word2vec's update with two differences: negatives are drawn once for each centre instead of
once for each pair, and T changes once for each centre (Ji et al. 2016). So the numbers are small
matrix products, which a processor computes several times as fast.
"""

import numpy as np
from numba import njit

from elman.models.vectors.sampling import bounds, draw_targets

fast = njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
TARGETS = 6
"""Targets are computed in groups of this many; what is left over in the last one is zero."""
LARGEST_SCORE = 12.0
_STEPS = 4096
_SCALE = np.float32(_STEPS / (2 * LARGEST_SCORE))
_ZERO, _LARGEST, _ONE = np.float32(0), np.float32(LARGEST_SCORE), np.float32(1)


def sigmoid_table() -> np.ndarray:
    """The logistic function between -12 and 12, for ``sigmoid``."""
    return (1 / (1 + np.exp(-np.linspace(-LARGEST_SCORE, LARGEST_SCORE, _STEPS + 1)))).astype(np.float32)


@fast
def sigmoid(score, table):
    """The logistic function by linear interpolation, exact to 2e-6; scores beyond 12 count as 12."""
    place = (min(max(score, -_LARGEST), _LARGEST) + _LARGEST) * _SCALE
    low = min(np.int64(place), _STEPS - 1)
    return table[low] + (place - np.float32(low)) * (table[low + 1] - table[low])


@fast
def train_skipgram(
    ids, base, inputs, outputs, window, shrink, negatives, noise, part, centres, contexts, key, rates, table, work
):
    """Train on the words ``ids`` of a block, those of ``noise`` being (members, first, last,
    thresholds, aliases).

    Only centres of the part ``centres`` and context words of the part ``contexts`` are used, so
    that threads share no row. ``rates`` are the learning rates at both ends of the block; ``work``
    is ``[2 (1 + K) + 4, D]``, with 1 + K rounded up to a multiple of TARGETS.
    """
    size, count = inputs.shape[1], len(ids)
    rows = (work.shape[0] - 4) // 2
    used = np.empty(rows, np.int64)
    gains = np.zeros((2, rows), np.float32)
    found = np.empty(2 * window, np.int64)
    for place in range(count):
        centre = ids[place]
        if centre < 0 or part[centre] != centres:
            continue
        begin, end, state = bounds(ids, base, place, window, shrink, key)
        contexts_found = 0
        for other in range(begin, end):
            if other != place and part[ids[other]] == contexts:
                found[contexts_found] = ids[other]
                contexts_found += 1
        if contexts_found == 0:
            continue
        rate = np.float32(rates[0] + (rates[1] - rates[0]) * place / count)
        targets, state = draw_targets(used, centre, negatives, noise, state)
        for row in range(targets):
            word = used[row]
            for i in range(size):
                work[row, i] = outputs[word, i]
                work[rows + row, i] = _ZERO
        for row in range(targets, rows):
            for i in range(size):
                work[row, i] = _ZERO
                work[rows + row, i] = _ZERO
        for pair in range(0, contexts_found - 1, 2):
            one, two = found[pair], found[pair + 1]
            for i in range(size):
                work[2 * rows, i] = inputs[one, i]
                work[2 * rows + 1, i] = inputs[two, i]
            _train_pair(work, rows, targets, gains, rate, table)
            for i in range(size):
                inputs[one, i] += work[2 * rows + 2, i]
            for i in range(size):
                inputs[two, i] += work[2 * rows + 3, i]
        if contexts_found % 2:
            one = found[contexts_found - 1]
            for i in range(size):
                work[2 * rows, i] = inputs[one, i]
            _train_one(work, rows, targets, gains, rate, table)
            for i in range(size):
                inputs[one, i] += work[2 * rows + 2, i]
        for row in range(targets):
            word = used[row]
            for i in range(size):
                outputs[word, i] += work[rows + row, i]


@fast
def _train_pair(work, rows, targets, gains, rate, table):
    """Two contexts against all targets: their changes go to the last rows of ``work``, those of the
    targets are added up in its second third."""
    size = work.shape[1]
    one, two = 2 * rows, 2 * rows + 1
    for row in range(0, rows, TARGETS):
        a0 = a1 = a2 = a3 = a4 = a5 = b0 = b1 = b2 = b3 = b4 = b5 = _ZERO
        for i in range(size):
            a, b = work[one, i], work[two, i]
            t = work[row, i]
            a0 += a * t
            b0 += b * t
            t = work[row + 1, i]
            a1 += a * t
            b1 += b * t
            t = work[row + 2, i]
            a2 += a * t
            b2 += b * t
            t = work[row + 3, i]
            a3 += a * t
            b3 += b * t
            t = work[row + 4, i]
            a4 += a * t
            b4 += b * t
            t = work[row + 5, i]
            a5 += a * t
            b5 += b * t
        gains[0, row], gains[0, row + 1], gains[0, row + 2] = a0, a1, a2
        gains[0, row + 3], gains[0, row + 4], gains[0, row + 5] = a3, a4, a5
        gains[1, row], gains[1, row + 1], gains[1, row + 2] = b0, b1, b2
        gains[1, row + 3], gains[1, row + 4], gains[1, row + 5] = b3, b4, b5
    _set_gains(gains, 0, targets, rate, table)
    _set_gains(gains, 1, targets, rate, table)
    _set_change(work, one, gains, 0)
    _set_change(work, two, gains, 1)
    for row in range(targets):
        a0, b0 = gains[0, row], gains[1, row]
        for i in range(size):
            work[rows + row, i] += a0 * work[one, i] + b0 * work[two, i]


@fast
def _train_one(work, rows, targets, gains, rate, table):
    """One context against all targets, as ``_train_pair``."""
    size, one = work.shape[1], 2 * rows
    for row in range(0, rows, TARGETS):
        a0 = a1 = a2 = a3 = a4 = a5 = _ZERO
        for i in range(size):
            a = work[one, i]
            a0 += a * work[row, i]
            a1 += a * work[row + 1, i]
            a2 += a * work[row + 2, i]
            a3 += a * work[row + 3, i]
            a4 += a * work[row + 4, i]
            a5 += a * work[row + 5, i]
        gains[0, row], gains[0, row + 1], gains[0, row + 2] = a0, a1, a2
        gains[0, row + 3], gains[0, row + 4], gains[0, row + 5] = a3, a4, a5
    _set_gains(gains, 0, targets, rate, table)
    _set_change(work, one, gains, 0)
    for row in range(targets):
        a0 = gains[0, row]
        for i in range(size):
            work[rows + row, i] += a0 * work[one, i]


@fast
def _set_gains(gains, which, targets, rate, table):
    """Turn scores into what gradients are multiplied by; of rows that are no target, zero."""
    for row in range(gains.shape[1]):
        label = _ONE if row == 0 else _ZERO
        gains[which, row] = rate * (label - sigmoid(gains[which, row], table)) if row < targets else _ZERO


@fast
def _set_change(work, context, gains, which):
    """The change of a context: all targets, each times its gain."""
    size = work.shape[1]
    for row in range(0, gains.shape[1], TARGETS):
        g0, g1, g2 = gains[which, row], gains[which, row + 1], gains[which, row + 2]
        g3, g4, g5 = gains[which, row + 3], gains[which, row + 4], gains[which, row + 5]
        for i in range(size):
            change = g0 * work[row, i] + g1 * work[row + 1, i] + g2 * work[row + 2, i]
            change += g3 * work[row + 3, i] + g4 * work[row + 4, i] + g5 * work[row + 5, i]
            work[context + 2, i] = change if row == 0 else work[context + 2, i] + change
