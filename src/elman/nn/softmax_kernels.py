"""Cross entropy and its gradient in one pass over the scores, as machine code; bfloat16 comes as its bits, uint16.

In torch the scores of a chunk are read and written six times, half of them in float32: more time than one of the
three matrix products around them takes.
"""

import numpy as np

from elman.nn.vector_math import compiled, exponential, put, wide

_LANES = 256
"""Numbers side by side in sums and maxima. The compiler never changes the order of a sum: alone, each would wait for
the one before."""


@compiled
def losses(products, bias, targets, nats, start, stop):
    """Fill ``nats[N]`` of the targets for rows ``start`` to ``stop``; scores are ``products[N, V]`` and ``bias[V]``.

    The products become the gradients by the scores.
    """
    vocab = products.shape[1]
    whole = vocab - vocab % _LANES
    exact, lanes = np.empty(vocab, nats.dtype), np.empty(_LANES, nats.dtype)
    for n in range(start, stop):
        row, target = products[n], targets[n]
        for j in range(vocab):
            exact[j] = wide(row[j]) + wide(bias[j])
        chosen = exact[target]
        lanes[:] = exact[0]
        for block in range(0, whole, _LANES):
            part = exact[block : block + _LANES]
            for j in range(_LANES):
                lanes[j] = max(lanes[j], part[j])
        most = max(lanes.max(), exact[whole:].max()) if whole < vocab else lanes.max()
        for j in range(vocab):
            exact[j] = exponential(exact[j] - most)
        lanes[:] = 0
        for block in range(0, whole, _LANES):
            part = exact[block : block + _LANES]
            for j in range(_LANES):
                lanes[j] += part[j]
        total = lanes.sum() + exact[whole:].sum()
        nats[n] = np.log(total) + most - chosen
        scale = 1 / total
        for j in range(vocab):
            put(row, j, exact[j] * scale)
        put(row, target, exact[target] * scale - 1)


@compiled
def add_columns(scores, total, start, stop):
    """Add the sums of columns ``start`` to ``stop`` of ``scores[N, V]`` to ``total[V]``."""
    for n in range(len(scores)):
        row, part = scores[n, start:stop], total[start:stop]
        for j in range(stop - start):
            part[j] += wide(row[j])
