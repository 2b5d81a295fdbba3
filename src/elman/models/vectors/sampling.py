"""Random numbers that follow from a key and a position, and what is drawn by them.

A word that is dropped, the width of a window and negative samples depend on the seed, the epoch and
the position in the text only. So a run can stop and go on anywhere, and threads need no generator.
The generator is SplitMix64 (Steele, Lea and Flood 2014).
"""

from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from elman.models.vectors.lanes import TARGETS

compiled = njit(nogil=True, cache=True, error_model="numpy")


def compiled_before(loop: Any) -> bool:
    """Whether a compiled loop is in this machine's cache; if not, compiling takes some ten
    seconds."""
    names = f"{Path(loop.py_func.__code__.co_filename).stem}.{loop.py_func.__name__}-*.nbi"
    return any(Path(str(loop.stats.cache_path)).glob(names))


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_POSITION = np.uint64(0xD1342543DE82EF95)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_WHOLE = float(1 << 32)
_ONE = np.float32(1)


@compiled
def scrambled(number):
    """The output function of SplitMix64."""
    number = (number ^ (number >> _30)) * _FIRST
    number = (number ^ (number >> _27)) * _SECOND
    return number ^ (number >> _31)


@compiled
def state_at(key, position):
    """The state of the generator at a position; draws follow by ``next_state``."""
    return scrambled(key + np.uint64(position) * _POSITION)


@compiled
def next_state(state):
    """The state after one more draw, whose number is ``scrambled(state)``."""
    return state + _GOLDEN


@compiled
def below(number, limit):
    """A whole number from 0 to ``limit`` - 1, of a drawn number's high half."""
    return np.int64(((number >> _32) * np.uint64(limit)) >> _32)


def key_of(seed: int, *purpose: int) -> np.uint64:
    """A key for a seed and a purpose (epoch, part)."""
    key = seed
    for number in purpose:
        key = (key * 0x9E3779B97F4A7C15 + number + 1) % (1 << 64)
        key ^= key >> 29
    return np.uint64(key)


def keep_thresholds(counts: NDArray[np.int64], threshold: float) -> NDArray[np.uint64]:
    """For each word, the number out of 2^32 below which a draw keeps it.

    The probability is that of word2vec's program: sqrt(t / f) + t / f for a word of relative
    frequency f. A threshold of 0 keeps all.
    """
    if threshold == 0:
        return np.full(len(counts), 1 << 32, np.uint64)
    ratio = threshold * counts.sum() / np.maximum(counts, 1)
    return np.minimum(_WHOLE * (np.sqrt(ratio) + ratio), _WHOLE).astype(np.uint64)


@compiled
def subsample(ids, base, thresholds, key, kept):
    """Copy the words that stay, and sentence ends, into ``kept``; returns how many."""
    count = 0
    for place in range(len(ids)):
        word = ids[place]
        if word < 0 or (scrambled(state_at(key, base + place)) >> _32) < thresholds[word]:
            kept[count] = word
            count += 1
    return count


@compiled
def fill_alias_table(weights, thresholds, aliases):
    """Walker's tables, by which drawing one of n items of given weights takes one number
    (Vose 1991)."""
    count = len(weights)
    scaled = weights * (count / weights.sum())
    small, large = np.empty(count, np.int64), np.empty(count, np.int64)
    smalls = larges = 0
    for item in range(count):
        thresholds[item], aliases[item] = _LOW, item
        if scaled[item] < 1:
            small[smalls] = item
            smalls += 1
        else:
            large[larges] = item
            larges += 1
    while smalls and larges:
        smalls -= 1
        low, high = small[smalls], large[larges - 1]
        thresholds[low], aliases[low] = scaled[low] * _WHOLE, high
        scaled[high] -= 1 - scaled[low]
        if scaled[high] < 1:
            larges -= 1
            small[smalls] = high
            smalls += 1


@compiled
def drawn(number, first, last, thresholds, aliases):
    """An item of the tables' rows from ``first`` to ``last``, by its row."""
    item = first + below(number, last - first)
    alias = first + aliases[item]  # looked up in any case, without a branch
    return item if (number & _LOW) < thresholds[item] else alias


@compiled
def counted(word, words, times, count):
    """Count a word in ``times`` at its place among the first ``count`` of ``words``, to which it is
    added if it is new; returns the place, and how many words these are now."""
    place = count
    for other in range(count):
        place = other if words[other] == word else place
    words[place] = word
    new = place == count
    times[place] = _ONE if new else times[place] + _ONE
    return place, count + new


@compiled
def draw_targets(used, times, target, negatives, noise, state):
    """Put a word and its negative samples into ``used``, each word once, and how often it was drawn
    into ``times``; returns how many these are, and the generator's next state.

    ``noise`` is (members, first, last, thresholds, aliases). A sample that is the word itself is
    left out. Where words end in the middle of a group of TARGETS, the group's first word fills it
    up, zero times.
    """
    members, first, last, thresholds, aliases = noise
    used[0], targets = target, 1
    # All are drawn before any is compared: so the processor looks them up at the same time.
    for place in range(1, negatives + 1):
        state = next_state(state)
        used[place] = members[drawn(scrambled(state), first, last, thresholds, aliases)]
    for place in range(1, negatives + 1):
        targets = counted(used[place], used, times, targets)[1]
    times[0] = _ONE
    for place in range(targets, -(-targets // TARGETS) * TARGETS):
        used[place], times[place] = used[place // TARGETS * TARGETS], 0
    return targets, state
