"""Which word translates which: IBM model 1, counted from pairs of sentences.

    p(t | s), for words t of a sentence whose source has the words s_0 .. s_I,    s_0 the empty word

    posterior of s_i for t:  p(t | s_i) / sum_k p(t | s_k)

Expected counts are gathered over all pairs and normalised by source word, several times over (Brown
et al., "The mathematics of statistical machine translation", 1993; Koehn, Statistical Machine
Translation, 2010, chapter 4). The order of words plays no role. Only pairs of words that meet in a
sentence have a number.
"""

from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from elman.data.example_splits import random_part

PASSES = 5
EMPTY = ""
"""The empty word: what the target says and the source does not."""
_MOST_MEETINGS = 6_000_000
"""Of words, which take some 100 bytes each; with more, a random part of the sentences is
counted."""

Sentences = Sequence[Sequence[str]]


class WordTranslations:
    """Probabilities of target words given a source word.

    Args:
        passes: of expectation and maximisation.
        empty: whether target words may belong to the empty word.

    >>> source, target = [["das", "Haus"], ["das", "Buch"], ["ein", "Buch"]], [["the", "house"], ["the", "book"],
    ...     ["a", "book"]]
    >>> words = WordTranslations(passes=20, empty=False).fit(source, target)
    >>> words.best("Haus"), round(words.probability("Haus", "house"), 2)
    ('house', 0.97)
    >>> words.align(["ein", "Haus"], ["a", "house"])
    [(0, 0), (1, 1)]
    """

    def __init__(self, *, passes: int = PASSES, empty: bool = True) -> None:
        self.passes, self.empty = passes, empty

    def fit(self, source: Sentences, target: Sentences) -> Self:
        """Count on pairs of sentences, each a list of words."""
        rows = _some(source, target)
        self._source: dict[str, int] = {EMPTY: 0}
        self._target: dict[str, int] = {}
        ours = [_ids([*[EMPTY] * self.empty, *source[row]], self._source) for row in rows]
        others = [_ids(target[row], self._target) for row in rows]
        self._words = list(self._target)
        # One entry for each source word beside each target word of a sentence.
        sizes = [(len(one), len(two)) for one, two in zip(ours, others, strict=True)]
        beside = _joined(np.tile(one, two) for one, (_, two) in zip(ours, sizes, strict=True))
        word = _joined(np.repeat(two, one) for two, (one, _) in zip(others, sizes, strict=True))
        place = np.repeat(
            np.arange(sum(two for _, two in sizes)), np.repeat(*np.array(sizes, np.int64).reshape(-1, 2).T)
        )
        self._codes, kind = np.unique(beside * max(len(self._words), 1) + word, return_inverse=True)
        of_source = self._codes // max(len(self._words), 1)
        values = np.ones(len(self._codes))
        for _ in range(self.passes):
            share = values[kind]
            share /= np.bincount(place, share)[place]
            counts = np.bincount(kind, share, minlength=len(values))
            values = counts / np.bincount(of_source, counts)[of_source]
        self._values = values
        self._first = np.searchsorted(of_source, np.arange(len(self._source) + 1))
        return self

    def probability(self, source: str, target: str) -> float:
        """p(target | source); 0 for words that never met."""
        return float(self._table([source], [target])[0, 0])

    def best(self, source: str) -> str | None:
        """The most probable translation of a word; None if the word is not known."""
        row = self._source.get(source)
        if row is None or self._first[row] == self._first[row + 1]:
            return None
        first, last = self._first[row], self._first[row + 1]
        return self._words[int(self._codes[first + self._values[first:last].argmax()] % len(self._words))]

    def align(self, source: Sequence[str], target: Sequence[str]) -> list[tuple[int, int]]:
        """The most probable source word of each target word, as pairs of their numbers, by target
        word.

        Of equally probable words the one nearest to the diagonal is taken. A target word that no
        source word explains better than the empty word has no pair.
        """
        table = self._table([*source, EMPTY] if self.empty else source, target)
        found = []
        for column, probabilities in enumerate(table.T):
            highest = probabilities.max(initial=0.0)
            if not len(source) or highest == 0 or probabilities[: len(source)].max() < highest:
                continue
            likely = np.flatnonzero(probabilities[: len(source)] == highest)
            distance = np.abs((likely + 0.5) / len(source) - (column + 0.5) / len(target))
            found.append((int(likely[distance.argmin()]), column))
        return found

    def _table(self, source: Sequence[str], target: Sequence[str]) -> NDArray[np.float64]:
        """p(t | s) of all words beside each other ``[S, T]``."""
        rows = np.array([self._source.get(word, -1) for word in source], np.int64)[:, None]
        columns = np.array([self._target.get(word, -1) for word in target], np.int64)[None]
        if not len(self._codes):
            return np.zeros((len(source), len(target)))
        codes = rows * len(self._words) + columns
        found = np.searchsorted(self._codes, codes).clip(max=len(self._codes) - 1)
        met = (self._codes[found] == codes) & (rows >= 0) & (columns >= 0)
        return np.where(met, self._values[found], 0.0)


def _some(source: Sentences, target: Sentences) -> Sequence[int]:
    meetings = sum((len(one) + 1) * len(two) for one, two in zip(source, target, strict=True))
    rows = range(len(source))
    return rows if meetings <= _MOST_MEETINGS else random_part(rows, len(source) * _MOST_MEETINGS // meetings)


def _ids(words: Sequence[str], ids: dict[str, int]) -> NDArray[np.int64]:
    return np.array([ids.setdefault(word, len(ids)) for word in words], np.int64)


def _joined(parts: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, np.int64), *parts])
