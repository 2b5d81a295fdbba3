"""Cross entropy and its gradient in one pass over the scores, as machine code; bfloat16 comes as
its bits, uint16.

In torch the scores of a chunk are read and written six times, half of them in float32: more time
than one of the three matrix products around them takes.
"""

import numpy as np

from elman.nn.vector_math import compiled, exponential, put, wide

_ONE = np.float32(1)
_LANES = 256
"""Numbers side by side in sums and maxima. The compiler never changes the order of a sum: alone,
each would wait for the one before."""


@compiled
def losses(products, bias, targets, nats, start, stop):
    """Fill ``nats[N]`` of the targets for rows ``start`` to ``stop``; scores are ``products[N, V]``
    and ``bias[V]``.

    The products become the gradients by the scores.
    """
    vocab = products.shape[1]
    exact, lanes = np.empty(vocab, nats.dtype), np.empty(_LANES, nats.dtype)
    for n in range(start, stop):
        row, target = products[n], targets[n]
        lanes[:] = wide(row[0]) + wide(bias[0])
        for first in range(0, vocab, _LANES):
            given, added, part = (
                row[first : first + _LANES],
                bias[first : first + _LANES],
                exact[first : first + _LANES],
            )
            for j in range(len(part)):
                part[j] = wide(given[j]) + wide(added[j])
            for j in range(len(part)):
                lanes[j] = max(lanes[j], part[j])
        most, chosen = lanes.max(), exact[target]
        lanes[:] = 0
        for first in range(0, vocab, _LANES):
            part = exact[first : first + _LANES]
            for j in range(len(part)):
                part[j] = exponential(part[j] - most)
            for j in range(len(part)):
                lanes[j] += part[j]
        total = lanes.sum()
        nats[n] = np.log(total) + (most - chosen)
        scale = _ONE / total
        for j in range(vocab):
            put(row, j, exact[j] * scale)
        put(row, target, exact[target] * scale - _ONE)


@compiled
def add_columns(scores, total, start, stop):
    """Add the sums of columns ``start`` to ``stop`` of ``scores[N, V]`` to ``total[V]``."""
    for n in range(len(scores)):
        row, part = scores[n, start:stop], total[start:stop]
        for j in range(stop - start):
            part[j] += wide(row[j])


@compiled
def add_rows(total, parts, start, stop):
    """Add rows ``start`` to ``stop`` of ``parts[V, E]`` to those of ``total[V, E]``.

    torch adds bfloat16 to float32 number by number, in three times the time.
    """
    for n in range(start, stop):
        row, part = total[n], parts[n]
        for j in range(len(row)):
            row[j] += wide(part[j])
