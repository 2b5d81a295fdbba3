"""Models whose input is a mean of rows: CBOW (of the words around) and fastText (of subwords).

A mean h meets one or more groups of targets T ``[1 + K, D]``, the right one first, each with
negatives of its own:

    s = T h    g = rate (y - sigmoid(s))    e += g T    T += g h'

Then e is added to every row that h is the mean of, as word2vec's and fastText's programs do it.
Where several threads work, each owns a part of the target words and of the input rows. It trains
its target words on the whole block, while input rows rest; the errors e are kept, and added to the
input rows at the end of the block, each thread to its own rows.
"""

import numpy as np

from elman.models.vectors.sampling import bounds, draw_targets
from elman.models.vectors.skipgram import TARGETS, fast, sigmoid

_ZERO, _ONE = np.float32(0), np.float32(1)


@fast
def train_cbow(
    ids, base, inputs, outputs, window, shrink, negatives, noise, part, own, key, rates, table, work, errors
):
    """Train the centres of the part ``own`` on a block.

    ``errors`` is ``[N, D]`` and gets the errors of these centres; if it is empty, they are added to
    the input rows at once. ``work`` is ``[2, D]``, the mean and its error.
    """
    size, count, hidden, error = inputs.shape[1], len(ids), 0, 1
    targets = -(-(1 + negatives) // TARGETS) * TARGETS
    used, gains = np.empty(targets, np.int64), np.empty(targets, np.float32)
    for place in range(count):
        centre = ids[place]
        if centre < 0 or part[centre] != own:
            continue
        first, last, state = bounds(ids, base, place, window, shrink, key)
        if last - first < 2:
            continue
        rate = np.float32(rates[0] + (rates[1] - rates[0]) * place / count)
        for i in range(size):
            work[hidden, i] = _ZERO
            work[error, i] = _ZERO
        for other in range(first, last):
            if other != place:
                word = ids[other]
                for i in range(size):
                    work[hidden, i] += inputs[word, i]
        share = _ONE / np.float32(last - first - 1)
        for i in range(size):
            work[hidden, i] *= share
        _train_group(centre, state, outputs, negatives, noise, rate, table, work, used, gains)
        if len(errors):
            for i in range(size):
                errors[place, i] = work[error, i]
        else:
            for other in range(first, last):
                if other != place:
                    word = ids[other]
                    for i in range(size):
                        inputs[word, i] += work[error, i]


@fast
def spread_cbow(ids, base, inputs, window, shrink, part, own, key, errors):
    """Add the errors of a block to the input rows of the part ``own``."""
    size = inputs.shape[1]
    for place in range(len(ids)):
        if ids[place] < 0:
            continue
        first, last, _ = bounds(ids, base, place, window, shrink, key)
        for other in range(first, last):
            word = ids[other]
            if other != place and part[word] == own:
                for i in range(size):
                    inputs[word, i] += errors[place, i]


@fast
def train_subwords(
    ids, base, inputs, outputs, starts, rows, window, shrink, negatives, noise, part, own, key, rates, table, work,
    errors,
):  # fmt: skip
    """Train the mean of each word's rows to predict the words of its window that are of ``own``.

    The rows of word w are ``rows[starts[w] : starts[w + 1]]``. Other arguments as in
    ``train_cbow``.
    """
    size, count, hidden, error = inputs.shape[1], len(ids), 0, 1
    targets = -(-(1 + negatives) // TARGETS) * TARGETS
    used, gains = np.empty(targets, np.int64), np.empty(targets, np.float32)
    for place in range(count):
        centre = ids[place]
        if centre < 0:
            continue
        first, last, state = bounds(ids, base, place, window, shrink, key)
        rate = np.float32(rates[0] + (rates[1] - rates[0]) * place / count)
        for i in range(size):
            work[hidden, i] = _ZERO
            work[error, i] = _ZERO
        for at in range(starts[centre], starts[centre + 1]):
            row = rows[at]
            for i in range(size):
                work[hidden, i] += inputs[row, i]
        share = _ONE / np.float32(starts[centre + 1] - starts[centre])
        for i in range(size):
            work[hidden, i] *= share
        for other in range(first, last):
            if other != place and part[ids[other]] == own:
                state = _train_group(ids[other], state, outputs, negatives, noise, rate, table, work, used, gains)
        if len(errors):
            for i in range(size):
                errors[place, i] = work[error, i]
        else:
            for at in range(starts[centre], starts[centre + 1]):
                row = rows[at]
                for i in range(size):
                    inputs[row, i] += work[error, i]


@fast
def spread_subwords(ids, inputs, starts, rows, parts, own, errors, total):
    """Add the errors ``[parts, N, D]`` of a block to the input rows that are ``own`` modulo
    ``parts``; ``total`` is a row to work in."""
    size = inputs.shape[1]
    for place in range(len(ids)):
        word = ids[place]
        if word < 0:
            continue
        for i in range(size):
            total[i] = errors[0, place, i]
        for part in range(1, parts):
            for i in range(size):
                total[i] += errors[part, place, i]
        for at in range(starts[word], starts[word + 1]):
            row = rows[at]
            if row % parts == own:
                for i in range(size):
                    inputs[row, i] += total[i]


@fast
def _train_group(target, state, outputs, negatives, noise, rate, table, work, used, gains):
    """The mean, in the first row of ``work``, against a target and its negatives; the error is added
    to the second row."""
    size = work.shape[1]
    targets, state = draw_targets(used, target, negatives, noise, state)
    # What is left over in the last group stands for the target, and its gain is zero.
    for row in range(targets, len(used)):
        used[row] = target
    for row in range(0, len(used), TARGETS):
        a, b, c, d, e, f = used[row], used[row + 1], used[row + 2], used[row + 3], used[row + 4], used[row + 5]
        s0 = s1 = s2 = s3 = s4 = s5 = _ZERO
        for i in range(size):
            h = work[0, i]
            s0 += h * outputs[a, i]
            s1 += h * outputs[b, i]
            s2 += h * outputs[c, i]
            s3 += h * outputs[d, i]
            s4 += h * outputs[e, i]
            s5 += h * outputs[f, i]
        gains[row], gains[row + 1], gains[row + 2] = s0, s1, s2
        gains[row + 3], gains[row + 4], gains[row + 5] = s3, s4, s5
    for row in range(len(used)):
        label = _ONE if row == 0 else _ZERO
        gains[row] = rate * (label - sigmoid(gains[row], table)) if row < targets else _ZERO
    for row in range(0, len(used), TARGETS):
        a, b, c, d, e, f = used[row], used[row + 1], used[row + 2], used[row + 3], used[row + 4], used[row + 5]
        g0, g1, g2 = gains[row], gains[row + 1], gains[row + 2]
        g3, g4, g5 = gains[row + 3], gains[row + 4], gains[row + 5]
        for i in range(size):
            low = g0 * outputs[a, i] + g1 * outputs[b, i] + g2 * outputs[c, i]
            work[1, i] += low + g3 * outputs[d, i] + g4 * outputs[e, i] + g5 * outputs[f, i]
    # Only now, for all products above take the old values.
    for row in range(targets):
        gain, word = gains[row], used[row]
        for i in range(size):
            outputs[word, i] += gain * work[0, i]
    return state
