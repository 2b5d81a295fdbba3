"""What each step of a recurrence does to its numbers one by one, as machine code.

In torch every such step is ten or more operations of a few microseconds each, as long as the matrix
product between them. Here it is one call. The arrays are those of the whole chunk, ``[T, B, .]``,
and ``t`` says which step; ``product[B, .]`` is what the matrix product of this step gave, and is
used up. ``fresh[T + 1, B]`` marks document starts; nothing comes back from behind the last step, so
that its last row is true. Everything is computed in float32; the gates are computed twice, forwards
and backwards, which is cheaper than to keep them in memory.

The loops are short because the compiler makes vectors of a loop only if it can tell at run time
that no output of it overlaps an input, and it does so for a few arrays only.
"""

import numpy as np

from elman.nn.vector_math import compiled, put, sigmoid, tanh, wide

_ZERO, _ONE = np.float32(0), np.float32(1)


@compiled
def rnn_forward(t, inputs, product, fresh, states, relu):
    """``states[t + 1]`` of Elman's network."""
    for b in range(len(product)):
        given, passed, after = inputs[t, b], product[b], states[t + 1, b]
        if fresh[t, b]:
            passed[:] = 0
        if relu:
            for j in range(len(after)):
                total = wide(given[j]) + wide(passed[j])
                put(after, j, _ZERO if total < _ZERO else total)
        else:
            for j in range(len(after)):
                put(after, j, tanh(wide(given[j]) + wide(passed[j])))


@compiled
def rnn_backward(t, d_states, product, fresh, states, d_gates, d_bias, relu):
    """``d_gates[t]``, and what it adds to ``d_bias``."""
    for b in range(len(product)):
        given, passed, after, target = d_states[t, b], product[b], states[t + 1, b], d_gates[t, b]
        if fresh[t + 1, b]:
            passed[:] = 0
        if relu:
            for j in range(len(target)):
                slope = _ONE if wide(after[j]) > _ZERO else _ZERO
                put(target, j, (wide(given[j]) + wide(passed[j])) * slope)
        else:
            for j in range(len(target)):
                h = wide(after[j])
                put(target, j, (wide(given[j]) + wide(passed[j])) * (_ONE - h * h))
        _add(d_bias, target)


@compiled
def gru_forward(t, sums, product, bias_n, fresh, from_h, state, states):
    """``state[B, H]`` goes from before to after step t, ``states[t + 1]`` is the same;
    ``from_h[t]`` = W_hn h + b_hn.

    ``sums[t]`` (r, z, n) holds what comes from the input; afterwards, what the gates are the
    sigmoid or tanh of.
    """
    size = len(bias_n)
    row = np.empty(3 * size, state.dtype)
    r, z, n = row[:size], row[size : 2 * size], row[2 * size :]
    for b in range(len(product)):
        h = state[b]
        if fresh[t, b]:
            product[b] = 0
            h[:] = 0
        _join(sums[t, b, : 2 * size], product[b, : 2 * size], row[: 2 * size])
        given, passed = sums[t, b, 2 * size :], product[b, 2 * size :]
        for j in range(size):
            n[j] = wide(passed[j]) + bias_n[j]
        _store(n, from_h[t, b])
        for j in range(size):
            opened, _ = sigmoid(r[j])
            n[j] = wide(given[j]) + opened * n[j]
        _store(n, given)
        for j in range(size):
            kept, replaced = sigmoid(z[j])
            h[j] = replaced * tanh(n[j]) + kept * h[j]
        _store(h, states[t + 1, b])


@compiled
def gru_backward(t, d_states, product, fresh, sums, from_h, states, d_hidden, d_gates, d_new, d_bias, d_bias_n):
    """``d_gates[t]`` (r, z, and n as W_hn h + b_hn sees it), ``d_new[t]`` (n as the input sees it),
    the biases' sums.

    ``d_hidden[B, H]`` holds what of step t + 1 went past its gates; afterwards, what of step t
    does.
    """
    size = d_hidden.shape[1]
    nothing, n, d_n = np.zeros(size, states.dtype), np.empty_like(d_bias_n), np.empty_like(d_bias_n)
    for b in range(len(product)):
        given, passed, d_h = d_states[t, b], product[b], d_hidden[b]
        if fresh[t + 1, b]:
            passed[:] = 0
            d_h[:] = 0
        for j in range(size):
            d_h[j] += wide(given[j]) + wide(passed[j])
        given = sums[t, b, 2 * size :]
        for j in range(size):
            n[j] = tanh(wide(given[j]))
        for j in range(size):
            d_n[j] = d_h[j] * (_ONE - n[j] * n[j])
        given, target = sums[t, b, size : 2 * size], d_gates[t, b, size : 2 * size]
        before = nothing if fresh[t, b] else states[t, b]
        for j in range(size):
            n[j] = d_h[j] * (wide(before[j]) - n[j])
        for j in range(size):
            kept, replaced = sigmoid(wide(given[j]))
            put(target, j, n[j] * kept * replaced)
        for j in range(size):
            kept, replaced = sigmoid(wide(given[j]))
            d_n[j] *= replaced
            d_h[j] *= kept
        _store(d_n, d_new[t, b])
        given, target = sums[t, b, :size], d_gates[t, b, 2 * size :]
        for j in range(size):
            opened, closed = sigmoid(wide(given[j]))
            d_n[j] *= opened
            n[j] = closed
        _store(d_n, target)
        inner, target = from_h[t, b], d_gates[t, b, :size]
        for j in range(size):
            put(target, j, d_n[j] * n[j] * wide(inner[j]))
        _add(d_bias, d_gates[t, b])
        _add(d_bias_n, d_new[t, b])


