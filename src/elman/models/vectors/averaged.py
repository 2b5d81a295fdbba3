"""Models whose input is a mean of rows: CBOW (of the words around) and fastText (of subwords).

A mean h meets one or more groups of targets T ``[1 + K, D]``, the right one first, each with
negatives of its own:

    s = T h    g = rate (y - sigmoid(s))    e += g T    T += g h'

Then e is added to every row that h is the mean of, as word2vec's and fastText's programs do it. So
the mean of a word's subwords changes by e as well, and its next group of targets meets h + e.
Where several threads work, each owns a part of the target words and of the input rows. It trains
its target words on the whole block, while input rows rest; the errors e are kept, and added to the
input rows at the end of the block, each thread to its own rows. Means of subwords are computed
before, for all threads.
"""

import numpy as np

from elman.models.vectors.huffman import path_targets
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
from elman.models.vectors.sampling import draw_targets, state_at
from elman.models.vectors.skipgram import ask_for_contexts, fast, rows_of, target_space

_MEAN, _ERROR, _FIRST = 0, 1, 2


@fast
def train_cbow(ids, base, inputs, outputs, windows, negatives, noise, paths, key, rates, gains, work, errors):
    """Train the centres of a part on a block.

    ``errors`` is ``[N, D]`` and gets the errors of these centres; if it is empty, they are added to
    the input rows at once. ``gains``, ``[1, LANES]`` for each group of targets, and ``work``,
    ``[2, D]``, are to work in.
    """
    count, size = len(ids), inputs.shape[1]
    used, times, labels = target_space(gains)
    next_used, next_times, next_labels = target_space(gains)
    next_targets = 0
    found, asked = np.empty(count, np.int64), 0
    last = windows.rank[count]
    for number in range(-1, last):
        used, next_used, times, next_times = next_used, used, next_times, times
        labels, next_labels, targets = next_labels, labels, next_targets
        # The next centre's rows come from far away while this one is trained.
        if number + 1 < last:
            place = windows.places[number + 1]
            # Not in a function, which would count references to each array of noise and paths.
            if negatives:
                state = state_at(key, base + place)
                next_targets, state = draw_targets(next_used, next_times, ids[place], negatives, noise, state)
            else:
                next_targets = path_targets(next_used, next_times, next_labels, ids[place], paths)
            for row in range(next_targets):
                prefetch(outputs, next_used[row])
            asked = ask_for_contexts(inputs, ids, windows, place, asked)
        if number < 0:
            continue
        place, contexts = windows.places[number], 0
        for other in range(windows.first[place], windows.last[place]):
            if other != place:
                found[contexts] = ids[other]
                contexts += 1
        if contexts == 0:
            continue
        _average(inputs, found, 0, contexts, work, _MEAN)
        for i in range(0, size, LANES):
            store(work, _ERROR, i, spread(np.float32(0)))
        _train_group(used, times, labels, targets, outputs, _rate(rates, place, count), gains, work)
        if len(errors):
            _copy(errors, place, work, _ERROR)
        else:
            _add_error(inputs, found, 0, contexts, work)


@fast
def spread_cbow(ids, inputs, windows, window, errors):
    """Add the errors of a block to the input rows of a part: to each word those of all centres in
    whose windows it stands."""
    count, size = len(ids), inputs.shape[1]
    found = np.empty(2 * window + 1, np.int64)
    for number in range(windows.rank[count]):
        place = windows.places[number]
        centres = 0
        for centre in range(max(place - window, 0), min(place + window + 1, count)):
            found[centres] = centre
            centres += (windows.first[centre] <= place) & (place < windows.last[centre]) & (centre != place)
        for i in range(0, size, LANES):
            total = load(inputs, ids[place], i)
            for centre in range(centres):
                total = total + load(errors, found[centre], i)
            store(inputs, ids[place], i, total)


@fast
def mean_subwords(ids, inputs, starts, rows, first, last, means):
    """The mean of the rows of each word from ``first`` to ``last`` - 1, where several threads need
    it."""
    for place in range(first, last):
        _ask_for(inputs, ids, place + 1, last, starts, rows)
        if ids[place] >= 0:
            _average(inputs, rows, starts[ids[place]], starts[ids[place] + 1], means, place)


