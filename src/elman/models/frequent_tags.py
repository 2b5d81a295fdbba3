"""The most frequent tag of each word, with the tags of like-ended words for those never seen.

This is the baseline of every tagger, counted in a second. A known word has the tag that it had most
often. An unknown word has the most frequent tag of the rare training words that share its case and
its longest possible ending (Samuelsson 1993; Brants, "TnT", 2000, without interpolation).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Self

LONGEST_SUFFIX = 8
"""Characters of an ending, at most."""
RARE = 10
"""Words that occur no more often than this are like unknown ones."""


class FrequentTags:
    """A tagger that looks at one word at a time.

    Equal counts are decided by the tag that is more frequent overall, then by its name.

    >>> tagger = FrequentTags().fit([["a", "Walker", "walked"]], [["DET", "NOUN", "VERB"]])
    >>> tagger.predict(["a", "talked", "Baker"])
    ['DET', 'VERB', 'NOUN']
    """

    def fit(self, words: Sequence[Sequence[str]], tags: Sequence[Sequence[str]]) -> Self:
        """Count the tags of words and of endings.

        Args:
            words: of each sentence, at least one in all.
            tags: one for each word.
        """
        counts: dict[str, Counter[str]] = {}
        for line, line_tags in zip(words, tags, strict=True):
            for word, tag in zip(line, line_tags, strict=True):
                counts.setdefault(word, Counter())[tag] += 1
        overall = Counter[str]()
        for counter in counts.values():
            overall.update(counter)
        assert overall, "no words"
        self._rank = {tag: place for place, tag in enumerate(sorted(overall, key=lambda tag: (-overall[tag], tag)))}
        endings: dict[tuple[str, str], Counter[str]] = {}
        for word, counter in counts.items():
            if counter.total() <= RARE:
                for ending in _endings(word):
                    endings.setdefault(ending, Counter()).update(counter)
        self._of_word = {word: self._best(counter) for word, counter in counts.items()}
        self._of_ending = {ending: self._best(counter) for ending, counter in endings.items()}
        return self

    @property
    def words(self) -> frozenset[str]:
        """The words of training."""
        return frozenset(self._of_word)

    def predict(self, words: Sequence[str]) -> list[str]:
        """A tag for each word of a sentence."""
        return [self._of_word[word] if word in self._of_word else self._of_unknown(word) for word in words]

    def _of_unknown(self, word: str) -> str:
        for ending in _endings(word):
            if ending in self._of_ending:
                return self._of_ending[ending]
        return next(iter(self._rank))

    def _best(self, counter: Counter[str]) -> str:
        return min(counter, key=lambda tag: (-counter[tag], self._rank[tag]))


def _endings(word: str) -> list[tuple[str, str]]:
    """The endings of a word, the longest first, each with the word's case; the last one is empty.

    >>> _endings("Oaks")
    [('Xx', 'oaks'), ('Xx', 'aks'), ('Xx', 'ks'), ('Xx', 's'), ('Xx', '')]
    """
    case, lower = _case(word), word.lower()
    return [(case, lower[start:]) for start in range(max(0, len(lower) - LONGEST_SUFFIX), len(lower) + 1)]


def _case(word: str) -> str:
    if any(character.isdigit() for character in word):
        return "0"
    if not any(character.isalpha() for character in word):
        return "."
    return "X" if word.isupper() and len(word) > 1 else "Xx" if word[0].isupper() else "x"
