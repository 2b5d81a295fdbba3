"""The logits of ``NgramRegression`` in compiled code: hashing, counting and summing of a text at once.

The reference is ``NgramRegression.logits`` over ``data.hashed_ngrams``.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from elman.data.hashed_ngrams import BLANK, FACTOR, LARGEST, MIX, PAIR, SMALLEST, WORD

# Without an explicit False, numba takes fastmath from whatever function calls first.
_OPTIONS: Any = {"nogil": True, "cache": True, "error_model": "numpy", "fastmath": False}
# Products of 64 bits have the same low 32 bits as those of 32.
_FACTOR, _MIX, _PAIR = np.uint64(FACTOR), np.uint64(MIX), np.uint64(PAIR)
_LOW = np.uint64(0xFFFFFFFF)
_ONE, _FIFTEEN, _WIDTH = np.uint64(1), np.uint64(15), np.uint64(32)
_FEATURES = 5
"""The most n-grams of a text for each of its characters."""


@njit(**_OPTIONS)
def _bucket(hashed: Any, shift: Any) -> Any:
    low = hashed & _LOW
    return np.int64((((low ^ (low >> _FIFTEEN)) * _MIX) & _LOW) >> shift)


@njit(**_OPTIONS)
def ngram_logits(
    codes: NDArray[np.uint32],
    starts: NDArray[np.int64],
    classes: NDArray[np.uint8],
    table: NDArray[np.float32],
    bias: NDArray[np.float32],
) -> NDArray[np.float32]:
    """One number per label of N texts ``[N, K]``.

    Args:
        codes: the code points of all texts in lower case, one text after another.
        starts: those of text n lie at ``starts[n] : starts[n + 1]`` ``[N + 1]``.
        classes: of all code points (``data.hashed_ngrams.character_classes``).
        table: the factor and the K weights of each bucket ``[2 M, 1 + K]``.
    """
    texts, labels, buckets = len(starts) - 1, len(bias), len(table) // 2
    shift = _WIDTH
    while buckets >> np.int64(_WIDTH - shift) > 1:
        shift -= _ONE
    longest = 0
    for text in range(texts):
        longest = max(longest, starts[text + 1] - starts[text])
    counts = np.zeros(2 * buckets, np.int32)
    found = np.empty(_FEATURES * longest, np.int32)
    sums, squares = np.zeros((2, labels)), np.zeros(2)
    rolling = np.zeros(1 + LARGEST, np.uint64)
    logits = np.empty((texts, labels), np.float32)
    for text in range(texts):
        end = starts[text + 1]
        size, words, before = 0, 0, np.uint64(0)
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
            found[size] = _bucket(hashed, shift)
            size += 1
            if words:
                found[size] = _bucket((before * _MIX + hashed) ^ _PAIR, shift)
                size += 1
            words, before = words + 1, hashed
            for place in range(stop - begin + 2):
                inside = 0 < place <= stop - begin
                code = np.uint64(codes[begin + place - 1]) if inside else np.uint64(BLANK)
                # The n-grams that end here are those of the place before, and this character.
                for length in range(LARGEST, 0, -1):
                    rolling[length] = (rolling[length - 1] + code) * _FACTOR
                for length in range(SMALLEST, min(place + 1, LARGEST) + 1):
                    found[size] = buckets + _bucket(rolling[length] + np.uint64(length), shift)
                    size += 1
        sums[:], squares[:] = 0, 0
        for number in range(size):
            counts[found[number]] += 1
        for number in range(size):
            bucket = found[number]
            count = counts[bucket]
            if not count:
                continue
            counts[bucket] = 0
            value = np.float64(table[bucket, 0])
            if count > 1:
                value *= 1 + np.log(np.float64(count))
            part = 1 if bucket >= buckets else 0
            squares[part] += value * value
            for label in range(labels):
                sums[part, label] += value * table[bucket, 1 + label]
        for label in range(labels):
            logit = np.float64(bias[label])
            for part in range(2):
                if squares[part] > 0:
                    logit += sums[part, label] / np.sqrt(squares[part])
            logits[text, label] = logit
    return logits
