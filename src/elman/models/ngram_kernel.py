"""The logits of ``NgramRegression`` in compiled code: hashing, counting and summing of a text at
once.

The reference is ``NgramRegression.reference_logits`` over ``data.hashed_ngrams``.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from elman.data.hashed_ngrams import BLANK, FACTOR, MARK, MIX, PAIR, WORD
from elman.data.ngram_index import PARTS, Buckets, NgramIndex

# Without an explicit False, numba takes fastmath from whatever function calls first.
_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy", "fastmath": False}
# Products of 64 bits have the same low 32 bits as those of 32.
_FACTOR, _MIX, _PAIR = np.uint64(FACTOR), np.uint64(MIX), np.uint64(PAIR)
_LOW = np.uint64(0xFFFFFFFF)
_ONE, _FIFTEEN, _WIDTH = np.uint64(1), np.uint64(15), np.uint64(32)
_NEGATIONS = PARTS
"""In the table of keys, negations come as one more part."""


class KeyTable(NamedTuple):
    """Where the compiled code finds the column of a key. It is small, so that it stays in the
    cache."""

    keys: NDArray[np.uint32]
    """The keys of the index and then the negations, each part in rising order; none for buckets."""
    slots: NDArray[np.int32]
    """For each part, where the keys begin that have the same first bits, and where the last ones
    end."""
    firsts: NDArray[np.int64]
    """Where the slots of each part begin ``[4]``."""
    shifts: NDArray[np.uint64]
    """32 less the first bits of each part ``[4]``; for buckets 32 less the bits of a bucket."""
    ends: NDArray[np.int64]
    """Where the columns of each part end ``[3]``."""
    reach: int
    """Words after a negation that are negated."""
    smallest: int
    """The fewest characters of an n-gram, blanks included."""
    largest: int
    """The most."""


class WeightTable(NamedTuple):
    """The weights of the columns."""

    factors: NDArray[Any]
    """Of each column ``[C]``, 8-bit or float32."""
    factor_scale: np.float32
    """What they are multiplied by."""
    weights: NDArray[Any]
    """Of each column and label ``[C, K]``, 8-bit or float32."""
    weight_scales: NDArray[np.float32]
    """What those of each label are multiplied by ``[K]``."""


def key_table(index: NgramIndex | Buckets) -> KeyTable:
    """The table of an index: a part has about as many slots as keys."""
    if isinstance(index, Buckets):
        shifts = np.full(1 + PARTS, index.shift, np.uint64)
        none = np.zeros(1 + PARTS, np.int64)
        return KeyTable(np.zeros(0, np.uint32), np.zeros(0, np.int32), none, shifts, index.ends, 0, *index.lengths)
    parts = [*np.split(index.keys, index.ends[:-1]), index.negations]
    bits = [max(len(keys).bit_length() - 1, 1) for keys in parts]
    slots, start = [], 0
    for keys, some in zip(parts, bits, strict=True):
        edges = (np.arange(1 << some, dtype=np.uint64) << np.uint64(32 - some)).astype(np.uint32)
        slots.append(start + np.append(np.searchsorted(keys, edges), len(keys)))
        start += len(keys)
    return KeyTable(
        np.concatenate(parts),
        np.concatenate(slots).astype(np.int32),
        np.cumsum([0, *map(len, slots[:-1])]),
        32 - np.array(bits, np.uint64),
        index.ends,
        index.reach if len(index.negations) else 0,
        *index.lengths,
    )


@njit(**_OPTIONS)
def _key(hashed: Any) -> Any:
    low = hashed & _LOW
    return ((low ^ (low >> _FIFTEEN)) * _MIX) & _LOW


@njit(**_OPTIONS)
def _column(part: Any, key: Any, known: Any) -> Any:
    slot = np.int64(key >> known.shifts[part])
    if len(known.keys) == 0:
        return slot + (known.ends[part - 1] if part else 0)
    slot += known.firsts[part]
    for column in range(known.slots[slot], known.slots[slot + 1]):
        if known.keys[column] == key:
            return np.int64(column)
    return np.int64(-1)


@njit(**_OPTIONS)
def _add(found: Any, size: Any, column: Any) -> Any:
    """Keep a column; one that is not known is overwritten by the next."""
    found[size] = column
    return size + (column >= 0)


@njit(**_OPTIONS)
def ngram_logits(
    codes: NDArray[np.uint32],
    starts: NDArray[np.int64],
    classes: NDArray[np.uint8],
    known: KeyTable,
    table: WeightTable,
    bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """One number per label of N texts ``[N, K]``.

    Args:
        codes: the code points of all texts in lower case, one text after another.
        starts: those of text n lie at ``starts[n] : starts[n + 1]`` ``[N + 1]``.
        classes: of all code points (``data.hashed_ngrams.character_classes``).
    """
    texts, labels = len(starts) - 1, len(bias)
    ends, reach, smallest, largest = known.ends, known.reach, known.smallest, known.largest
    factors, factor_scale, weights, weight_scales = table
    longest = 0
    for text in range(texts):
        longest = max(longest, starts[text + 1] - starts[text])
    counts = np.zeros(len(factors), np.int32)
    # Each character begins a word and two positions at most, which end an n-gram of each length.
    found = np.empty(1 + (3 + 3 * largest) * longest, np.int64)
    sums, squares = np.zeros((PARTS, labels)), np.zeros(PARTS)
    rolling = np.zeros(1 + largest, np.uint64)
    logits = np.empty((texts, labels), np.float32)
    for text in range(texts):
        end = starts[text + 1]
        size, words, before, negated = 0, 0, np.uint64(0), 0
        stop = starts[text]
        while stop < end:
            begin = stop
            kind = classes[codes[begin]]
            stop += 1
            if kind == 0:
                continue
            while kind == WORD and stop < end and classes[codes[stop]] == WORD:
                stop += 1
            hashed, power = np.uint64(0), _ONE
            for at in range(begin, stop):
                power *= _FACTOR
                hashed += (np.uint64(codes[at]) + _ONE) * power
            key = _key(hashed)
            size = _add(found, size, _column(0, key, known))
            if words:
                size = _add(found, size, _column(0, _key((before * _MIX + hashed) ^ _PAIR), known))
            if reach:
                if _column(_NEGATIONS, key, known) >= 0:
                    negated = reach
                elif kind == MARK:
                    negated = 0
                elif negated:
                    negated -= 1
                    size = _add(found, size, _column(2, key, known))
            words, before = words + 1, hashed
            for position in range(stop - begin + 2):
                inside = 0 < position <= stop - begin
                code = np.uint64(codes[begin + position - 1]) if inside else np.uint64(BLANK)
                # The n-grams that end here are those of the position before, and this character.
                for length in range(largest, 0, -1):
                    rolling[length] = (rolling[length - 1] + code) * _FACTOR
                for length in range(smallest, min(position + 1, largest) + 1):
                    size = _add(found, size, _column(1, _key(rolling[length] + np.uint64(length)), known))
        sums[:], squares[:] = 0, 0
        for number in range(size):
            counts[found[number]] += 1
        for number in range(size):
            column = found[number]
            count = counts[column]
            if not count:
                continue
            counts[column] = 0
            value = np.float64(np.float32(factors[column]) * factor_scale)
            if count > 1:
                value *= 1 + np.log(np.float64(count))
            part = 0
            while column >= ends[part]:
                part += 1
            squares[part] += value * value
            for label in range(labels):
                sums[part, label] += value * np.float64(np.float32(weights[column, label]) * weight_scales[label])
        for label in range(labels):
            logit = np.float64(bias[label])
            for part in range(PARTS):
                if squares[part] > 0:
                    logit += sums[part, label] / np.sqrt(squares[part])
            logits[text, label] = logit
    return logits
