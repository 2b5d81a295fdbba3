"""Cross entropy and its gradient in one pass over the scores, as machine code.

bfloat16 is passed as its bits in uint16. torch would read and write the scores of a chunk six
times, half of them in float32, which takes longer than one of the three matrix products around it.
"""

import numpy as np

from elman.nn.vector_math import compiled, exponential, put, wide

_ONE = np.float32(1)
_LANES = 256
"""Parallel partial sums and maxima. The compiler never reorders a sum, so a single chain would wait
at every step."""


@compiled
def losses(products, bias, targets, nats, start, stop):
    """Fill ``nats[N]`` of the targets for rows ``start`` to ``stop``; scores are ``products[N, V]``
    and ``bias[V]``.

    The products are overwritten by the gradients with respect to the scores.
    """
    vocab = products.shape[1]
    exact, lanes = np.empty(vocab, nats.dtype), np.empty(_LANES, nats.dtype)
    for n in range(start, stop):
        row, target = products[n], targets[n]
        lanes[:] = wide(row[0]) + wide(bias[0])
        for first in range(0, vocab, _LANES):
            product_lanes, bias_lanes, part = (
                row[first : first + _LANES],
                bias[first : first + _LANES],
                exact[first : first + _LANES],
            )
            for j in range(len(part)):
                part[j] = wide(product_lanes[j]) + wide(bias_lanes[j])
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

    torch takes three times as long to add bfloat16 to float32.
    """
    for n in range(start, stop):
        row, part = total[n], parts[n]
        for j in range(len(row)):
            row[j] += wide(part[j])
