"""The inner loops of reading and writing ARPA files, as machine code.

A line of order n is ``log10-probability word1 ... wordn [log10-backoff]``, split at spaces and
tabs. Whatever a file holds, nothing outside the arguments is touched: the caller makes the arrays
long enough for the text.
"""

import numpy as np

from elman.models.ngram.kernels import compiled

SECTION_ENDS, BLOCK_ENDS, NO_NUMBER, TOO_FEW, TOO_MANY, UNKNOWN, TWICE, CONTROL = range(8)
"""How ``read_lines`` stopped: at a line that begins with a backslash, at the end of the text, or at
a mistake."""

SMALLEST = 1e-10
"""The smallest number that ``write_lines`` formats itself."""
NUMBER_BYTES = 32
"""Most bytes of one number, with its tab or line end."""

_TAB, _LINE_FEED, _RETURN, _SPACE, _BACKSLASH = 9, 10, 13, 32, 92
_PLUS, _MINUS, _POINT, _ZERO, _NINE = 43, 45, 46, 48, 57
_I, _N, _F = 105, 110, 102
_MOST_DIGITS = 1 << 53
"""Whole numbers up to here and powers of ten up to 10^22 are exact, so their quotients are rounded
only once."""
_POWERS = np.array([10.0**power for power in range(23)])
_WHOLE = np.array([10**power for power in range(19)])


@compiled
def _number(text, start, end):
    """The number in ``text[start:end]``: (1, value); (2, 0) if it needs exact arithmetic or is
    minus infinity; (0, 0) if it is not a number.
    """
    at = start
    negative = text[at] == _MINUS
    if negative or text[at] == _PLUS:
        at += 1
    if negative and end - at == 3 and text[at] | 32 == _I and text[at + 1] | 32 == _N and text[at + 2] | 32 == _F:
        return 2, 0.0
    digits, value, exponent, exact = 0, np.int64(0), 0, True
    point = False
    while at < end:
        char = text[at]
        if char == _POINT and not point:
            point = True
        elif _ZERO <= char <= _NINE:
            digits += 1
            if value < _MOST_DIGITS // 16:
                value = value * 10 + (np.int64(char) - _ZERO)
                exponent -= point
            elif char != _ZERO or not point:
                exact = False
        else:
            break
        at += 1
    if digits == 0:
        return 0, 0.0
    if at < end:
        if text[at] | 32 != 101:  # e or E
            return 0, 0.0
        at += 1
        downwards = at < end and text[at] == _MINUS
        if at < end and (text[at] == _MINUS or text[at] == _PLUS):
            at += 1
        if at == end:
            return 0, 0.0
        power = 0
        while at < end:
            if not _ZERO <= text[at] <= _NINE:
                return 0, 0.0
            power = min(power * 10 + (np.int64(text[at]) - _ZERO), 1 << 20)
            at += 1
        exponent += -power if downwards else power
    if not exact or exponent < -22 or exponent > 22:
        return 2, 0.0
    magnitude = value / _POWERS[-exponent] if exponent < 0 else value * _POWERS[exponent]
    return 1, -magnitude if negative else magnitude


@compiled
def _hash(text, start, end, seed):
    state = seed
    for at in range(start, end):
        state = (state ^ np.uint64(text[at])) * np.uint64(0x9E3779B97F4A7C15)
        state ^= state >> np.uint64(29)
    return state


@compiled
def _slot(text, start, end, pool, offsets, slots, seed):
    """The slot of a word, or the free slot where it belongs."""
    mask = np.uint64(len(slots) - 1)
    slot = _hash(text, start, end, seed) & mask
    while slots[slot] >= 0:
        word = slots[slot]
        first = offsets[word]
        if offsets[word + 1] - first == end - start:
            same = 0
            while same < end - start and pool[first + same] == text[start + same]:
                same += 1
            if same == end - start:
                break
        slot = (slot + np.uint64(1)) & mask
    return slot


@compiled
def fill_slots(pool, offsets, count, slots, seed):
    """Put the first ``count`` words into empty ``slots`` (-1; a power of two, more than there are
    words).
    """
    for word in range(count):
        slots[_slot(pool, offsets[word], offsets[word + 1], pool, offsets, slots, seed)] = word


