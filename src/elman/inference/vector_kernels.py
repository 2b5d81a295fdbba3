"""Single instructions on vectors, as machine code; ``kernels.py`` runs whole programs with them.

The compiler may reorder or contract nothing here: results have the same bits as those of the
interpreter, which has the same functions in NumPy.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload, register_jitable

from elman.inference import functions as f
from elman.inference.compiler import OPERATORS
from elman.system.prefetch import ask_for

# Without an explicit False, numba takes fastmath from whatever function calls first, and fuses
# multiply and add.
_PLAIN: Any = {"error_model": "numpy", "fastmath": False}
compiled = njit(nogil=True, cache=True, **_PLAIN)

for _function in f.ELEMENTARY:
    register_jitable(**_PLAIN)(_function)


@overload(f.clamp, jit_options=_PLAIN)
def _clamp(x):
    return lambda x: min(max(x, -f.MOST), f.MOST)


@overload(f.signed, jit_options=_PLAIN)
def _signed(size, x):
    return lambda size, x: math.copysign(size, x)


@overload(f.halved, jit_options=_PLAIN)
def _halved(n, m):
    return lambda n, m: (n + f.ONE, m / f.TWO) if m > f._ROOT_2 else (n, m / f.ONE)


(
    COPY, ADD, SUB, MUL, DIV, SIGMOID, TANH, RELU, EXP, EXPM1, SQRT, ERF, SOFTMAX, LOG_SOFTMAX, NORM, DOT, MIX, ROUND8,
    PRODUCT8, LINEAR, ROWS8, ROWS, PERMUTE, PICK, CHOOSE, LOOKUP,
) = range(len(OPERATORS))  # fmt: skip
_LANES, _MANY, _BLOCK, _TOGETHER = f.LANES, 64, 64, 4
_ZERO = np.float32(0)
_AHEAD = 6
"""Rows of a block that are asked for before they are needed; 4 to 8 are equally good."""


@compiled
def binary(operator, x, y, out):
    """Unit by unit; an operand of one number is used for all."""
    if len(x) == len(out) and len(y) == len(out):
        if operator == ADD:
            for j in range(len(out)):
                out[j] = x[j] + y[j]
        elif operator == SUB:
            for j in range(len(out)):
                out[j] = x[j] - y[j]
        elif operator == MUL:
            for j in range(len(out)):
                out[j] = x[j] * y[j]
        else:
            for j in range(len(out)):
                out[j] = x[j] / y[j]
    elif len(y) == 1:
        alone = y[0]
        if operator == ADD:
            for j in range(len(out)):
                out[j] = x[j] + alone
        elif operator == SUB:
            for j in range(len(out)):
                out[j] = x[j] - alone
        elif operator == MUL:
            for j in range(len(out)):
                out[j] = x[j] * alone
        else:
            for j in range(len(out)):
                out[j] = x[j] / alone
    else:
        alone = x[0]
        if operator == ADD:
            for j in range(len(out)):
                out[j] = alone + y[j]
        elif operator == SUB:
            for j in range(len(out)):
                out[j] = alone - y[j]
        elif operator == MUL:
            for j in range(len(out)):
                out[j] = alone * y[j]
        else:
            for j in range(len(out)):
                out[j] = alone / y[j]


@compiled
def copy_at(x, n, a, out, m, b, size):
    """``out[m, b : b + size] = x[n, a : a + size]``.

    It has no slices, whose references numba counts, and its indices are numbers without a sign, for
    numba asks of others whether they are below 0.
    """
    row, column, to, target = np.uint64(n), np.uint64(a), np.uint64(m), np.uint64(b)
    for j in range(np.uint64(size)):
        out[to, target + j] = x[row, column + j]


@compiled
def copy_token(x, n, a, out, m, time, size):
    """``out[m, time, :size] = x[n, a : a + size]``, as ``copy_at``."""
    row, column, to, moment = np.uint64(n), np.uint64(a), np.uint64(m), np.uint64(time)
    for j in range(np.uint64(size)):
        out[to, moment, j] = x[row, column + j]


@compiled
def binary_at(operator, x, n, a, b, out, size):
    """``binary`` of two pieces of row n that are as long as the result, without slices."""
    row, first, second, to = np.uint64(n), np.uint64(a), np.uint64(b), np.uint64(out)
    if operator == ADD:
        for j in range(np.uint64(size)):
            x[row, to + j] = x[row, first + j] + x[row, second + j]
    elif operator == SUB:
        for j in range(np.uint64(size)):
            x[row, to + j] = x[row, first + j] - x[row, second + j]
    elif operator == MUL:
        for j in range(np.uint64(size)):
            x[row, to + j] = x[row, first + j] * x[row, second + j]
    else:
        for j in range(np.uint64(size)):
            x[row, to + j] = x[row, first + j] / x[row, second + j]


@compiled
def unary(operator, x, out):
    """A function of each number: ``out[j] = f(x[j])``."""
    if operator == COPY:
        for j in range(len(out)):
            out[j] = x[j]
    elif operator == SIGMOID:
        for j in range(len(out)):
            out[j] = f.sigmoid(x[j])
    elif operator == TANH:
        for j in range(len(out)):
            out[j] = f.tanh(x[j])
    elif operator == RELU:
        for j in range(len(out)):
            out[j] = x[j] if x[j] > _ZERO else _ZERO
    elif operator == EXP:
        for j in range(len(out)):
            out[j] = f.exp(x[j])
    elif operator == EXPM1:
        for j in range(len(out)):
            out[j] = f.expm1(x[j])
    elif operator == SQRT:
        for j in range(len(out)):
            out[j] = math.sqrt(x[j])
    elif operator == ERF:
        for j in range(len(out)):
            out[j] = f.erf(x[j])


@compiled
def widen(codes, scale, out):
    """8-bit numbers times a scale."""
    for j in range(len(out)):
        out[j] = np.float32(codes[j]) * scale


@compiled
def _largest(x):
    """The largest number, with many comparisons side by side: one chain would wait at every
    step.
    """
    lanes = np.full(_MANY, x[0], np.float32)
    whole, some = len(x) // _MANY * _MANY, len(x) // _LANES * _LANES
    for first in range(0, whole, _MANY):
        for j in range(_MANY):
            lanes[j] = max(lanes[j], x[first + j])
    for first in range(whole, some, _LANES):
        for j in range(_LANES):
            lanes[j] = max(lanes[j], x[first + j])
    for j in range(some, len(x)):
        lanes[0] = max(lanes[0], x[j])
    return _largest_lane(lanes)


@compiled
def _largest_size(x):
    """The largest of the numbers without their signs."""
    lanes = np.zeros(_MANY, np.float32)
    whole, some = len(x) // _MANY * _MANY, len(x) // _LANES * _LANES
    for first in range(0, whole, _MANY):
        for j in range(_MANY):
            lanes[j] = max(lanes[j], abs(x[first + j]))
    for first in range(whole, some, _LANES):
        for j in range(_LANES):
            lanes[j] = max(lanes[j], abs(x[first + j]))
    for j in range(some, len(x)):
        lanes[0] = max(lanes[0], abs(x[j]))
    return _largest_lane(lanes)


@compiled
def _largest_lane(lanes):
    """Of _MANY numbers, by halves."""
    half = _MANY // 2
    while half:
        for j in range(half):
            lanes[j] = max(lanes[j], lanes[j + half])
        half //= 2
    return lanes[0]


@compiled
def _halves(lanes):
    """The sum of LANES numbers, by halves."""
    half = _LANES // 2
    while half:
        for j in range(half):
            lanes[j] += lanes[j + half]
        half //= 2
    return lanes[0]


@compiled
def total(x):
    """The sum of ``x`` as ``functions.total`` adds it up."""
    lanes = np.zeros(_LANES, np.float32)
    whole = len(x) // _LANES * _LANES
    for first in range(0, whole, _LANES):
        for j in range(_LANES):
            lanes[j] += x[first + j]
    for j in range(len(x) - whole):
        lanes[j] += x[whole + j]
    return _halves(lanes)


@compiled
def _dot(x, y):
    lanes = np.zeros(_LANES, np.float32)
    whole = len(x) // _LANES * _LANES
    for first in range(0, whole, _LANES):
        for j in range(_LANES):
            lanes[j] += x[first + j] * y[first + j]
    for j in range(len(x) - whole):
        lanes[j] += x[whole + j] * y[whole + j]
    return _halves(lanes)


@compiled
def log_softmax(x, out):
    """Natural logarithms of a softmax."""
    most = _largest(x)
    for j in range(len(x)):
        out[j] = f.exp(x[j] - most)
    less = most + f.log(total(out))
    for j in range(len(x)):
        out[j] = x[j] - less


@compiled
def softmax(x, out):
    """The softmax."""
    most = _largest(x)
    for j in range(len(x)):
        out[j] = f.exp(x[j] - most)
    scale = f.ONE / total(out)
    for j in range(len(x)):
        out[j] *= scale


@compiled
def norm(x, gain, out):
    """Mean 0 and variance 1, times a gain."""
    size = np.float32(len(x))
    mean = total(x) / size
    for j in range(len(x)):
        out[j] = x[j] - mean
    scale = f.ONE / np.float32(math.sqrt(_dot(out, out) / size + f.EPSILON))
    for j in range(len(x)):
        out[j] = (out[j] * scale) * gain[j]


@compiled
def dots(query, keys, heads, size, out):
    """Each head's query times all of its keys: ``[heads * size]``, ``[count * heads * size]``,
    ``[heads * count]``.
    """
    count = len(out) // heads
    for key in range(count):
        for head in range(heads):
            first = (key * heads + head) * size
            out[head * count + key] = _dot(query[head * size : (head + 1) * size], keys[first : first + size])


@compiled
def mix(probs, values, heads, size, out):
    """Weighted sum of the values: ``[heads * count]``, ``[count * heads * size]``,
    ``[heads * size]``.
    """
    count = len(probs) // heads
    out[:] = _ZERO
    for key in range(count):
        for head in range(heads):
            prob, first = probs[head * count + key], (key * heads + head) * size
            some, to = values[first : first + size], out[head * size : (head + 1) * size]
            for j in range(size):
                to[j] += prob * some[j]


@compiled
def round8(x, out):
    """Round ``x`` to whole numbers around 128; returns the scale."""
    scale = max(_largest_size(x), f.SMALLEST) * f.STEP
    for j in range(len(x)):
        out[j] = np.uint8(np.int32(f.whole(x[j] / scale)) + np.int32(128))
    for j in range(len(x), len(out)):
        out[j] = 128
    return scale


@compiled
def linear(x, weights, bias, out):
    """A float32 product of rows ``x[N, K]`` to ``out[N, M]``.

    ``weights`` are stored in blocks of 64 columns, ``[K, 64]`` each, so that columns are computed
    side by side and rows share a block. Each row's sums do not depend on the other rows.
    """
    rows, columns = x.shape
    size = columns * _BLOCK
    sums = np.empty((_TOGETHER, _BLOCK), np.float32)
    one, two, three, four = sums[0], sums[1], sums[2], sums[3]
    for first in range(0, out.shape[1], _BLOCK):
        block = weights[first // _BLOCK * size : (first // _BLOCK + 1) * size]
        last, start = min(_BLOCK, out.shape[1] - first), 0
        while start < rows:
            stop = start + _TOGETHER if start + _TOGETHER <= rows else start + 1
            sums[: stop - start] = _ZERO
            if stop - start == _TOGETHER:
                for k in range(columns):
                    column = block[k * _BLOCK : (k + 1) * _BLOCK]
                    a, b, c, d = x[start, k], x[start + 1, k], x[start + 2, k], x[start + 3, k]
                    for j in range(_BLOCK):
                        one[j] += a * column[j]
                        two[j] += b * column[j]
                        three[j] += c * column[j]
                        four[j] += d * column[j]
            else:
                for k in range(columns):
                    factor, column = x[start, k], block[k * _BLOCK : (k + 1) * _BLOCK]
                    ask_for(block, (k + _AHEAD) * _BLOCK, _BLOCK)
                    for j in range(_BLOCK):
                        one[j] += factor * column[j]
            for n in range(start, stop):
                for j in range(last):
                    total = sums[n - start, j]
                    out[n, first + j] = total + bias[first + j] if len(bias) else total
            start = stop
