"""The causal convolution of ``causal_conv.py`` and its gradient in machine code, for rows ``start``
to ``stop``.

Each row's inputs are in a window of its own, the tail first; ``begin`` is the first position of the
current document.
"""

import numpy as np

from elman.nn.vector_math import compiled, put, wide


@compiled
def forward(x, tail, weight, bias, reset, lengths, sums, after, start, stop):
    """Fill ``sums[T, B, H]`` at real steps and ``after``, the tail that follows them."""
    steps, _, size = x.shape
    lags = len(weight) - 1
    window = np.empty((lags + steps, size), weight.dtype)
    total = np.empty_like(bias)
    for row in range(start, stop):
        _fill(window, x, tail, lags, row)
        begin, end = 0, lengths[row]
        for t in range(end):
            if reset[t, row]:
                begin = lags + t
            total[:] = bias
            for position in range(max(begin, t), lags + t + 1):
                factor, seen = weight[position - t], window[position]
                for j in range(size):
                    total[j] += factor[j] * seen[j]
            output = sums[t, row]
            for j in range(size):
                put(output, j, total[j])
        for position in range(end, end + lags):
            kept = after[row, (position - end) * size : (position - end + 1) * size]
            if position < begin:
                kept[:] = 0
            else:
                kept[:] = window[position]


@compiled
def backward(x, tail, weight, reset, lengths, d_sums, d_x, d_tail, d_weight, d_bias, start, stop):
    """Fill ``d_x``; ``d_tail`` is the gradient of the last tail on entry, and of the first tail on
    return.

    ``d_weight[B, K, H]`` and ``d_bias[B, H]`` are zero on entry.
    """
    steps, _, size = x.shape
    lags = len(weight) - 1
    window, d_window = np.empty((lags + steps, size), weight.dtype), np.empty((lags + steps, size), weight.dtype)
    d_sum = np.empty_like(weight[0])
    for row in range(start, stop):
        _fill(window, x, tail, lags, row)
        d_window[:] = 0
        begin, end = 0, lengths[row]
        d_bias_row = d_bias[row]
        for t in range(end):
            if reset[t, row]:
                begin = lags + t
            from_above = d_sums[t, row]
            for j in range(size):
                d_sum[j] = wide(from_above[j])
            for j in range(size):
                d_bias_row[j] += d_sum[j]
            for position in range(max(begin, t), lags + t + 1):
                factor, d_seen = weight[position - t], d_window[position]
                for j in range(size):
                    d_seen[j] += factor[j] * d_sum[j]
                seen, d_factor = window[position], d_weight[row, position - t]
                for j in range(size):
                    d_factor[j] += seen[j] * d_sum[j]
        for position in range(max(begin, end), end + lags):
            kept, d_seen = d_tail[row, (position - end) * size : (position - end + 1) * size], d_window[position]
            for j in range(size):
                d_seen[j] += kept[j]
        for lag in range(lags):
            d_tail[row, lag * size : (lag + 1) * size] = d_window[lag]
        for t in range(steps):
            output, d_seen = d_x[t, row], d_window[lags + t]
            for j in range(size):
                put(output, j, d_seen[j])


@compiled
def _fill(window, x, tail, lags, row):
    steps, _, size = x.shape
    for lag in range(lags):
        window[lag] = tail[row, lag * size : (lag + 1) * size]
    for t in range(steps):
        target, seen = window[lags + t], x[t, row]
        for j in range(size):
            target[j] = wide(seen[j])
