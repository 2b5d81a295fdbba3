"""Instructions (``compiler.py``) as machine code: a function, or a step along whole sequences.

Every operator works on ``row[N, width]``, a row for each text; an operand is a piece of its row, or
of the constants. No row reads another. The compiler may reorder or contract nothing here: results
have the same bits as those of the interpreter, which has the same functions in NumPy.
"""

import numpy as np

from elman.inference.byte_product import product
from elman.inference.vector_kernels import (
    ADD,
    CHOOSE,
    COPY,
    DIV,
    DOT,
    LINEAR,
    LOG_SOFTMAX,
    LOOKUP,
    MIX,
    NORM,
    PERMUTE,
    PICK,
    PRODUCT8,
    ROUND8,
    ROWS,
    ROWS8,
    SOFTMAX,
    binary,
    binary_at,
    compiled,
    copy_at,
    copy_token,
    dots,
    linear,
    log_softmax,
    mix,
    norm,
    round8,
    softmax,
    unary,
    widen,
)

_BLOCK = 64
_ZERO = np.float32(0)


@compiled
def run(code, memory, constants, matrices):
    """Carry out ``code[instructions, FIELDS]`` for all rows.

    ``memory`` are the rows: of numbers ``[N, width]``, bytes ``[N, bytes]`` and whole numbers
    ``[N, slots]``. ``constants`` are ``fixed, tables``; ``matrices`` are the arrays
    ``bytes8, sums8, codes, floats`` and each matrix's offsets in them, ``offsets[matrices, 4]``.
    """
    row, small, ids = memory
    fixed, tables = constants
    packed, sums, codes, floats, offsets = matrices
    nothing = fixed[:0]
    rows = len(row)
    for number in range(len(code)):
        operator, out, a, b, size, p, q, s, t = (
            code[number, 0], code[number, 1], code[number, 2], code[number, 3], code[number, 4],
            code[number, 5], code[number, 6], code[number, 7], code[number, 8],
        )  # fmt: skip
        if operator == PRODUCT8:
            deep, first, offset = -(-p // 4), offsets[q, 0], offsets[q, 1]
            middle, scales = sums[offset : offset + size], fixed[s : s + size]
            bias = fixed[t : t + size] if t >= 0 else nothing
            blocks = -(-size // _BLOCK)
            weights = packed[first : first + blocks * deep * 4 * _BLOCK]
            product(small, a, deep, weights, middle, row, out, b, scales, bias)
        elif ADD <= operator <= DIV and p == size and q == size and s == 0:
            for n in range(rows):
                binary_at(operator, row, n, a, b, out, size)
        elif ADD <= operator <= DIV:
            for n in range(rows):
                here = row[n]
                x = fixed[a : a + p] if s & 1 else here[a : a + p]
                y = fixed[b : b + q] if s & 2 else here[b : b + q]
                binary(operator, x, y, here[out : out + size])
        elif operator == LOG_SOFTMAX:
            for n in range(rows):
                log_softmax(row[n, a : a + size], row[n, out : out + size])
        elif operator == SOFTMAX:
            for n in range(rows):
                for piece in range(p):
                    start = piece * size
                    softmax(row[n, a + start : a + start + size], row[n, out + start : out + start + size])
        elif operator == NORM:
            for n in range(rows):
                norm(row[n, a : a + size], fixed[b : b + size], row[n, out : out + size])
        elif operator == DOT:
            for n in range(rows):
                keys = row[n, b : b + size * p * q]
                dots(row[n, a : a + p * q], keys, p, q, row[n, out : out + size * p])
        elif operator == MIX:
            for n in range(rows):
                values = row[n, b : b + size * p * q]
                mix(row[n, a : a + size * p], values, p, q, row[n, out : out + p * q])
        elif operator == ROUND8:
            for n in range(rows):
                row[n, b] = round8(row[n, a : a + size], small[n, out : out + p])
        elif operator == LINEAR:
            first = offsets[q, 3]
            weights = floats[first : first + -(-size // _BLOCK) * _BLOCK * p]
            bias = fixed[s : s + size] if s >= 0 else nothing
            linear(row[:, a : a + p], weights, bias, row[:, out : out + size])
        elif operator == ROWS8:
            for n in range(rows):
                first, scale = offsets[a, 2] + ids[n, b] * size, fixed[p + ids[n, b]]
                widen(codes[first : first + size], scale, row[n, out : out + size])
        elif operator == ROWS:
            for n in range(rows):
                first = offsets[a, 3] + ids[n, b] * size
                unary(COPY, floats[first : first + size], row[n, out : out + size])
        elif operator == PERMUTE:
            for n in range(rows):
                for j in range(size):
                    row[n, out + j] = row[n, a + tables[b + j]]
        elif operator == PICK:
            for n in range(rows):
                row[n, out] = row[n, a + ids[n, b]]
        elif operator == CHOOSE:
            for n in range(rows):
                unary(COPY, row[n, a : a + size] if ids[n, p] else row[n, b : b + size], row[n, out : out + size])
        elif operator == LOOKUP:
            for n in range(rows):
                ids[n, out] = tables[a + ids[n, b]]
        elif operator == COPY and not p:
            for n in range(rows):
                copy_at(row, n, a, row, n, out, size)
        else:
            for n in range(rows):
                x = fixed[a : a + size] if operator == COPY and p else row[n, a : a + size]
                unary(operator, x, row[n, out : out + size])


@compiled
def collect(row, spans, out):
    """Pieces ``spans[pieces, 2]`` of each row side by side, ``out[N, ..]``."""
    for n in range(len(out)):
        column = 0
        for number in range(len(spans)):
            start, stop = spans[number]
            copy_at(row, n, start, out, n, column, stop - start)
            column += stop - start


@compiled
def first_outside(ids, most):
    """The first row that has a whole number below 0 or above ``most[slots]``; -1 if none has."""
    for n in range(len(ids)):
        for slot in range(len(most)):
            if ids[n, slot] < 0 or ids[n, slot] > most[slot]:
                return n
    return -1


@compiled
def run_along(code, memory, constants, matrices, read, positions, state, tops):
    """Run a step for one token after another, passing the state on.

    ``read`` are ``tokens[N, T], live[T], fresh[N, T], table[tokens, ..], column``: at time t the
    first ``live`` rows read a token each, from zeros where ``fresh``; of the ``table`` its row,
    which goes to ``column``, or if that is below 0, its id. ``positions`` are
    ``spans[1 + parts, 2], into[parts]``. After a step, the first span is the top, copied to
    ``tops[N, T, ..]``; the others are the next state. ``into`` says where the step reads each part
    (-1: nowhere). ``state[N, ..]``, the parts side by side, is the initial state and then the final
    one.
    """
    row, small, ids = memory
    tokens, live, fresh, table, column_of_table = read
    spans, into = positions
    state_spans = spans[1:]
    start, stop = spans[0]
    for time in range(len(live)):
        rows = live[time]
        for n in range(rows):
            if column_of_table < 0:
                ids[n, 0] = tokens[n, time]
            else:
                width = table.shape[1]
                copy_at(table, tokens[n, time], 0, row, n, column_of_table, width)
            if fresh[n, time]:
                state[n, :] = _ZERO
            column = 0
            for number in range(len(state_spans)):
                size = state_spans[number, 1] - state_spans[number, 0]
                to = into[number]
                if to >= 0:
                    copy_at(state, n, column, row, n, to, size)
                column += size
        run(code, (row[:rows], small[:rows], ids[:rows]), constants, matrices)
        collect(row[:rows], state_spans, state[:rows])
        for n in range(rows):
            copy_token(row, n, start, tops, n, time, stop - start)
