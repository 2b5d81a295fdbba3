"""Counting on disk in machine code: making, sorting and merging records of packed tokens, and
reading n-grams off.

A record is ``W`` numbers of 64 bits. Field j, a token plus 1 or 0 for none, lies in number
``words[j]``, shifted left by ``shifts[j]``. So records compare as their fields do, and shorter ones
come first. Sorted records have one number more, their count.
"""

import numpy as np
from numba import njit

# numpy's errors: Python's would test every division for zero.
compiled = njit(nogil=True, cache=True, error_model="numpy")

_SMALL = 24
"""Up to this many records are sorted by insertion."""


@compiled
def unigrams(tokens, first, stop, counts):
    """Add the tokens from ``first`` to ``stop`` to ``counts[V]``."""
    for t in range(first, stop):
        counts[tokens[t]] += 1


@compiled
def windows(tokens, starts, first, stop, vocab, words, shifts, records, filled):
    """For each token ``first`` to ``stop``, the n-grams that begin with the token before it, or
    with `<s>`.

    ``records[filled:]`` get those tokens, as many as fit in or the line has; ``starts`` says where
    lines begin.
    """
    order, width = len(words), records.shape[1]
    for t in range(first, stop):
        for w in range(width):
            records[filled, w] = 0
        before = vocab if starts[t] else tokens[t - 1]
        records[filled, 0] = np.uint64(before + 1) << shifts[0]
        for j in range(1, order):
            position = t + j - 1
            if j > 1 and (position == len(tokens) or starts[position]):
                break
            records[filled, words[j]] |= np.uint64(tokens[position] + 1) << shifts[j]
        filled += 1
    return filled


@compiled
def sort(records, count):
    """Sort the first ``count`` records in place: by one number of them after the other (Bentley,
    Sedgewick 1997).
    """
    width = records.shape[1]
    # The smallest of three parts is sorted next, the others wait: never more than 2 log3(2^63) of
    # them.
    waiting = np.empty((128, 3), np.int64)
    low, high, word, depth = 0, count, 0, 0
    while True:
        while word < width and high - low > _SMALL:
            less, more = _part(records, low, high, word)
            parts = ((low, less, word), (less, more, word + 1), (more, high, word))
            smallest, largest = 0, 0
            for p in range(1, 3):
                size = parts[p][1] - parts[p][0]
                if size < parts[smallest][1] - parts[smallest][0]:
                    smallest = p
                if size >= parts[largest][1] - parts[largest][0]:
                    largest = p
            for p in (largest, 3 - largest - smallest):
                waiting[depth, 0], waiting[depth, 1], waiting[depth, 2] = parts[p]
                depth += 1
            low, high, word = parts[smallest]
        if word < width:
            _insert(records, low, high)
        if depth == 0:
            break
        depth -= 1
        low, high, word = waiting[depth, 0], waiting[depth, 1], waiting[depth, 2]


@compiled
def _part(records, low, high, word):
    """Partition by some record's number: smaller ones to the front, larger ones to the back;
    returns the borders.
    """
    quarter = (high - low) // 4
    one, two, three = records[low + quarter, word], records[low + 2 * quarter, word], records[high - quarter, word]
    pivot = max(min(one, two), min(max(one, two), three))
    less, here, more = low, low, high
    while here < more:
        value = records[here, word]
        if value < pivot:
            _swap(records, here, less, word)
            less += 1
            here += 1
        elif value > pivot:
            more -= 1
            _swap(records, here, more, word)
        else:
            here += 1
    return less, more


@compiled
def _swap(records, one, other, word):
    for w in range(word, records.shape[1]):
        records[one, w], records[other, w] = records[other, w], records[one, w]


@compiled
def _insert(records, low, high):
    for i in range(low + 1, high):
        j = i
        while j > low and _before(records, j, records, j - 1, records.shape[1]):
            _swap(records, j, j - 1, 0)
            j -= 1


@compiled
def _before(some, one, others, other, width):
    """Whether record ``one`` of ``some`` comes before record ``other`` of ``others``."""
    for w in range(width):
        if some[one, w] != others[other, w]:
            return some[one, w] < others[other, w]
    return False


@compiled
def _same(some, one, others, other, width):
    w = 0
    while w < width and some[one, w] == others[other, w]:
        w += 1
    return w == width


@compiled
def collapse(records, start, count, out):
    """Fill ``out`` with the distinct records of the sorted ``records[start:count]`` and their
    counts.

    Returns where it stopped, and how many it wrote.
    """
    width, filled = records.shape[1], 0
    while start < count and filled < len(out):
        first = start
        start += 1
        while start < count and _same(records, start, records, first, width):
            start += 1
        for w in range(width):
            out[filled, w] = records[first, w]
        out[filled, width] = np.uint64(start - first)
        filled += 1
    return start, filled


