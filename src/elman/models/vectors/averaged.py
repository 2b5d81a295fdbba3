"""Models whose input is a mean of rows: CBOW (of the words around) and fastText (of subwords).

A mean h meets one or more groups of targets T ``[1 + K, D]``, the right one first, each with
negatives of its own:

    s = T h    g = rate (y - sigmoid(s))    e += g T    T += g h'

Then e is added to every row that h is the mean of, as word2vec's and fastText's programs do it. So
the mean of a word's subwords changes by e as well, and its next group of targets meets h + e.
Where several threads work, each owns a part of the target words and of the input rows. It trains
its target words on the whole block, while input rows rest; the errors e are kept, and added to the
input rows at the end of the block, each thread to its own rows.
"""

import numpy as np

from elman.models.vectors.lanes import (
    LANES,
    TARGETS,
    fused,
    load,
    load_group,
    load_spread,
    logistic,
    prefetch,
    spread,
    store,
    totals,
)
from elman.models.vectors.sampling import (
    bounds,
    draw_targets,
    state_at,
)
from elman.models.vectors.skipgram import fast, rows_of, target_space, targets_of

_MEAN, _ERROR, _FIRST = 0, 1, 2


@fast
def train_cbow(
    ids, base, inputs, outputs, window, shrink, negatives, noise, paths, part, own, key, rates, gains, work, errors
):
    """Train the centres of the part ``own`` on a block.

    ``errors`` is ``[N, D]`` and gets the errors of these centres; if it is empty, they are added to
    the input rows at once. ``gains``, ``[1, LANES]`` for each group of targets, and ``work``,
    ``[2, D]``, are to work in.
    """
    count, size = len(ids), inputs.shape[1]
    used, times, labels = target_space(gains)
    next_used, next_times, next_labels = target_space(gains)
    next_targets, drawn_for = 0, -1
    found = np.empty(2 * window, np.int64)
    for place in range(count):
        centre = ids[place]
        if centre < 0 or part[centre] != own:
            continue
        if drawn_for != place:
            next_targets = targets_of(
                next_used, next_times, next_labels, centre, negatives, noise, paths, state_at(key, base + place)
            )[0]
        used, next_used, times, next_times = next_used, used, next_times, times
        labels, next_labels, targets = next_labels, labels, next_targets
        # The next centre's rows come from far away while this one is trained.
        if place + 1 < count and ids[place + 1] >= 0 and part[ids[place + 1]] == own:
            drawn_for = place + 1
            next_targets = targets_of(
                next_used, next_times, next_labels, ids[drawn_for], negatives, noise, paths,
                state_at(key, base + drawn_for),
            )[0]  # fmt: skip
            for row in range(next_targets):
                prefetch(outputs, next_used[row])
        first, last, _ = bounds(ids, base, place, window, shrink, key)
        if last - first < 2:
            continue
        contexts = 0
        for other in range(first, last):
            if other != place:
                found[contexts] = ids[other]
                contexts += 1
        _average(inputs, found, 0, contexts, work)
        _train_group(used, times, labels, targets, outputs, _rate(rates, place, count), gains, work)
        if len(errors):
            for i in range(0, size, LANES):
                store(errors, place, i, load(work, _ERROR, i))
        else:
            _add_error(inputs, found, 0, contexts, work)


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
                for i in range(0, size, LANES):
                    store(inputs, word, i, load(inputs, word, i) + load(errors, place, i))


@fast
def train_subwords(
    ids,
    base,
    inputs,
    outputs,
    starts,
    rows,
    window,
    shrink,
    negatives,
    noise,
    part,
    own,
    key,
    rates,
    gains,
    work,
    errors,
):
    """Train the mean of each word's rows to predict the words of its window that are of ``own``.

    The rows of word w are ``rows[starts[w] : starts[w + 1]]``. Other arguments as in
    ``train_cbow``.
    """
    count, size = len(ids), inputs.shape[1]
    used, times, labels = target_space(gains)
    next_used, next_times, _ = target_space(gains)
    found = np.empty(2 * window, np.int64)
    for place in range(count):
        centre = ids[place]
        if centre < 0:
            continue
        # The next centre's rows come from far away while this one is trained.
        if place + 1 < count and ids[place + 1] >= 0:
            for at in range(starts[ids[place + 1]], starts[ids[place + 1] + 1]):
                prefetch(inputs, rows[at])
        first, last, state = bounds(ids, base, place, window, shrink, key)
        contexts = 0
        for other in range(first, last):
            if other != place and part[ids[other]] == own:
                found[contexts] = ids[other]
                contexts += 1
        _average(inputs, rows, starts[centre], starts[centre + 1], work)
        if contexts:
            next_targets, state = draw_targets(next_used, next_times, found[0], negatives, noise, state)
            for i in range(0, size, LANES):
                store(work, _FIRST, i, load(work, _MEAN, i))
        for context in range(contexts):
            used, next_used, times, next_times, targets = next_used, used, next_times, times, next_targets
            if context + 1 < contexts:
                next_targets, state = draw_targets(next_used, next_times, found[context + 1], negatives, noise, state)
                for row in range(next_targets):
                    prefetch(outputs, next_used[row])
            _train_group(used, times, labels, targets, outputs, _rate(rates, place, count), gains, work)
            for i in range(0, size, LANES):
                store(work, _MEAN, i, load(work, _FIRST, i) + load(work, _ERROR, i))
        if len(errors):
            for i in range(0, size, LANES):
                store(errors, place, i, load(work, _ERROR, i))
        elif contexts:
            _add_error(inputs, rows, starts[centre], starts[centre + 1], work)