@fast
def train_subwords(
    ids, base, inputs, outputs, starts, rows, windows, negatives, noise, key, rates, gains, work, means, errors
):
    """Train the mean of each word's rows to predict the words of its window that are of a part.

    The rows of word w are ``rows[starts[w] : starts[w + 1]]``; their ``means`` ``[N, D]`` are
    computed here, and the errors added to them at once, if ``errors`` is empty. Other arguments as
    in ``train_cbow``; ``work`` is ``[3, D]``.
    """
    count, size = len(ids), inputs.shape[1]
    used, times, labels = target_space(gains)
    next_used, next_times, _ = target_space(gains)
    next_targets, found = 0, np.empty(count, np.int64)
    alone = len(errors) == 0
    for place in range(count):
        centre = ids[place]
        if centre < 0:
            continue
        if alone:
            _ask_for(inputs, ids, place + 1, count, starts, rows)
            _average(inputs, rows, starts[centre], starts[centre + 1], work, _FIRST)
        else:
            _copy(work, _FIRST, means, place)
        for i in range(0, size, LANES):
            store(work, _MEAN, i, load(work, _FIRST, i))
            store(work, _ERROR, i, spread(np.float32(0)))
        contexts = 0
        for other in range(windows.rank[windows.first[place]], windows.rank[windows.last[place]]):
            if windows.places[other] != place:
                found[contexts] = ids[windows.places[other]]
                contexts += 1
        state = state_at(key, base + place)
        if contexts:
            next_targets, state = draw_targets(next_used, next_times, found[0], negatives, noise, state)
        for context in range(contexts):
            used, next_used, times, next_times, targets = next_used, used, next_times, times, next_targets
            if context + 1 < contexts:
                next_targets, state = draw_targets(next_used, next_times, found[context + 1], negatives, noise, state)
                for row in range(next_targets):
                    prefetch(outputs, next_used[row])
            _train_group(used, times, labels, targets, outputs, _rate(rates, place, count), gains, work)
            for i in range(0, size, LANES):
                store(work, _MEAN, i, load(work, _FIRST, i) + load(work, _ERROR, i))
        if not alone:
            _copy(errors, place, work, _ERROR)
        elif contexts:
            _add_error(inputs, rows, starts[centre], starts[centre + 1], work)


@fast
def spread_subwords(ids, inputs, starts, rows, errors, work):
    """Add the errors ``[parts, N, D]`` of a block to those input ``rows`` of each word that are one
    part's own."""
    for place in range(len(ids)):
        word = ids[place]
        if word < 0:
            continue
        _ask_for(inputs, ids, place + 1, len(ids), starts, rows)
        for i in range(0, inputs.shape[1], LANES):
            total = load(errors[0], place, i)
            for part in range(1, len(errors)):
                total = total + load(errors[part], place, i)
            store(work, _ERROR, i, total)
        _add_error(inputs, rows, starts[word], starts[word + 1], work)


@fast
def _ask_for(inputs, ids, place, last, starts, rows):
    """The rows of the next word come from far away while this one is worked on."""
    if place < last and ids[place] >= 0:
        for at in range(starts[ids[place]], starts[ids[place] + 1]):
            prefetch(inputs, rows[at])


@fast
def _rate(rates, place, count):
    return np.float32(rates[0] + (rates[1] - rates[0]) * place / count)


@fast
def _average(inputs, rows, first, last, means, place):
    """Store the mean of some rows as a row of ``means``."""
    share = spread(np.float32(1) / np.float32(last - first))
    for i in range(0, inputs.shape[1], LANES):
        total = spread(np.float32(0))
        for at in range(first, last):
            total = total + load(inputs, rows[at], i)
        store(means, place, i, total * share)


@fast
def _copy(target, place, source, row):
    for i in range(0, source.shape[1], LANES):
        store(target, place, i, load(source, row, i))


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