@compiled
def make_heap(records, positions, heap, size):
    """Order ``heap[:size]``, numbers of runs, by the runs' next records, ``records[positions]``."""
    for root in range(size // 2 - 1, -1, -1):
        _settle(records, positions, heap, size, root)


@compiled
def _settle(records, positions, heap, size, root):
    width, run = records.shape[1] - 1, heap[root]
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and _before(records, positions[heap[child + 1]], records, positions[heap[child]], width):
            child += 1
        if not _before(records, positions[heap[child]], records, positions[run], width):
            break
        heap[root] = heap[child]
        root = child
    heap[root] = run


@compiled
def merge(records, positions, ends, heap, size, out, filled):
    """Append the runs' records to ``out[:filled]`` in order, equal ones added up.

    It stops when ``out`` is full or a run is used up; that run is the first of the heap. Returns
    how many ``out`` holds.
    """
    width = out.shape[1] - 1
    while filled < len(out):
        _settle(records, positions, heap, size, 0)
        run = heap[0]
        position = positions[run]
        if filled and _same(records, position, out, filled - 1, width):
            out[filled - 1, width] += records[position, width]
        else:
            for w in range(width + 1):
                out[filled, w] = records[position, w]
            filled += 1
        positions[run] = position + 1
        if positions[run] == ends[run]:
            break
    return filled


@compiled
def _read(record, words, shifts, mask, fields):
    for j in range(len(fields)):
        fields[j] = np.int64((record[words[j]] >> shifts[j]) & mask)


@compiled
def _shared(fields, previous, most):
    """The length of two records' common prefix, and of the first one; ``previous`` becomes the
    first.
    """
    length = 0
    while length < most and fields[length] != 0:
        length += 1
    shared = 0
    while shared < length and fields[shared] == previous[shared]:
        shared += 1
    previous[:] = fields
    return shared, length


@compiled
def ngrams(block, vocab, words, shifts, mask, previous, last, begins, keys, raw, filled, suffixes, spilled):
    """Append the n-grams of sorted distinct windows to ``keys[n]`` and ``raw[n]``, ``filled[n]``
    each, for n from 2.

    ``previous`` is the last window's fields, ``last[n]`` the last n-gram's index in its table,
    ``begins[n]`` the first index of one that begins with `<s>`. Later windows may add occurrences
    to the last n-gram.

    Each window without its first token goes to ``suffixes[spilled:]``. Its last field is a length:
    prefixes of that many tokens or more gain a left neighbour.
    """
    order, width = len(words), suffixes.shape[1]
    fields = np.empty(order, np.int64)
    for row in range(len(block)):
        _read(block[row], words, shifts, mask, fields)
        if fields[0] == vocab + 1 and previous[0] != vocab + 1:
            begins[2:] = last[2:] + 1
        shared, length = _shared(fields, previous, order)
        for n in range(max(shared + 1, 2), length + 1):
            context = fields[0] - 1 if n == 2 else last[n - 1]
            keys[n, filled[n]] = context * vocab + fields[n - 1] - 1
            raw[n, filled[n]] = 0
            filled[n] += 1
            last[n] += 1
        count = np.int64(block[row, width])
        for n in range(2, length + 1):
            raw[n, filled[n] - 1] += count
        for w in range(width):
            suffixes[spilled, w] = 0
        for j in range(1, length):
            suffixes[spilled, words[j - 1]] |= np.uint64(fields[j]) << shifts[j - 1]
        suffixes[spilled, words[order - 1]] |= np.uint64(max(shared, 1)) << shifts[order - 1]
        spilled += 1
    return spilled


@compiled
def neighbours(block, words, shifts, mask, previous, singles, counts, filled):
    """Append how many left neighbours each n-gram has to ``counts[n]``, ``filled[n]`` of them, for
    n from 2.

    ``block`` holds the sorted suffixes that ``ngrams`` made; ``singles[V]`` are those of order 1.
    """
    order, width = len(words), block.shape[1] - 1
    fields = np.empty(order, np.int64)
    for row in range(len(block)):
        _read(block[row], words, shifts, mask, fields)
        least = fields[order - 1]
        shared, length = _shared(fields, previous, order - 1)
        for n in range(max(shared + 1, 2), length + 1):
            counts[n, filled[n]] = 0
            filled[n] += 1
        more = np.int64(block[row, width])
        for n in range(max(least, 2), length + 1):
            counts[n, filled[n] - 1] += more
        if least == 1:
            singles[fields[0] - 1] += more