@fast
def spread_subwords(ids, inputs, starts, rows, parts, own, errors, work):
    """Add the errors ``[parts, N, D]`` of a block to the input rows that are ``own`` modulo
    ``parts``."""
    size = inputs.shape[1]
    for place in range(len(ids)):
        word = ids[place]
        if word < 0:
            continue
        for i in range(0, size, LANES):
            total = load(errors[0], place, i)
            for part in range(1, parts):
                total = total + load(errors[part], place, i)
            store(work, _ERROR, i, total)
        for at in range(starts[word], starts[word + 1]):
            row = rows[at]
            if row % parts == own:
                for i in range(0, size, LANES):
                    store(inputs, row, i, load(inputs, row, i) + load(work, _ERROR, i))


@fast
def _rate(rates, place, count):
    return np.float32(rates[0] + (rates[1] - rates[0]) * place / count)


@fast
def _average(inputs, rows, first, last, work):
    """The mean of some rows; its error begins at zero."""
    size, zero = inputs.shape[1], spread(np.float32(0))
    share = spread(np.float32(1) / np.float32(last - first))
    for i in range(0, size, LANES):
        total = zero
        for at in range(first, last):
            total = total + load(inputs, rows[at], i)
        store(work, _MEAN, i, total * share)
        store(work, _ERROR, i, zero)


@fast
def _add_error(inputs, rows, first, last, work):
    size = inputs.shape[1]
    for at in range(first, last):
        row = rows[at]
        for i in range(0, size, LANES):
            store(inputs, row, i, load(inputs, row, i) + load(work, _ERROR, i))


@fast
def _train_group(used, times, labels, targets, outputs, rate, gains, work):
    """The mean against a target and its negatives; what it has to change by is added to its
    error."""
    size, zero, groups = outputs.shape[1], spread(np.float32(0)), -(-targets // TARGETS)
    for group in range(groups):
        a, b, c, d, e, f = rows_of(used, group)
        s0 = s1 = s2 = s3 = s4 = s5 = zero
        for i in range(0, size, LANES):
            x = load(work, _MEAN, i)
            s0, s1 = fused(x, load(outputs, a, i), s0), fused(x, load(outputs, b, i), s1)
            s2, s3 = fused(x, load(outputs, c, i), s2), fused(x, load(outputs, d, i), s3)
            s4, s5 = fused(x, load(outputs, e, i), s4), fused(x, load(outputs, f, i), s5)
        label, rated = load_group(labels, group), load_group(times, group) * spread(rate)
        gain = rated * (label - logistic(totals(s0, s1, s2, s3, s4, s5)))
        store(gains, 0, LANES * group, gain)
    for group in range(groups):
        a, b, c, d, e, f = rows_of(used, group)
        at = LANES * group
        g0, g1, g2 = load_spread(gains, 0, at), load_spread(gains, 0, at + 1), load_spread(gains, 0, at + 2)
        at += 3
        g3, g4, g5 = load_spread(gains, 0, at), load_spread(gains, 0, at + 1), load_spread(gains, 0, at + 2)
        for i in range(0, size, LANES):
            x = load(work, _MEAN, i)
            t0, t1, t2 = load(outputs, a, i), load(outputs, b, i), load(outputs, c, i)
            t3, t4, t5 = load(outputs, d, i), load(outputs, e, i), load(outputs, f, i)
            low = fused(g2, t2, fused(g1, t1, fused(g0, t0, load(work, _ERROR, i))))
            store(work, _ERROR, i, low + fused(g5, t5, fused(g4, t4, g3 * t3)))
            # The first row comes last, for it also stands where a group has fewer.
            store(outputs, f, i, fused(g5, x, t5))
            store(outputs, e, i, fused(g4, x, t4))
            store(outputs, d, i, fused(g3, x, t3))
            store(outputs, c, i, fused(g2, x, t2))
            store(outputs, b, i, fused(g1, x, t1))
            store(outputs, a, i, fused(g0, x, t0))