@compiled
def lstm_forward(t, sums, product, fresh, cells, states, start, stop):
    """``cells[t + 1]`` and ``states[t + 1]`` of rows ``start`` to ``stop``.

    ``sums[t]`` (i, f, g, o) holds what comes from the input; afterwards, what the gates are the
    sigmoid or tanh of.
    """
    size = cells.shape[2]
    nothing, row = np.zeros(size, cells.dtype), np.empty(4 * size, cells.dtype)
    i, f, g, o = row[:size], row[size : 2 * size], row[2 * size : 3 * size], row[3 * size :]
    for b in range(start, stop):
        if fresh[t, b]:
            product[b] = 0
        _join(sums[t, b], product[b], row)
        before, after, h = nothing if fresh[t, b] else cells[t, b], cells[t + 1, b], states[t + 1, b]
        for j in range(size):
            kept, _ = sigmoid(f[j])
            after[j] = kept * before[j]
        for j in range(size):
            opened, _ = sigmoid(i[j])
            after[j] += opened * tanh(g[j])
        for j in range(size):
            shown, _ = sigmoid(o[j])
            put(h, j, shown * tanh(after[j]))


@compiled
def lstm_backward(t, d_states, d_cells, product, fresh, sums, cells, d_cell, d_gates, start, stop):
    """``d_gates[t]`` of rows ``start`` to ``stop``; their ``d_cell[B, H]`` is taken from step t + 1
    to step t.

    ``d_cells`` is empty where only the outputs have a gradient.
    """
    size = d_cell.shape[1]
    nothing, squashed, d_h = np.zeros(size, cells.dtype), np.empty(size, cells.dtype), np.empty(size, cells.dtype)
    for b in range(start, stop):
        given, passed, d_c = d_states[t, b], product[b], d_cell[b]
        if fresh[t + 1, b]:
            passed[:] = 0
            d_c[:] = 0
        for j in range(size):
            d_h[j] = wide(given[j]) + wide(passed[j])
        after, given, target = cells[t + 1, b], sums[t, b, 3 * size :], d_gates[t, b, 3 * size :]
        for j in range(size):
            squashed[j] = tanh(after[j])
        for j in range(size):
            shown, hidden = sigmoid(wide(given[j]))
            d_h[j] *= shown
            put(target, j, d_h[j] * hidden * squashed[j])
        for j in range(size):
            d_c[j] += d_h[j] * (_ONE - squashed[j] * squashed[j])
        if len(d_cells):
            _add(d_c, d_cells[t, b])
        given, passed = sums[t, b, 2 * size : 3 * size], sums[t, b, :size]
        for j in range(size):
            squashed[j] = tanh(wide(given[j]))
        for j in range(size):
            d_h[j], _ = sigmoid(wide(passed[j]))
        target = d_gates[t, b, :size]
        for j in range(size):
            put(target, j, d_c[j] * squashed[j] * d_h[j] * (_ONE - d_h[j]))
        target = d_gates[t, b, 2 * size : 3 * size]
        for j in range(size):
            put(target, j, d_c[j] * d_h[j] * (_ONE - squashed[j] * squashed[j]))
        before, given = nothing if fresh[t, b] else cells[t, b], sums[t, b, size : 2 * size]
        target = d_gates[t, b, size : 2 * size]
        for j in range(size):
            kept, cleared = sigmoid(wide(given[j]))
            d_c[j] *= kept
            put(target, j, d_c[j] * cleared * before[j])


@compiled
def _join(given, passed, total):
    """The sum of both as ``total``, and in place of ``given``."""
    for j in range(len(total)):
        total[j] = wide(given[j]) + wide(passed[j])
    _store(total, given)


@compiled
def _store(exact, row):
    for j in range(len(row)):
        put(row, j, exact[j])


@compiled
def _add(total, row):
    for j in range(len(row)):
        total[j] += wide(row[j])
