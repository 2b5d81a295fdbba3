"""Instructions (``compiler.py``) as machine code: a function, or a step along whole sequences, in one call.

Every operator works on ``row[N, width]``, a row for each text; an operand is a piece of its row, or of the constants.
No row ever reads another one's. Nothing here may be reordered or contracted by the compiler: results are the same bits
as the interpreter's (``interpreter.py``), where the same functions stand as NumPy.
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload, register_jitable

from elman.inference import functions as f
from elman.inference.byte_product import product
from elman.inference.compiler import OPERATORS

# Without an explicit False, numba takes fastmath from whatever function calls first, and fuses multiply and add.
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
_LANES, _MANY, _BLOCK, _TOGETHER = f.LANES, 256, 64, 4
_ZERO = np.float32(0)


@compiled
def _binary(operator, x, y, out):
    """Unit by unit; an operand of one number goes with all."""
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
def _unary(operator, x, out):
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
def _largest(x):
    """The largest number, many side by side: alone, each would wait for the one before."""
    lanes = np.full(_MANY, x[0], np.float32)
    whole = len(x) // _MANY * _MANY
    for first in range(0, whole, _MANY):
        part = x[first : first + _MANY]
        for j in range(_MANY):
            lanes[j] = max(lanes[j], part[j])
    most = lanes.max()
    for j in range(whole, len(x)):
        most = max(most, x[j])
    return most


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
def _total(x):
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
def _log_softmax(x, out):
    most = _largest(x)
    for j in range(len(x)):
        out[j] = f.exp(x[j] - most)
    less = most + f.log(_total(out))
    for j in range(len(x)):
        out[j] = x[j] - less


@compiled
def _softmax(x, out):
    most = _largest(x)
    for j in range(len(x)):
        out[j] = f.exp(x[j] - most)
    scale = f.ONE / _total(out)
    for j in range(len(x)):
        out[j] *= scale


@compiled
def _norm(x, gain, out):
    size = np.float32(len(x))
    mean = _total(x) / size
    for j in range(len(x)):
        out[j] = x[j] - mean
    scale = f.ONE / np.float32(math.sqrt(_dot(out, out) / size + f.EPSILON))
    for j in range(len(x)):
        out[j] = (out[j] * scale) * gain[j]


@compiled
def _dots(query, keys, heads, size, out):
    """Each head's query times all of its keys: ``[heads * size]``, ``[count * heads * size]``, ``[heads * count]``."""
    count = len(out) // heads
    for key in range(count):
        for head in range(heads):
            first = (key * heads + head) * size
            out[head * count + key] = _dot(query[head * size : (head + 1) * size], keys[first : first + size])


@compiled
def _mix(shares, values, heads, size, out):
    """Values weighted by shares: ``[heads * count]``, ``[count * heads * size]``, ``[heads * size]``."""
    count = len(shares) // heads
    out[:] = _ZERO
    for key in range(count):
        for head in range(heads):
            share, first = shares[head * count + key], (key * heads + head) * size
            some, to = values[first : first + size], out[head * size : (head + 1) * size]
            for j in range(size):
                to[j] += share * some[j]


@compiled
def _round8(x, out):
    """``x`` as whole numbers around 128; the scale."""
    lanes = np.zeros(_MANY, np.float32)
    whole = len(x) // _MANY * _MANY
    for first in range(0, whole, _MANY):
        part = x[first : first + _MANY]
        for j in range(_MANY):
            lanes[j] = max(lanes[j], abs(part[j]))
    most = lanes.max()
    for j in range(whole, len(x)):
        most = max(most, abs(x[j]))
    scale = max(most, f.SMALLEST) * f.STEP
    for j in range(len(x)):
        out[j] = np.uint8(np.int32(f.whole(x[j] / scale)) + np.int32(128))
    for j in range(len(x), len(out)):
        out[j] = 128
    return scale