@compiled
def read_lines(text, order, line, count, pool, offsets, slots, seed, words, logs, lines, slow):
    """Read lines of one order from ``text``, which ends with a line feed (or is empty).

    Args:
        line: the number of its first line.
        count: how many words are known; at order 1 each line's word becomes one more.
        pool, offsets: the known words' bytes, and where each begins; at order 1 with space for all
            of ``text``.
        slots: where words are found by their hash.
        words, logs, lines: filled for each n-gram: its words, probability and backoff, line.
        slow: filled with (row * 2 + column, start, end) for each of ``logs`` that needs exact
            arithmetic.

    Returns:
        How it stopped, where, at which line, how many n-grams and how many slow numbers there are;
        start and end of the field that stopped it.
    """
    at, rows, late = 0, 0, 0
    while at < len(text):
        if text[at] == _BACKSLASH:
            return SECTION_ENDS, at, line, rows, late, 0, 0
        field, start = 0, at
        logs[rows, 1] = 0.0
        while True:
            while text[at] == _SPACE or text[at] == _TAB:
                at += 1
            start = at
            while text[at] > _SPACE or (text[at] < _SPACE and text[at] != _TAB and text[at] != _LINE_FEED):
                if text[at] < _SPACE and (text[at] != _RETURN or text[at + 1] != _LINE_FEED):
                    return CONTROL, at, line, rows, late, at, at + 1
                at += 1
            end = at
            if end > start and text[end - 1] == _RETURN:
                end -= 1
            if end == start:
                break
            if field == 0 or field == order + 1:
                kind, value = _number(text, start, end)
                if kind == 0:
                    return NO_NUMBER, at, line, rows, late, start, end
                column = 1 if field else 0
                logs[rows, column] = value
                if kind == 2:
                    slow[late, 0], slow[late, 1], slow[late, 2] = rows * 2 + column, start, end
                    late += 1
            elif field > order + 1:
                return TOO_MANY, at, line, rows, late, start, end
            else:
                slot = _slot(text, start, end, pool, offsets, slots, seed)
                if order == 1:
                    if slots[slot] >= 0:
                        return TWICE, at, line, rows, late, start, end
                    slots[slot] = count
                    first = offsets[count]
                    for k in range(end - start):
                        pool[first + k] = text[start + k]
                    count += 1
                    offsets[count] = first + end - start
                elif slots[slot] < 0:
                    return UNKNOWN, at, line, rows, late, start, end
                words[rows, field - 1] = slots[slot]
            field += 1
        if 0 < field <= order:
            return TOO_FEW, at, line, rows, late, start, start
        if field:
            lines[rows] = line
            rows += 1
        at += 1
        line += 1
    return BLOCK_ENDS, at, line, rows, late, 0, 0


@compiled
def find_indices(keys, starts, nodes, words, size, indices):
    """Fill ``indices[R]`` with the indices in ``keys`` of contexts ``nodes[R]`` followed by
    ``words[R]``, or -1.

    ``starts``: where the keys of each context begin; last, the number of keys.
    """
    for row in range(len(nodes)):
        indices[row] = -1
        if nodes[row] < 0:
            continue
        wanted = nodes[row] * size + words[row]
        first, end = starts[nodes[row]], starts[nodes[row] + 1]
        while first < end:
            middle = (first + end) >> 1
            if keys[middle] < wanted:
                first = middle + 1
            else:
                end = middle
        if first < starts[nodes[row] + 1] and keys[first] == wanted:
            indices[row] = first


@compiled
def _put_number(out, at, number):
    """Write the shortest decimal that reads back as this float32: 0, or a size of SMALLEST to
    1000.
    """
    size = np.float64(abs(number))
    if number < 0:
        out[at] = _MINUS
        at += 1
    behind = max(-np.int64(np.floor(np.log10(size))) - 1, 0) if size > 0 else 0
    digits = np.rint(size * _POWERS[behind])
    # Enough digits end this: twelve at most, and the next float32 is further away.
    while np.float32(digits / _POWERS[behind]) != np.float32(size):
        behind += 1
        digits = np.rint(size * _POWERS[behind])
    left = np.int64(digits)
    length = behind + 1
    while length < len(_WHOLE) and left >= _WHOLE[length]:
        length += 1
    at += length + (behind > 0)
    digit_at = at
    for written in range(length):
        if written == behind and behind > 0:
            digit_at -= 1
            out[digit_at] = _POINT
        digit_at -= 1
        out[digit_at] = _ZERO + left % 10
        left //= 10
    return at


@compiled
def _put_bytes(out, at, source, start, end):
    for k in range(start, end):
        out[at] = source[k]
        at += 1
    return at


@compiled
def write_lines(tokens, logs, columns, pool, offsets, odd, odd_pool, odd_offsets, out):
    """Write n-grams ``tokens[R, n]`` with the first ``columns`` of ``logs[R, 2]``; a backoff of 0
    is left out.

    Args:
        pool, offsets: the words' bytes, and where each begins.
        odd: ``row * 2 + column``, rising, of numbers that ``_put_number`` cannot write; their text
            is in ``odd_pool``.
        out: space for all words and NUMBER_BYTES for each number.

    Returns:
        How many bytes were written.
    """
    at, late = 0, 0
    for row in range(len(tokens)):
        for column in range(columns):
            number = logs[row, column]
            if column == 1:
                if number == 0:
                    break
                out[at] = _TAB
                at += 1
            if late < len(odd) and odd[late] == row * 2 + column:
                at = _put_bytes(out, at, odd_pool, odd_offsets[late], odd_offsets[late + 1])
                late += 1
            else:
                at = _put_number(out, at, number)
            if column == 0:
                for k in range(tokens.shape[1]):
                    out[at] = _SPACE if k else _TAB
                    at = _put_bytes(out, at + 1, pool, offsets[tokens[row, k]], offsets[tokens[row, k] + 1])
        out[at] = _LINE_FEED
        at += 1
    return at
