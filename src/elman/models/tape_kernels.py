"""The instructions of a tape (``elman.models.tape``) as machine code: whole programs of small vectors in one call.

A runtime that looks up, starts and leaves each of a step's eighty operators spends more time on that than on the
numbers. Here a step is one call. Every operator works on ``room[N, width]``, a row for each text; an operand is a piece
of its row, or of the constants (``fixed``). ``small[N, bytes]`` holds what is multiplied in 8 bits, ``ids[N, slots]``
whole numbers. No row ever reads another one's.
"""

import math

import numpy as np

from elman.inference.byte_product import product
from elman.nn.vector_math import compiled, exponential, sigmoid, tanh

(
    COPY, ADD, SUB, MUL, DIV, MAX, ABS, ROUND, SIGMOID, TANH, RELU, SQRT, ERF, LOG_SOFTMAX, LARGEST, TO_BYTES, MULTIPLY,
    CODES, PICK, PERMUTE, CHOOSE, WHOLE, EQUAL, SCALE, FINISH, DENSE, ROWS, NORM, DOTS, SHARES, MIX,
) = range(31)  # fmt: skip
"""What an instruction does. DENSE and ROWS, products and tables in float32, are for other readers of tapes."""
FIELDS = 8
"""Numbers of an instruction: what, where to, from where, from where else, how many, and three that depend on it."""
_ZERO, _MANY, _LANES, _FEW = np.float32(0), 256, 64, 16
_EPSILON = np.float32(1e-5)
"""What ONNX adds to a variance."""


@compiled
def _binary(kind, x, y, out):
    """Elementwise; an operand of one number is used for all."""
    if len(x) == len(out) and len(y) == len(out):
        if kind == ADD:
            for j in range(len(out)):
                out[j] = x[j] + y[j]
        elif kind == SUB:
            for j in range(len(out)):
                out[j] = x[j] - y[j]
        elif kind == MUL:
            for j in range(len(out)):
                out[j] = x[j] * y[j]
        elif kind == DIV:
            for j in range(len(out)):
                out[j] = x[j] / y[j]
        else:
            for j in range(len(out)):
                out[j] = max(x[j], y[j])
    elif len(y) == 1:
        alone = y[0]
        if kind == ADD:
            for j in range(len(out)):
                out[j] = x[j] + alone
        elif kind == SUB:
            for j in range(len(out)):
                out[j] = x[j] - alone
        elif kind == MUL:
            for j in range(len(out)):
                out[j] = x[j] * alone
        elif kind == DIV:
            for j in range(len(out)):
                out[j] = x[j] / alone
        else:
            for j in range(len(out)):
                out[j] = max(x[j], alone)
    else:
        alone = x[0]
        if kind == ADD:
            for j in range(len(out)):
                out[j] = alone + y[j]
        elif kind == SUB:
            for j in range(len(out)):
                out[j] = alone - y[j]
        elif kind == MUL:
            for j in range(len(out)):
                out[j] = alone * y[j]
        elif kind == DIV:
            for j in range(len(out)):
                out[j] = alone / y[j]
        else:
            for j in range(len(out)):
                out[j] = max(alone, y[j])


@compiled
def _unary(kind, x, out):
    if kind == COPY:
        for j in range(len(out)):
            out[j] = x[j]
    elif kind == ABS:
        for j in range(len(out)):
            out[j] = abs(x[j])
    elif kind == ROUND:
        for j in range(len(out)):
            out[j] = np.rint(x[j])
    elif kind == SIGMOID:
        for j in range(len(out)):
            out[j], _ = sigmoid(x[j])
    elif kind == TANH:
        for j in range(len(out)):
            out[j] = tanh(x[j])
    elif kind == RELU:
        for j in range(len(out)):
            out[j] = max(x[j], _ZERO)
    elif kind == SQRT:
        for j in range(len(out)):
            out[j] = math.sqrt(x[j])
    elif kind == ERF:
        for j in range(len(out)):
            out[j] = math.erf(x[j])


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
def _log_softmax(x, out):
    most = _largest(x)
    lanes = np.zeros(_LANES, np.float32)
    whole = len(x) // _LANES * _LANES
    for first in range(0, whole, _LANES):
        part = x[first : first + _LANES]
        for j in range(_LANES):
            lanes[j] += exponential(part[j] - most)
    total = lanes.sum()
    for j in range(whole, len(x)):
        total += exponential(x[j] - most)
    less = most + np.float32(math.log(total))
    for j in range(len(out)):
        out[j] = x[j] - less


