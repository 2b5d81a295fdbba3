"""Gates, scan and the gradients of both in one pass over a chunk: machine code for rows ``start``
to ``stop``.

The type of the inputs decides the cell (``gates.py``). For one step of one row, ``opens`` fills the
scan's ``a`` and ``b``; ``passes`` turns their gradients into those of the inputs, and computes the
gates again, which is cheaper than reading them from memory. ``h = a * h + b`` is computed in
float32 (float64 for chunks of float64), whatever type inputs and outputs have.

The loops are short because the compiler vectorises a loop only if it can check at run time that
outputs and inputs do not overlap, and it does so for a few arrays only.
"""

from typing import Any

import numpy as np
from numba.extending import overload

from elman.nn.gates import MinGruInputs, MinLstmInputs, RgLruInputs
from elman.nn.vector_math import OPTIONS, compiled, decay, put, sigmoid, wide


@compiled
def forward(inputs, reset, lengths, y, h, start, stop):
    """Fill ``y[T, B, H]``; ``h[B, H]`` is the first state on entry, and each row's last real one on
    return.
    """
    steps, _, size = y.shape
    a, b = np.empty_like(h[0]), np.empty_like(h[0])
    for t in range(steps):
        for row in range(start, stop):
            output, state = y[t, row], h[row]
            if t >= lengths[row]:
                output[:] = 0
                continue
            if reset[t, row]:
                state[:] = 0
            opens(inputs, t, row, a, b)
            for j in range(size):
                state[j] = a[j] * state[j] + b[j]
            for j in range(size):
                put(output, j, state[j])


@compiled
def backward(inputs, reset, lengths, y, first, d_y, d_inputs, d_h, start, stop):
    """Fill ``d_inputs`` at real steps; ``d_h`` is the last states' gradient on entry, the first's
    on return.
    """
    steps, _, size = y.shape
    a, b, before = np.empty_like(first[0]), np.empty_like(first[0]), np.empty_like(first[0])
    d_a, d_b = np.empty_like(a), np.empty_like(a)
    for t in range(steps - 1, -1, -1):
        for row in range(start, stop):
            if t >= lengths[row]:
                continue
            carried, from_above = d_h[row], d_y[t, row]
            if reset[t, row]:
                before[:] = 0
            elif t == 0:
                before[:] = first[row]
            else:
                earlier = y[t - 1, row]
                for j in range(size):
                    before[j] = wide(earlier[j])
            opens(inputs, t, row, a, b)
            for j in range(size):
                d_b[j] = wide(from_above[j]) + carried[j]
            for j in range(size):
                d_a[j] = d_b[j] * before[j]
            for j in range(size):
                carried[j] = d_b[j] * a[j]
            if reset[t, row]:
                carried[:] = 0
            passes(inputs, t, row, d_a, d_b, d_inputs)


def opens(inputs, t, row, a, b):
    """Fill ``a`` and ``b`` of one step of one row."""
    _openers()[type(inputs)](inputs, t, row, a, b)


def passes(inputs, t, row, d_a, d_b, d_inputs):
    """Fill ``d_inputs`` of one step of one row; ``d_a`` and ``d_b`` may be overwritten."""
    _passers()[type(inputs)](inputs, t, row, d_a, d_b, d_inputs)


@overload(opens, jit_options=OPTIONS)
def _opens(inputs, t, row, a, b):
    return _openers()[inputs.instance_class]


@overload(passes, jit_options=OPTIONS)
def _passes(inputs, t, row, d_a, d_b, d_inputs):
    return _passers()[inputs.instance_class]


def _openers() -> dict[type, Any]:
    return {MinGruInputs: _open_mingru, MinLstmInputs: _open_minlstm, RgLruInputs: _open_rglru}


def _passers() -> dict[type, Any]:
    return {MinGruInputs: _pass_mingru, MinLstmInputs: _pass_minlstm, RgLruInputs: _pass_rglru}


def _open_mingru(inputs, t, row, a, b):
    size = len(a)
    z_row, value = inputs.gates[t, row, :size], inputs.gates[t, row, size:]
    for j in range(size):
        z, kept = sigmoid(wide(z_row[j]))
        a[j] = kept
        b[j] = z * wide(value[j])


