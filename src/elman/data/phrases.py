"""Pairs of words that are one thing: "new york" becomes "new_york".

Of words a and b that stand side by side,

    score = (count(a b) - min_count) / (count(a) count(b)) N,

N being the number of different words and pairs (Mikolov et al. 2013, as gensim's ``Phrases`` has
it). Pairs that score above a threshold are joined, from the left to the right of a sentence.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
JOINT = "_"
"""Between the words of a phrase."""
_AT_ONCE = 1 << 24


class Phrases(NamedTuple):
    """Pairs of word ids, by rising ``first * words + second``."""

    keys: NDArray[np.int64]
    words: int
    """Ids are smaller than this."""

    def pairs(self) -> list[tuple[int, int]]:
        """The ids of each pair's words."""
        return [divmod(key, self.words) for key in self.keys.tolist()]


def find_phrases(ids: Ids, counts: NDArray[np.int64], *, end: int, min_count: int, threshold: float) -> Phrases:
    """The pairs that score above a threshold.

    Args:
        ids: a text ``[N]``, with ``end`` behind each sentence.
        counts: how often each id comes.
        min_count: what is taken from the count of each pair.

    >>> text = np.array([1, 2, 3, 0, 1, 2, 4, 0, 3, 1, 2, 4, 0], np.int32)  # 3 times 1 2, twice 2 4
    >>> find_phrases(text, np.bincount(text), end=0, min_count=1, threshold=1.5).pairs()
    [(1, 2)]
    """
    words = len(counts)
    keys, found = np.empty(0, np.int64), np.empty(0, np.int64)
    for start in range(0, len(ids) - 1, _AT_ONCE):
        first, second = _sides(ids, start, start + _AT_ONCE)
        inside = (first != end) & (second != end)
        new, times = np.unique(first[inside] * words + second[inside], return_counts=True)
        keys, places = np.unique(np.concatenate([keys, new]), return_inverse=True)
        found = np.bincount(places, np.concatenate([found, times]), len(keys)).astype(np.int64)
    different = np.count_nonzero(counts) - int(counts[end] > 0) + len(keys)
    scores = (found - min_count) / counts[keys // words] / counts[keys % words] * different
    return Phrases(keys[scores > threshold], words)


def joined(ids: Ids, phrases: Phrases, new: Ids) -> Iterator[Ids]:
    """The text with one id for both words of each phrase, in parts.

    Args:
        new: the id of each phrase.

    >>> text = np.array([1, 1, 1, 2, 0, 1], np.int32)
    >>> np.concatenate([*joined(text, Phrases(np.array([4, 5]), 3), np.array([7, 8], np.int32))]).tolist()
    [7, 8, 0, 1]
    """
    taken = False  # whether the word before a part took the part's first one
    for start in range(0, len(ids), _AT_ONCE):
        part = np.array(ids[start : start + _AT_ONCE])
        first, second = _sides(ids, start, start + len(part))
        keys = first * phrases.words + second
        places = np.minimum(np.searchsorted(phrases.keys, keys), len(phrases.keys) - 1)
        is_pair = np.zeros(len(part), bool)
        is_pair[: len(keys)] = phrases.keys[places] == keys
        is_pair[0] &= not taken
        # Where pairs overlap, every second one counts: a run of them is taken from its beginning.
        numbers = np.arange(len(part))
        before = np.maximum.accumulate(np.where(is_pair, -1, numbers))
        begins = is_pair & ((numbers - before) % 2 == 1)
        part[begins] = new[places[begins[: len(places)]]]  # the last word of a text begins none
        kept = np.ones(len(part), bool)
        kept[0] = not taken
        kept[1:] &= ~begins[:-1]
        taken = bool(begins[-1])
        yield part[kept]


def _sides(ids: Ids, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Neighbours: those from ``start`` to ``stop``, and what follows each of them, if anything."""
    second = np.asarray(ids[start + 1 : stop + 1], np.int64)
    return np.asarray(ids[start : start + len(second)], np.int64), second