@compiled
def _norm(x, gain, out):
    """Mean 0 and variance 1, times a gain; sums side by side."""
    lanes, squares = np.zeros(_FEW, np.float32), np.zeros(_FEW, np.float32)
    whole = len(x) // _FEW * _FEW
    for first in range(0, whole, _FEW):
        for j in range(_FEW):
            lanes[j] += x[first + j]
    total = lanes.sum()
    for j in range(whole, len(x)):
        total += x[j]
    mean = total / np.float32(len(x))
    for first in range(0, whole, _FEW):
        for j in range(_FEW):
            apart = x[first + j] - mean
            squares[j] += apart * apart
    total = squares.sum()
    for j in range(whole, len(x)):
        total += (x[j] - mean) ** 2
    scale = np.float32(1) / np.float32(math.sqrt(total / np.float32(len(x)) + _EPSILON))
    for j in range(len(x)):
        out[j] = (x[j] - mean) * scale * gain[j]


@compiled
def _dot(x, y):
    """The sum of products, a few side by side."""
    lanes = np.zeros(_FEW, np.float32)
    whole = len(x) // _FEW * _FEW
    for first in range(0, whole, _FEW):
        for j in range(_FEW):
            lanes[j] += x[first + j] * y[first + j]
    total = _ZERO
    for j in range(_FEW):
        total += lanes[j]
    for j in range(whole, len(x)):
        total += x[j] * y[j]
    return total


@compiled
def _shares(x, out):
    """The softmax."""
    most, total = _largest(x), _ZERO
    for j in range(len(x)):
        out[j] = exponential(x[j] - most)
    for j in range(len(x)):
        total += out[j]
    scale = np.float32(1) / total
    for j in range(len(x)):
        out[j] *= scale


@compiled
def _mix(shares, x, keys, heads, size, out):
    """The sum of ``x[keys, heads, size]``, each by its share ``[heads, keys]``."""
    out[:] = _ZERO
    for key in range(keys):
        for head in range(heads):
            share, first = shares[head * keys + key], (key * heads + head) * size
            some, to = x[first : first + size], out[head * size : (head + 1) * size]
            for j in range(size):
                to[j] += share * some[j]