def _pass_mingru(inputs, t, row, d_a, d_b, d_inputs):
    size = len(d_a)
    z_row, value = inputs.gates[t, row, :size], inputs.gates[t, row, size:]
    d_z, d_value = d_inputs.gates[t, row, :size], d_inputs.gates[t, row, size:]
    for j in range(size):
        z, kept = sigmoid(wide(z_row[j]))
        put(d_z, j, (d_b[j] * wide(value[j]) - d_a[j]) * z * kept)
    for j in range(size):
        z, _ = sigmoid(wide(z_row[j]))
        put(d_value, j, d_b[j] * z)


def _open_minlstm(inputs, t, row, a, b):
    size = len(a)
    i_row, f_row = inputs.gates[t, row, :size], inputs.gates[t, row, size : 2 * size]
    value = inputs.gates[t, row, 2 * size :]
    for j in range(size):
        i, _ = sigmoid(wide(i_row[j]))
        f, _ = sigmoid(wide(f_row[j]))
        a[j] = f / (f + i)
        b[j] = i / (f + i) * wide(value[j])


def _pass_minlstm(inputs, t, row, d_a, d_b, d_inputs):
    size = len(d_a)
    i_row, f_row = inputs.gates[t, row, :size], inputs.gates[t, row, size : 2 * size]
    value = inputs.gates[t, row, 2 * size :]
    d_i, d_f = d_inputs.gates[t, row, :size], d_inputs.gates[t, row, size : 2 * size]
    d_value = d_inputs.gates[t, row, 2 * size :]
    d_odds = d_a  # with respect to log(f / i), of which a is the sigmoid
    for j in range(size):
        i, _ = sigmoid(wide(i_row[j]))
        f, _ = sigmoid(wide(f_row[j]))
        added = i / (f + i)
        d_odds[j] = (d_a[j] - d_b[j] * wide(value[j])) * added * (f / (f + i))
        d_b[j] *= added
    for j in range(size):
        put(d_value, j, d_b[j])
    for j in range(size):
        _, lacks = sigmoid(wide(i_row[j]))
        put(d_i, j, -d_odds[j] * lacks)
    for j in range(size):
        _, lacks = sigmoid(wide(f_row[j]))
        put(d_f, j, d_odds[j] * lacks)


def _open_rglru(inputs, t, row, a, b):
    size = len(a)
    r_row, i_row = inputs.gates[t, row, :size], inputs.gates[t, row, size:]
    u, rate = inputs.u[t, row], inputs.rate
    for j in range(size):
        r, _ = sigmoid(wide(r_row[j]))
        i, _ = sigmoid(wide(i_row[j]))
        kept, input_scale, _ = decay(rate[j] * r)
        a[j] = kept
        b[j] = input_scale * i * wide(u[j])


def _pass_rglru(inputs, t, row, d_a, d_b, d_inputs):
    """``d_inputs.rate[B, H]`` gets the gradient with respect to its logarithm, summed over T."""
    size = len(d_a)
    r_row, i_row = inputs.gates[t, row, :size], inputs.gates[t, row, size:]
    u, rate = inputs.u[t, row], inputs.rate
    d_r, d_i = d_inputs.gates[t, row, :size], d_inputs.gates[t, row, size:]
    d_u, d_log_rate = d_inputs.u[t, row], d_inputs.rate[row]
    d_log = d_a
    for j in range(size):
        r, _ = sigmoid(wide(r_row[j]))
        i, _ = sigmoid(wide(i_row[j]))
        kept, input_scale, slope = decay(rate[j] * r)
        d_log[j] = d_b[j] * i * wide(u[j]) * slope - d_a[j] * kept * (rate[j] * r)
        d_b[j] *= input_scale * i
    for j in range(size):
        _, lacks = sigmoid(wide(r_row[j]))
        put(d_r, j, d_log[j] * lacks)
    for j in range(size):
        d_log_rate[j] += d_log[j]
    for j in range(size):
        _, lacks = sigmoid(wide(i_row[j]))
        put(d_i, j, d_b[j] * wide(u[j]) * lacks)
    for j in range(size):
        put(d_u, j, d_b[j])