@compiled
def _linear(x, weights, bias, out):
    """A float32 product of rows ``x[N, K]`` to ``out[N, M]``.

    ``weights`` lie in blocks of 64 columns, ``[K, 64]`` each, so that columns go side by side and rows share a block.
    Each row's sums are those it has alone.
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
                    for j in range(_BLOCK):
                        one[j] += factor * column[j]
            for n in range(start, stop):
                for j in range(last):
                    total = sums[n - start, j]
                    out[n, first + j] = total + bias[first + j] if len(bias) else total
            start = stop


@compiled
def run(code, memory, constants, matrices):
    """Carry out ``code[instructions, FIELDS]`` for all rows.

    ``memory`` are the rows: of numbers ``[N, width]``, bytes ``[N, bytes]`` and whole numbers ``[N, slots]``.
    ``constants`` are ``fixed, tables``; ``matrices`` are what they are made of, ``bytes8, sums8, codes, floats``, and
    where each begins in these, ``places[matrices, 4]``.
    """
    row, small, ids = memory
    fixed, tables = constants
    packed, sums, codes, floats, places = matrices
    nothing = fixed[:0]
    rows = len(row)
    for number in range(len(code)):
        operator, out, a, b, size, p, q, s, t = (
            code[number, 0], code[number, 1], code[number, 2], code[number, 3], code[number, 4],
            code[number, 5], code[number, 6], code[number, 7], code[number, 8],
        )  # fmt: skip
        if operator == PRODUCT8:
            deep, first, place = -(-p // 4), places[q, 0], places[q, 1]
            middle, scales = sums[place : place + size], fixed[s : s + size]
            bias = fixed[t : t + size] if t >= 0 else nothing
            blocks = -(-size // _BLOCK)
            weights = packed[first : first + blocks * deep * 4 * _BLOCK]
            product(small, a, deep, weights, middle, row, out, b, scales, bias)
        elif ADD <= operator <= DIV:
            for n in range(rows):
                here = row[n]
                x = fixed[a : a + p] if s & 1 else here[a : a + p]
                y = fixed[b : b + q] if s & 2 else here[b : b + q]
                _binary(operator, x, y, here[out : out + size])
        elif operator == LOG_SOFTMAX:
            for n in range(rows):
                _log_softmax(row[n, a : a + size], row[n, out : out + size])
        elif operator == SOFTMAX:
            for n in range(rows):
                for piece in range(p):
                    start = piece * size
                    _softmax(row[n, a + start : a + start + size], row[n, out + start : out + start + size])
        elif operator == NORM:
            for n in range(rows):
                _norm(row[n, a : a + size], fixed[b : b + size], row[n, out : out + size])
        elif operator == DOT:
            for n in range(rows):
                keys = row[n, b : b + size * p * q]
                _dots(row[n, a : a + p * q], keys, p, q, row[n, out : out + size * p])
        elif operator == MIX:
            for n in range(rows):
                values = row[n, b : b + size * p * q]
                _mix(row[n, a : a + size * p], values, p, q, row[n, out : out + p * q])
        elif operator == ROUND8:
            for n in range(rows):
                row[n, b] = _round8(row[n, a : a + size], small[n, out : out + p])
        elif operator == LINEAR:
            first = places[q, 3]
            weights = floats[first : first + -(-size // _BLOCK) * _BLOCK * p]
            bias = fixed[s : s + size] if s >= 0 else nothing
            _linear(row[:, a : a + p], weights, bias, row[:, out : out + size])
        elif operator == ROWS8:
            for n in range(rows):
                first, scale = places[a, 2] + ids[n, b] * size, fixed[p + ids[n, b]]
                for j in range(size):
                    row[n, out + j] = np.float32(codes[first + j]) * scale
        elif operator == ROWS:
            for n in range(rows):
                first = places[a, 3] + ids[n, b] * size
                for j in range(size):
                    row[n, out + j] = floats[first + j]
        elif operator == PERMUTE:
            for n in range(rows):
                for j in range(size):
                    row[n, out + j] = row[n, a + tables[b + j]]
        elif operator == PICK:
            for n in range(rows):
                row[n, out] = row[n, a + ids[n, b]]
        elif operator == CHOOSE:
            for n in range(rows):
                _unary(COPY, row[n, a : a + size] if ids[n, p] else row[n, b : b + size], row[n, out : out + size])
        elif operator == LOOKUP:
            for n in range(rows):
                ids[n, out] = tables[a + ids[n, b]]
        else:
            for n in range(rows):
                x = fixed[a : a + size] if operator == COPY and p else row[n, a : a + size]
                _unary(operator, x, row[n, out : out + size])


@compiled
def collect(row, spans, out):
    """Pieces ``spans[pieces, 2]`` of each row side by side, ``out[N, ..]``."""
    for n in range(len(out)):
        place = 0
        for number in range(len(spans)):
            start, stop = spans[number]
            # An assignment of pieces asks first whether they overlap, and takes three times as long.
            _unary(COPY, row[n, start:stop], out[n, place : place + stop - start])
            place += stop - start


@compiled
def first_outside(ids, most):
    """The first row that has a whole number below 0 or above ``most[slots]``; -1 if none has."""
    for n in range(len(ids)):
        for slot in range(len(most)):
            if ids[n, slot] < 0 or ids[n, slot] > most[slot]:
                return n
    return -1


@compiled
def run_once(code, memory, constants, matrices, most, spans, out):
    """``run``, then what lies between ``spans`` goes to ``out[N, ..]``; or the first row with an id out of bounds."""
    outside = first_outside(memory[2], most)
    if outside < 0:
        run(code, memory, constants, matrices)
        collect(memory[0], spans, out)
    return outside


@compiled
def run_along(code, memory, constants, matrices, read, places, state, tops):
    """Carry out a step for one token after another, the state going on.

    ``read`` are ``tokens[N, T], live[T], fresh[N, T]``: at time t the first ``live`` rows read a token each, from zeros
    where ``fresh``. ``places`` are ``spans[1 + parts, 2], into[parts]``: what lies between the spans after a step is
    the top, which goes to ``tops[N, T, ..]``, and the next state; ``into`` says where the step takes each part from
    (-1: nowhere). ``state[N, ..]``, the parts side by side, is the state given and the one left.
    """
    row, small, ids = memory
    tokens, live, fresh = read
    spans, into = places
    rest = spans[1:]
    start, stop = spans[0]
    for time in range(len(live)):
        rows = live[time]
        for n in range(rows):
            ids[n, 0] = tokens[n, time]
            if fresh[n, time]:
                state[n, :] = _ZERO
            place = 0
            for number in range(len(rest)):
                size = rest[number, 1] - rest[number, 0]
                to = into[number]
                if to >= 0:
                    _unary(COPY, state[n, place : place + size], row[n, to : to + size])
                place += size
        run(code, (row[:rows], small[:rows], ids[:rows]), constants, matrices)
        collect(row[:rows], rest, state[:rows])
        for n in range(rows):
            _unary(COPY, row[n, start:stop], tops[n, time])
