"""The elementwise part of each recurrent step, as machine code.

In torch it is ten or more operations of a few microseconds each, as long as the matrix product
between them. Here it is one call. The arrays are those of the whole chunk, ``[T, B, .]``, and ``t``
is the step. ``product[B, .]`` is the result of this step's matrix product, and is overwritten.
``fresh[T + 1, B]`` marks document starts; its last row is true, since no gradient comes from after
the last step. Everything is computed in float32. The gates are computed twice, forwards and
backwards, which is cheaper than storing them.

The loops are short because the compiler vectorises a loop only if it can check at run time that
outputs and inputs do not overlap, and it does so for a few arrays only.
"""

import numpy as np

from elman.nn.vector_math import compiled, put, sigmoid, tanh, wide

_ZERO, _ONE = np.float32(0), np.float32(1)


@compiled
def rnn_forward(t, inputs, product, fresh, states, relu):
    """``states[t + 1]`` of Elman's network."""
    for b in range(len(product)):
        from_input, passed, after = inputs[t, b], product[b], states[t + 1, b]
        if fresh[t, b]:
            passed[:] = 0
        if relu:
            for j in range(len(after)):
                total = wide(from_input[j]) + wide(passed[j])
                put(after, j, _ZERO if total < _ZERO else total)
        else:
            for j in range(len(after)):
                put(after, j, tanh(wide(from_input[j]) + wide(passed[j])))


@compiled
def rnn_backward(t, d_states, product, fresh, states, d_gates, d_bias, relu):
    """``d_gates[t]``, added to ``d_bias`` too."""
    for b in range(len(product)):
        from_above, passed, after, target = d_states[t, b], product[b], states[t + 1, b], d_gates[t, b]
        if fresh[t + 1, b]:
            passed[:] = 0
        if relu:
            for j in range(len(target)):
                slope = _ONE if wide(after[j]) > _ZERO else _ZERO
                put(target, j, (wide(from_above[j]) + wide(passed[j])) * slope)
        else:
            for j in range(len(target)):
                h = wide(after[j])
                put(target, j, (wide(from_above[j]) + wide(passed[j])) * (_ONE - h * h))
        _add(d_bias, target)


@compiled
def gru_forward(t, sums, product, bias_n, fresh, from_h, state, states):
    """``state[B, H]`` is advanced by step t, ``states[t + 1]`` is the same; ``from_h[t]`` = W_hn h
    + b_hn.

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
        from_input, passed = sums[t, b, 2 * size :], product[b, 2 * size :]
        for j in range(size):
            n[j] = wide(passed[j]) + bias_n[j]
        _store(n, from_h[t, b])
        for j in range(size):
            opened, _ = sigmoid(r[j])
            n[j] = wide(from_input[j]) + opened * n[j]
        _store(n, from_input)
        for j in range(size):
            kept, replaced = sigmoid(z[j])
            h[j] = replaced * tanh(n[j]) + kept * h[j]
        _store(h, states[t + 1, b])


@compiled
def gru_backward(t, d_states, product, fresh, sums, from_h, states, d_hidden, d_gates, d_new, d_bias, d_bias_n):
    """``d_gates[t]`` (r, z, and n as W_hn h + b_hn sees it), ``d_new[t]`` (n as the input sees it),
    the biases' sums.

    ``d_hidden[B, H]`` is the gradient that bypasses the gates of step t + 1 on entry, and of step t
    on return.
    """
    size = d_hidden.shape[1]
    nothing, n, d_n = np.zeros(size, states.dtype), np.empty_like(d_bias_n), np.empty_like(d_bias_n)
    for b in range(len(product)):
        gate_sums, passed, d_h = d_states[t, b], product[b], d_hidden[b]
        if fresh[t + 1, b]:
            passed[:] = 0
            d_h[:] = 0
        for j in range(size):
            d_h[j] += wide(gate_sums[j]) + wide(passed[j])
        gate_sums = sums[t, b, 2 * size :]
        for j in range(size):
            n[j] = tanh(wide(gate_sums[j]))
        for j in range(size):
            d_n[j] = d_h[j] * (_ONE - n[j] * n[j])
        gate_sums, target = sums[t, b, size : 2 * size], d_gates[t, b, size : 2 * size]
        before = nothing if fresh[t, b] else states[t, b]
        for j in range(size):
            n[j] = d_h[j] * (wide(before[j]) - n[j])
        for j in range(size):
            kept, replaced = sigmoid(wide(gate_sums[j]))
            put(target, j, n[j] * kept * replaced)
        for j in range(size):
            kept, replaced = sigmoid(wide(gate_sums[j]))
            d_n[j] *= replaced
            d_h[j] *= kept
        _store(d_n, d_new[t, b])
        gate_sums, target = sums[t, b, :size], d_gates[t, b, 2 * size :]
        for j in range(size):
            opened, closed = sigmoid(wide(gate_sums[j]))
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
    """``d_gates[t]`` of rows ``start`` to ``stop``; their ``d_cell[B, H]`` is moved from step t + 1
    to step t.

    ``d_cells`` is empty where only the outputs have a gradient.
    """
    size = d_cell.shape[1]
    nothing, squashed, d_h = np.zeros(size, cells.dtype), np.empty(size, cells.dtype), np.empty(size, cells.dtype)
    for b in range(start, stop):
        gate_sums, passed, d_c = d_states[t, b], product[b], d_cell[b]
        if fresh[t + 1, b]:
            passed[:] = 0
            d_c[:] = 0
        for j in range(size):
            d_h[j] = wide(gate_sums[j]) + wide(passed[j])
        after, gate_sums, target = cells[t + 1, b], sums[t, b, 3 * size :], d_gates[t, b, 3 * size :]
        for j in range(size):
            squashed[j] = tanh(after[j])
        for j in range(size):
            shown, hidden = sigmoid(wide(gate_sums[j]))
            d_h[j] *= shown
            put(target, j, d_h[j] * hidden * squashed[j])
        for j in range(size):
            d_c[j] += d_h[j] * (_ONE - squashed[j] * squashed[j])
        if len(d_cells):
            _add(d_c, d_cells[t, b])
        gate_sums, passed = sums[t, b, 2 * size : 3 * size], sums[t, b, :size]
        for j in range(size):
            squashed[j] = tanh(wide(gate_sums[j]))
        for j in range(size):
            d_h[j], _ = sigmoid(wide(passed[j]))
        target = d_gates[t, b, :size]
        for j in range(size):
            put(target, j, d_c[j] * squashed[j] * d_h[j] * (_ONE - d_h[j]))
        target = d_gates[t, b, 2 * size : 3 * size]
        for j in range(size):
            put(target, j, d_c[j] * d_h[j] * (_ONE - squashed[j] * squashed[j]))
        before, gate_sums = nothing if fresh[t, b] else cells[t, b], sums[t, b, size : 2 * size]
        target = d_gates[t, b, size : 2 * size]
        for j in range(size):
            kept, cleared = sigmoid(wide(gate_sums[j]))
            d_c[j] *= kept
            put(target, j, d_c[j] * cleared * before[j])


@compiled
def _join(into, passed, total):
    """Write the sum of both to ``total`` and over ``into``."""
    for j in range(len(total)):
        total[j] = wide(into[j]) + wide(passed[j])
    _store(total, into)


@compiled
def _store(exact, row):
    for j in range(len(row)):
        put(row, j, exact[j])


@compiled
def _add(total, row):
    for j in range(len(row)):
        total[j] += wide(row[j])