@compiled
def run(tape, room, small, ids, bounds, fixed, tables, codes, weights, middle, ends, results):
    """Carry out ``tape[instructions, 8]``; -1, or a row whose first ids are out of their ``bounds[slots, 2]``.

    ``fixed`` are float32 constants, ``tables`` whole ones, ``codes`` rows of 8 bits that are looked up, ``weights`` and
    ``middle`` the matrices as ``byte_product.product`` wants them. What lies between ``ends[outputs, 2]`` in the end
    goes to ``results``, side by side.
    """
    rows = len(room)
    for row in range(rows):
        for slot in range(len(bounds)):
            if ids[row, slot] < bounds[slot, 0] or ids[row, slot] > bounds[slot, 1]:
                return row
    for number in range(len(tape)):
        kind, out, a, b, size, p, q, s = tape[number]
        if kind == MULTIPLY:
            # a: place in small, fours of its bytes: b; p: place of the matrix, s: its bytes, q: place of its sums
            target, scale, scales, bias = out, -1, fixed[:0], fixed[:0]
            if number + 1 < len(tape) and tape[number + 1, 0] == FINISH:
                _, target, _, scale, _, first, second, _ = tape[number + 1]
                scales, bias = fixed[first : first + size], fixed[second : second + size] if second >= 0 else bias
            product(small, a, b, weights[p : p + s], middle[q : q + size], room, target, scale, scales, bias)
        elif kind == FINISH:
            # What stands behind a product and belongs to it: b: the row's scale; p: the columns' scales, q: the bias
            # (-1: none).
            pass
        elif ADD <= kind <= MAX:
            # p, q: sizes of the operands; s: 1 where the first is a constant, 2 where the second is
            for row in range(rows):
                here = room[row]
                x = fixed[a : a + p] if s & 1 else here[a : a + p]
                y = fixed[b : b + q] if s & 2 else here[b : b + q]
                _binary(kind, x, y, here[out : out + size])
        elif kind == LOG_SOFTMAX:
            for row in range(rows):
                _log_softmax(room[row, a : a + size], room[row, out : out + size])
        elif kind == LARGEST:
            for row in range(rows):
                room[row, out] = _largest(room[row, a : a + size])
        elif kind == NORM:
            # b: the gain, a constant
            for row in range(rows):
                _norm(room[row, a : a + size], fixed[b : b + size], room[row, out : out + size])
        elif kind == DOTS:
            # a: a vector of p pieces of q numbers, b: size of such vectors; each piece with its like, a row for each
            for row in range(rows):
                here = room[row]
                for j in range(size):
                    for piece in range(p):
                        x, y = a + piece * q, b + (j * p + piece) * q
                        here[out + piece * size + j] = _dot(here[x : x + q], here[y : y + q])
        elif kind == SHARES:
            # p pieces of size numbers
            for row in range(rows):
                for piece in range(p):
                    first = piece * size
                    x = room[row, a + first : a + first + size]
                    _shares(x, room[row, out + first : out + first + size])
        elif kind == MIX:
            # a: p rows of shares, b: size vectors of p pieces of q numbers
            for row in range(rows):
                here = room[row]
                x, y = here[a : a + size * p], here[b : b + size * p * q]
                _mix(x, y, size, p, q, here[out : out + p * q])
        elif kind == TO_BYTES:
            # up to p, bytes behind the end; they meet zeros
            for row in range(rows):
                x, y = room[row, a : a + size], small[row, out : out + size]
                for j in range(size):
                    y[j] = np.uint8(x[j])
                for j in range(out + size, out + p):
                    small[row, j] = 128
        elif kind == CODES:
            # rows of a table at a, looked up by slot b
            for row in range(rows):
                first = a + ids[row, b] * size
                x, y = codes[first : first + size], room[row, out : out + size]
                for j in range(size):
                    y[j] = x[j]
        elif kind == SCALE:
            for row in range(rows):
                room[row, out] = fixed[a + ids[row, b]]
        elif kind == PICK:
            for row in range(rows):
                room[row, out] = room[row, a + ids[row, b]]
        elif kind == PERMUTE:
            for row in range(rows):
                x, y = room[row], room[row, out : out + size]
                for j in range(size):
                    y[j] = x[a + tables[b + j]]
        elif kind == CHOOSE:
            for row in range(rows):
                first = a if ids[row, p] else b
                room[row, out : out + size] = room[row, first : first + size]
        elif kind == WHOLE:
            for row in range(rows):
                ids[row, out] = tables[a + ids[row, b]]
        elif kind == EQUAL:
            for row in range(rows):
                ids[row, out] = ids[row, a] == b
        else:
            # s: 1 where it is a constant
            for row in range(rows):
                x = fixed[a : a + size] if s else room[row, a : a + size]
                _unary(kind, x, room[row, out : out + size])
    for row in range(rows):
        here, made, place = room[row], results[row], 0
        for number in range(len(ends)):
            start, stop = ends[number]
            # An assignment of pieces asks first whether they overlap, and takes three times as long.
            _unary(COPY, here[start:stop], made[place : place + stop - start])
            place += stop - start
    return -1
