"""Skip-gram with negative sampling (Mikolov et al. 2013), a block of text at a time.

For each centre word, all words of its window predict it against the same negative samples: with
contexts C ``[n, D]`` and targets T ``[1 + K, D]``, the centre first,

    S = C T'    G = rate (Y - sigmoid(S))    C += G T    T += G' C

where all products take the old values. A negative that is the centre itself counts for nothing.
This is word2vec's update with two differences: negatives are drawn once for each centre instead of
once for each pair, and rows change once for each centre (Ji et al. 2016). So the numbers are small
matrix products, which a processor computes several times as fast. With hierarchical softmax, T are
the inner nodes on the centre's path in a binary tree, and Y the right answers there.
"""

import numpy as np
from numba import njit

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
    prefetch_to_read,
    spread,
    store,
    totals,
)
from elman.models.vectors.sampling import counted, draw_targets, state_at

fast = njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})


@fast
def train_skipgram(ids, base, inputs, outputs, windows, negatives, noise, paths, key, rates, gains, work, errors):
    """Train the centres of a part on the words ``ids`` of a block, against negatives of ``noise``,
    or, where ``negatives`` is 0, along the ``paths`` of hierarchical softmax.

    ``rates`` are the learning rates at both ends of the block. ``errors``, ``[N, D]``, gets what
    the context at each place has to change by; if it is empty, contexts change at once. ``gains``,
    ``[W, LANES]`` for each group of targets, and ``work``, ``[W, D]``, W the most words of a
    window, are to work in.
    """
    count, most, alone = len(ids), len(work), len(errors) == 0
    used, times, labels = target_space(gains)
    next_used, next_times, next_labels = target_space(gains)
    next_targets = 0
    found, occurrences = np.empty(most, np.int64), np.empty(most, np.float32)
    in_order, at, asked = np.arange(most), np.empty(most, np.int64), 0
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
        place, distinct = windows.places[number], 0
        for other in range(windows.first[place], windows.last[place]):
            if other != place:
                context, distinct = counted(ids[other], found, occurrences, distinct)
                at[context] = other
        if distinct == 0:
            continue
        rate = np.float32(rates[0] + (rates[1] - rates[0]) * place / count)
        groups = -(-targets // TARGETS)
        for group in range(groups):
            _set_gains(found, occurrences, distinct, used, times, labels, group, inputs, outputs, rate, gains)
        old, places = inputs, found
        if groups > 1 and alone:
            # Groups after the first one need the contexts as they were.
            old, places = work, in_order
            for context in range(distinct):
                for i in range(0, inputs.shape[1], LANES):
                    store(work, context, i, load(inputs, found[context], i))
        for group in range(groups):
            if alone:
                _change(inputs, found, old, places, distinct, used, group, outputs, gains)
            else:
                _change(errors, at, inputs, found, distinct, used, group, outputs, gains)


@fast
def spread_contexts(ids, inputs, windows, errors):
    """Add the errors ``[parts, N, D]`` of a block to the input rows of a part, and begin anew."""
    zero = spread(np.float32(0))
    for number in range(windows.rank[len(ids)]):
        place = windows.places[number]
        for i in range(0, inputs.shape[1], LANES):
            total = load(inputs, ids[place], i)
            for part in range(len(errors)):
                total = total + load(errors[part], place, i)
                store(errors[part], place, i, zero)
            store(inputs, ids[place], i, total)


@fast
def target_space(gains):
    """Arrays for ``draw_targets`` or ``path_targets``, each of a number for each column of
    ``gains``."""
    labels = np.zeros(gains.shape[1], np.float32)
    labels[0] = 1
    return np.empty(gains.shape[1], np.int64), np.zeros(gains.shape[1], np.float32), labels


@fast
def ask_for_contexts(inputs, ids, windows, place, asked):
    """Those rows of the window of a place come from far away whose places are ``asked`` or later;
    returns the place after them."""
    for other in range(max(asked, windows.first[place]), windows.last[place]):
        prefetch_to_read(inputs, ids[other])
    return max(asked, windows.last[place])


@fast
def rows_of(used, group):
    """The rows of a group of targets."""
    at = TARGETS * group
    return used[at], used[at + 1], used[at + 2], used[at + 3], used[at + 4], used[at + 5]


@fast
def _set_gains(found, occurrences, count, used, times, labels, group, inputs, outputs, rate, gains):
    """What gradients are multiplied by, of all contexts and a group of targets."""
    size = inputs.shape[1]
    a, b, c, d, e, f = rows_of(used, group)
    rated, label = load_group(times, group) * spread(rate), load_group(labels, group)
    zero = spread(np.float32(0))
    for pair in range(0, count - 1, 2):
        one, two = found[pair], found[pair + 1]
        a0 = a1 = a2 = a3 = a4 = a5 = b0 = b1 = b2 = b3 = b4 = b5 = zero
        for i in range(0, size, LANES):
            x, y = load(inputs, one, i), load(inputs, two, i)
            t = load(outputs, a, i)
            a0, b0 = fused(x, t, a0), fused(y, t, b0)
            t = load(outputs, b, i)
            a1, b1 = fused(x, t, a1), fused(y, t, b1)
            t = load(outputs, c, i)
            a2, b2 = fused(x, t, a2), fused(y, t, b2)
            t = load(outputs, d, i)
            a3, b3 = fused(x, t, a3), fused(y, t, b3)
            t = load(outputs, e, i)
            a4, b4 = fused(x, t, a4), fused(y, t, b4)
            t = load(outputs, f, i)
            a5, b5 = fused(x, t, a5), fused(y, t, b5)
        gain = rated * (label - logistic(totals(a0, a1, a2, a3, a4, a5)))
        store(gains, pair, LANES * group, gain * spread(occurrences[pair]))
        gain = rated * (label - logistic(totals(b0, b1, b2, b3, b4, b5)))
        store(gains, pair + 1, LANES * group, gain * spread(occurrences[pair + 1]))
    if count % 2:
        one = found[count - 1]
        a0 = a1 = a2 = a3 = a4 = a5 = zero
        for i in range(0, size, LANES):
            x = load(inputs, one, i)
            a0, a1 = fused(x, load(outputs, a, i), a0), fused(x, load(outputs, b, i), a1)
            a2, a3 = fused(x, load(outputs, c, i), a2), fused(x, load(outputs, d, i), a3)
            a4, a5 = fused(x, load(outputs, e, i), a4), fused(x, load(outputs, f, i), a5)
        gain = rated * (label - logistic(totals(a0, a1, a2, a3, a4, a5)))
        store(gains, count - 1, LANES * group, gain * spread(occurrences[count - 1]))


@fast
def _change(changed, rows, old, places, count, used, group, outputs, gains):
    """Change all contexts by a group of targets, and these by all contexts, LANES columns at a
    time. The contexts before any change are rows ``places`` of ``old``; their changes are added to
    ``rows`` of ``changed``."""
    size, at = outputs.shape[1], LANES * group
    a, b, c, d, e, f = rows_of(used, group)
    for i in range(0, size, LANES):
        t0, t1, t2 = load(outputs, a, i), load(outputs, b, i), load(outputs, c, i)
        t3, t4, t5 = load(outputs, d, i), load(outputs, e, i), load(outputs, f, i)
        s0, s1, s2, s3, s4, s5 = t0, t1, t2, t3, t4, t5
        for context in range(count):
            row = rows[context]
            x = load(old, places[context], i)
            g = load_spread(gains, context, at)
            y, s0 = fused(g, t0, load(changed, row, i)), fused(g, x, s0)
            g = load_spread(gains, context, at + 1)
            y, s1 = fused(g, t1, y), fused(g, x, s1)
            g = load_spread(gains, context, at + 2)
            y, s2 = fused(g, t2, y), fused(g, x, s2)
            g = load_spread(gains, context, at + 3)
            y, s3 = fused(g, t3, y), fused(g, x, s3)
            g = load_spread(gains, context, at + 4)
            y, s4 = fused(g, t4, y), fused(g, x, s4)
            g = load_spread(gains, context, at + 5)
            y, s5 = fused(g, t5, y), fused(g, x, s5)
            store(changed, row, i, y)
        # The first row comes last, for it also stands where a group has fewer.
        store(outputs, f, i, s5)
        store(outputs, e, i, s4)
        store(outputs, d, i, s3)
        store(outputs, c, i, s2)
        store(outputs, b, i, s1)
        store(outputs, a, i, s0)
