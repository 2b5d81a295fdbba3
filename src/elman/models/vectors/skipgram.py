"""Skip-gram with negative sampling (Mikolov et al. 2013), a block of text at a time.

For each centre word, all words of its window predict it against the same negative samples: with
contexts C ``[n, D]`` and targets T ``[1 + K, D]``, the centre first,

    S = C T'    G = rate (Y - sigmoid(S))    C += G T    T += G' C

where both products take the old values. A negative that is the centre itself counts for nothing.
This is word2vec's update but for two things: negatives are drawn once for each centre instead of
once for each pair, and T changes once for each centre (Ji et al. 2016). So the numbers are small
matrix products, which a processor computes several times as fast.
"""

import numpy as np
from numba import njit

from elman.models.vectors.sampling import below, drawn, next_state, scrambled, state_at

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
    members, first, last, thresholds, aliases = noise
    size, count = inputs.shape[1], len(ids)
    rows = (work.shape[0] - 4) // 2
    used = np.empty(rows, np.int64)
    gains = np.zeros((2, rows), np.float32)
    found = np.empty(2 * window, np.int64)
    for place in range(count):
        centre = ids[place]
        if centre < 0 or part[centre] != centres:
            continue
        state = state_at(key, base + place)
        width = window
        if shrink:
            width -= below(scrambled(state), window)
        contexts_found = 0
        left = place - 1
        while left >= 0 and place - left <= width and ids[left] >= 0:
            if part[ids[left]] == contexts:
                found[contexts_found] = ids[left]
                contexts_found += 1
            left -= 1
        right = place + 1
        while right < count and right - place <= width and ids[right] >= 0:
            if part[ids[right]] == contexts:
                found[contexts_found] = ids[right]
                contexts_found += 1
            right += 1
        if contexts_found == 0:
            continue
        rate = np.float32(rates[0] + (rates[1] - rates[0]) * place / count)
        used[0] = centre
        targets = 1
        for _ in range(negatives):
            state = next_state(state)
            word = members[drawn(scrambled(state), first, last, thresholds, aliases)]
            if word != centre:
                used[targets] = word
                targets += 1
        for row in range(targets):
            word = used[row]
            for i in range(size):
                work[row, i] = outputs[word, i]
                work[rows + row, i] = _ZERO
        for row in range(targets, rows):
            for i in range(size):
                work[row, i] = _ZERO
                work[rows + row, i] = _ZERO
        for pair in range(0, contexts_found, 2):
            one = found[pair]
            alone = pair + 1 == contexts_found
            two = one if alone else found[pair + 1]
            for i in range(size):
                work[2 * rows, i] = inputs[one, i]
                work[2 * rows + 1, i] = inputs[two, i]
            _train_pair(work, rows, targets, gains, rate, table, alone)
            for i in range(size):
                inputs[one, i] += work[2 * rows + 2, i]
            if not alone:
                for i in range(size):
                    inputs[two, i] += work[2 * rows + 3, i]
        for row in range(targets):
            word = used[row]
            for i in range(size):
                outputs[word, i] += work[rows + row, i]


@fast
def _train_pair(work, rows, targets, gains, rate, table, alone):
    """Two contexts against all targets: their changes go to the last rows of ``work``, those of the
    targets are added up in its second third."""
    size = work.shape[1]
    one, two = 2 * rows, 2 * rows + 1
    for i in range(size):
        work[one + 2, i] = _ZERO
        work[two + 2, i] = _ZERO
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
    for row in range(rows):
        label = _ONE if row == 0 else _ZERO
        gains[0, row] = rate * (label - sigmoid(gains[0, row], table)) if row < targets else _ZERO
        gains[1, row] = rate * (label - sigmoid(gains[1, row], table)) if row < targets and not alone else _ZERO
    for row in range(0, rows, TARGETS):
        a0, a1, a2 = gains[0, row], gains[0, row + 1], gains[0, row + 2]
        a3, a4, a5 = gains[0, row + 3], gains[0, row + 4], gains[0, row + 5]
        b0, b1, b2 = gains[1, row], gains[1, row + 1], gains[1, row + 2]
        b3, b4, b5 = gains[1, row + 3], gains[1, row + 4], gains[1, row + 5]
        for i in range(size):
            t0, t1, t2 = work[row, i], work[row + 1, i], work[row + 2, i]
            t3, t4, t5 = work[row + 3, i], work[row + 4, i], work[row + 5, i]
            work[one + 2, i] += a0 * t0 + a1 * t1 + a2 * t2 + a3 * t3 + a4 * t4 + a5 * t5
            work[two + 2, i] += b0 * t0 + b1 * t1 + b2 * t2 + b3 * t3 + b4 * t4 + b5 * t5
    for row in range(targets):
        a0, b0 = gains[0, row], gains[1, row]
        for i in range(size):
            work[rows + row, i] += a0 * work[one, i] + b0 * work[two, i]
