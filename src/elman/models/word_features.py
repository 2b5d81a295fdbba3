"""What a tagger reads of a word: its id, and the buckets of the n-grams of its form and its shape.

All of it depends on the word alone. Ids: 0 is an unknown word, 1 to N the words of the vocabulary.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.data.vocabulary import Vocabulary
from elman.models.tagger_config import LETTERS, TaggerConfig
from elman.text.letter_case import lower

_SHAPE_MARK = "\x01"
"""Keeps n-grams of shapes apart from those of words."""
_LONGEST = 64
"""Characters that are read of a word."""
Pieces = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Starts ``[U + 1]`` and buckets: those of word u are ``buckets[starts[u] : starts[u + 1]]``."""


class WordFeatures:
    """Ids and n-grams of words.

    >>> features = WordFeatures(Vocabulary(["the", "0"], [9, 2]), TaggerConfig())
    >>> features.ids(["The", "7", "cat"]).tolist(), features.size
    ([1, 2, 0], 3)
    """

    def __init__(self, vocabulary: Vocabulary, config: TaggerConfig) -> None:
        self.vocabulary, self.config = vocabulary, config

    @property
    def size(self) -> int:
        """All ids, that of unknown words included (V)."""
        return len(self.vocabulary) + 1

    def ids(self, words: Sequence[str]) -> NDArray[np.int64]:
        """The id of each word."""
        return np.fromiter(map(self._id, words), np.int64, len(words))

    def is_known(self, word: str) -> bool:
        """Whether a word has an id of its own."""
        return self._id(word) != 0

    def _id(self, word: str) -> int:
        form = form_of(word)
        row = self.vocabulary.row(form)
        if row is None:
            row = self.vocabulary.row(without_digits(form))
        return 0 if row is None else row + 1

    def pieces(self, words: Sequence[str]) -> Pieces:
        """The buckets of each word's n-grams; ids of its characters where a network reads them;
        nothing without characters.

        >>> starts, found = WordFeatures(Vocabulary(["a"], [1]), TaggerConfig()).pieces(["ab", ""])
        >>> starts.tolist(), len(found)  # 6 of <ab> and 10 of its shape <mark xx>; 1 of <> and 3
        ([0, 16, 20], 20)
        """
        if self.config.characters == "none":
            return np.zeros(len(words) + 1, np.int64), np.zeros(0, np.int64)
        if self.config.characters != "ngrams":
            return _letters([word[:_LONGEST] for word in words])
        from elman.models.vectors.subwords import subword_buckets  # brings numba along

        read = [(form_of(word[:_LONGEST]), _SHAPE_MARK + shape_of(word[:_LONGEST])) for word in words]
        config = self.config
        starts, found = subword_buckets(
            [text for pair in read for text in pair],
            smallest=config.smallest,
            largest=config.largest,
            buckets=config.buckets,
        )
        return starts[::2], found


def _letters(words: Sequence[str]) -> Pieces:
    """The id of each character."""
    starts = np.cumsum([0, *map(len, words)])
    codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
    half = LETTERS // 2
    return starts, np.where(codes < half, codes, half + codes % half)


def form_of(word: str) -> str:
    """The form under which a word is looked up.

    >>> form_of("The")
    'the'
    """
    return lower(word).replace("\n", " ")


def without_digits(form: str) -> str:
    """A form with 0 for each digit: numbers of as many digits are alike.

    >>> without_digits("1,984")
    '0,000'
    """
    return "".join("0" if char.isdecimal() else char for char in form)


def shape_of(word: str) -> str:
    """The kinds of a word's characters; of more than two alike in a row, two.

    >>> shape_of("McDonald's"), shape_of("1984"), shape_of("COVID-19")
    ("XxXxx'x", '00', 'XX-00')
    """
    shape = ""
    for char in word:
        kind = "X" if char.isupper() else "x" if char.isalpha() else "0" if char.isdecimal() else char
        if not shape.endswith(kind * 2):
            shape += kind
    return shape


def fit_vocabulary(words: Iterable[str], *, min_count: int, more: Iterable[str] = ()) -> Vocabulary:
    """The forms of training words that occur at least ``min_count`` times, the most frequent first.

    Numbers count as the same if they have as many digits. Forms of the words ``more`` are there
    too, however often they occur.

    >>> fit_vocabulary(["The", "the", "a", "12", "34"], min_count=2).words
    ('00', 'the')
    """
    counts = Counter(without_digits(form_of(word)) for word in words)
    known = {word for word, count in counts.items() if count >= min_count} | {form_of(word) for word in more}
    kept = sorted(known, key=lambda word: (-counts[word], word))
    return Vocabulary(kept, [counts[word] for word in kept])


def word_drops(counts: NDArray[np.int64], amount: float) -> NDArray[np.float32] | None:
    """How often each word id is read as unknown ``[V + 1]``; that of `<s>` never is.

    >>> word_drops(np.array([0, 1, 3]), 1.0).tolist()
    [0.0, 0.5, 0.25, 0.0]
    """
    if not amount:
        return None
    rates = np.where(counts > 0, amount / (amount + np.maximum(counts, 1)), 0)
    return np.append(rates, 0).astype(np.float32)
