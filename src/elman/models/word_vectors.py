"""WordVectors: words as vectors, and what one asks of them; the verbs are those of gensim's
KeyedVectors.

Similarity is the cosine. Neighbours are exact: every word is compared, of large tables first in 8
bits, so that few need be compared in full. Words that were never seen have vectors where subwords
are known.
"""

import difflib
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from elman.data.phrases import JOINT
from elman.data.vocabulary import Vocabulary
from elman.data.word_text import split_words
from elman.errors import UsageError
from elman.models.vectors.subwords import subword_buckets
from elman.text.normalise import normalise_line, split_lines

if TYPE_CHECKING:
    from elman.models.vectors.eight_bits import EightBits

Vector = NDArray[np.float32]
WordOrVector = str | NDArray[Any]
_SMALLEST = 1e-6
"""Added to a denominator of 3CosMul, as gensim and its paper do."""
_BLOCK_NUMBERS = 1 << 24
_SCANNED_NUMBERS = 1 << 22
"""From this many numbers on, which no cache holds, an 8-bit copy of them is worth its memory."""
_FEW_QUESTIONS = 10
"""This many questions take no longer than making the copy."""
_SPELLINGS = 30_000
_NAMED = 10


class UnknownWord(UsageError, KeyError):
    """A word without a vector; the message names words that are spelled nearly like it."""

    __str__ = Exception.__str__

    @classmethod
    def of(cls, words: Sequence[str]) -> Self:
        """The error for words none of which has a vector."""
        if not words:
            return cls("there is no word; give a text that has some")
        named = ", ".join(repr(word[:40]) for word in words[:_NAMED]) + (", ..." if len(words) > _NAMED else "")
        return cls(f"{named} {'has' if len(words) == 1 else 'have'} no vector; give words of the vocabulary")


class Subwords:
    """Vectors of character n-grams.

    Args:
        vectors: a row for each bucket in use.
        buckets: their numbers, rising.
        sizes: characters of the shortest and the longest n-gram.
        count: how many buckets there are.
    """

    def __init__(
        self, vectors: Vector, buckets: NDArray[np.int64], *, sizes: tuple[int, int], count: int
    ) -> None:  # fmt: skip
        self.vectors, self.buckets, self.sizes, self.count = vectors, buckets, sizes, count

    def vector(self, word: str) -> Vector | None:
        """The mean of the word's n-grams; None if none of them is known."""
        smallest, largest = self.sizes
        _, found = subword_buckets([word], smallest=smallest, largest=largest, buckets=self.count)
        rows = np.searchsorted(self.buckets, found)
        rows = rows[self.buckets[np.minimum(rows, len(self.buckets) - 1)] == found] if len(self.buckets) else rows[:0]
        return self.vectors[rows].mean(axis=0) if len(rows) else None


class WordVectors:
    """Words and their vectors.

    >>> vectors = WordVectors(
    ...     Vocabulary(["king", "man", "woman", "queen", "apple"], [0] * 5),
    ...     np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 1], [0.1, 0, 0.1]], np.float32),
    ... )
    >>> vectors.most_similar(positive=["king", "woman"], negative=["man"], topn=1)[0][0]
    'queen'
    >>> round(vectors.similarity("king", "man"), 4), vectors.doesnt_match(["king", "queen", "apple", "man", "king"])
    (0.7071, 'queen')
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        vectors: Vector,
        *,
        subwords: Subwords | None = None,
        lowercase: bool = False,
        pretokenized: bool = False,
        phrases: bool = False,
    ) -> None:
        assert len(vocabulary) == len(vectors)
        self.vocabulary, self.vectors, self.subwords = vocabulary, vectors, subwords
        self.lowercase, self.pretokenized, self.phrases = lowercase, pretokenized, phrases
        norms = np.sqrt(np.einsum("vd,vd->v", vectors, vectors))
        self._norms = np.maximum(norms, np.float32(1e-30))
        self._questions = 0
        self._eight_bits: EightBits | None = None
        self._making = threading.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} words, {self.dimensions} dimensions)"

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __contains__(self, word: object) -> bool:
        """Whether a word was seen; unknown words may still have a vector of subwords."""
        return isinstance(word, str) and self.row(word) is not None

    def __getitem__(self, word: str | Sequence[str]) -> Vector:
        """The vector of a word ``[D]``, or those of several ``[N, D]``.

        Raises:
            UnknownWord: a word has no vector.
        """
        if isinstance(word, str):
            return self._vector(word)
        return np.stack([self._vector(each) for each in word])

    @property
    def words(self) -> tuple[str, ...]:
        """All words, the most frequent first."""
        return self.vocabulary.words

    @property
    def dimensions(self) -> int:
        """Numbers of a vector."""
        return self.vectors.shape[1]

    def row(self, word: str) -> int | None:
        """The row of a word, by its lower-case form where words were trained so."""
        found = self.vocabulary.row(word)
        return self.vocabulary.row(word.lower()) if found is None and self.lowercase else found

    def similarity(self, one: str, other: str) -> float:
        """The cosine of two words' vectors."""
        return float(unit(self[one]) @ unit(self[other]))

    def n_similarity(self, ones: Sequence[str], others: Sequence[str]) -> float:
        """The cosine of the mean vectors of two lists of words."""
        for words in (ones, others):
            if isinstance(words, str) or not len(words):
                raise UsageError("n_similarity compares two lists of words; give at least one word in each")
        return float(unit(self[ones].mean(axis=0)) @ unit(self[others].mean(axis=0)))

    def split(self, text: str) -> list[str]:
        """The words of a text, cut as the text that was trained on; a known word stays whole.

        >>> vectors = WordVectors(Vocabulary(["new york"], [0]), np.ones((1, 2), np.float32), lowercase=True)
        >>> vectors.split("New York"), vectors.split("In New York, at 9!")
        (['New York'], ['in', 'new', 'york', 'at', '9'])
        """
        if text in self:
            return [text]
        words: list[str] = []
        for line in split_lines(text):
            line = normalise_line(line)
            for word in split_words(line, pretokenized=self.pretokenized, lowercase=self.lowercase):
                alone = self.phrases and words and JOINT not in words[-1]
                if alone and words[-1] + JOINT + word in self.vocabulary:
                    words[-1] += JOINT + word
                else:
                    words.append(word)
        return words

    def mean_vector(self, words: Iterable[str]) -> Vector:
        """The mean of words' vectors, each as often as it comes; words without a vector are left
        out.

        Raises:
            UnknownWord: none of them has a vector.
        """
        total, known = np.zeros(self.dimensions), 0
        counts = Counter(words)
        for word, count in counts.items():
            found = self._found(word)
            if found is not None:
                total += count * found.astype(np.float64)
                known += count
        if not known:
            raise UnknownWord.of(list(counts))
        return (total / known).astype(np.float32)

    def doesnt_match(self, words: Sequence[str]) -> str:
        """The word that is farthest from the mean of all; unknown ones are left out."""
        known = [word for word in words if word in self] if not isinstance(words, str) else []
        if not known:
            raise UsageError("none of the words is known; give a list of words of which some are")
        units = np.stack([unit(self[word]) for word in known])
        return known[int(np.argmin(units @ unit(units.mean(axis=0))))]

    def most_similar(
        self,
        positive: WordOrVector | Sequence[WordOrVector] = (),
        negative: WordOrVector | Sequence[WordOrVector] = (),
        topn: int = 10,
        *,
        method: str = "add",
    ) -> list[tuple[str, float]]:
        """The words nearest to what is asked, without the words of the question.

        Args:
            positive: words or vectors to be near to.
            negative: words or vectors to be far from.
            topn: how many words.
            method: ``add`` ranks by the cosine to the sum of unit vectors (3CosAdd), ``mul`` by
                products and quotients of cosines (3CosMul, Levy and Goldberg 2014).
        """
        near, far = _several(positive), _several(negative)
        if not near and not far:
            raise UsageError("no word was given; give at least one positive or negative word")
        if topn < 1:
            raise UsageError.of("topn", topn, "at least 1")
        if method not in ("add", "mul"):
            raise UsageError.of("method", method, "add or mul")
        units = np.stack([unit(self._vector(each) if isinstance(each, str) else each) for each in (*near, *far)])
        excluded = {self.row(each) for each in (*near, *far) if isinstance(each, str)}
        count = min(topn + len(excluded), len(self))
        if method == "add":
            found = self._nearest(_directions(units[None], positive=len(near))[0], count)
        else:
            scores = self.scores(units[None], positive=len(near), method=method)[0]
            found = [(row, float(scores[row])) for row in largest(scores, count)]
        return [(self.words[row], score) for row, score in found if row not in excluded][:topn]

    def prepare(self) -> None:
        """Make ready for many questions, which the first ones would otherwise do."""
        with self._making:
            if self._eight_bits is None and self.vectors.size >= _SCANNED_NUMBERS:
                from elman.models.vectors.eight_bits import EightBits  # brings numba along

                self._eight_bits = EightBits(self.vectors, self._norms)
                self._eight_bits.candidates(unit(self.vectors[0]), 1)  # compiles

    def _nearest(self, asked: Vector, count: int) -> list[tuple[int, float]]:
        """The rows with the largest cosines to a unit vector, and these."""
        self._questions += 1
        if self._questions > _FEW_QUESTIONS:
            self.prepare()
        rows = None if self._eight_bits is None else self._eight_bits.candidates(asked, count)
        if rows is None:
            scores = _cosines(self.vectors, self._norms, asked)
            return [(row, float(scores[row])) for row in largest(scores, count)]
        scores = _cosines(self.vectors[rows], self._norms[rows], asked)
        return [(int(rows[place]), float(scores[place])) for place in largest(scores, count)]

    def most_similar_cosmul(self, positive: Any = (), negative: Any = (), topn: int = 10) -> list[tuple[str, float]]:
        """``most_similar`` with 3CosMul."""
        return self.most_similar(positive, negative, topn, method="mul")

    def scores(self, units: Vector, *, positive: int, method: str = "add") -> Vector:
        """Scores of all words for questions ``[Q, N, D]`` of unit vectors, the first ``positive``
        of which are to be near: ``[Q, V]``."""
        if method == "add":
            return (_directions(units, positive=positive) @ self.vectors.T) / self._norms
        count, size = units.shape[:2]
        cosines = ((units.reshape(count * size, -1) @ self.vectors.T) / self._norms).reshape(count, size, -1)
        shifted = (1 + cosines) / 2
        near, far = shifted[:, :positive].prod(axis=1), shifted[:, positive:].prod(axis=1)
        return near / (far + np.float32(_SMALLEST))

    @property
    def questions_at_once(self) -> int:
        """How many questions ``scores`` may get at once, so that memory stays small."""
        return max(1, _BLOCK_NUMBERS // (4 * len(self)))

    def has_vector(self, word: str) -> bool:
        """Whether a word was seen or has known subwords."""
        return self._found(word) is not None

    def _found(self, word: str) -> Vector | None:
        row = self.row(word)
        if row is not None:
            return self.vectors[row]
        return None if self.subwords is None else self.subwords.vector(word.lower() if self.lowercase else word)

    def _vector(self, word: str) -> Vector:
        if not isinstance(word, str):
            raise UsageError(f"a word is of type {type(word).__name__}; give a string")
        found = self._found(word)
        if found is not None:
            return found
        raise UnknownWord(f"{word[:40]!r} has no vector{self._spellings(word)}")

    def _spellings(self, word: str) -> str:
        word = word[:40].lower() if self.lowercase else word[:40]
        candidates = [each for each in self.words if abs(len(each) - len(word)) <= 2 and each[:1] == word[:1]]
        near = difflib.get_close_matches(word, candidates[:_SPELLINGS], n=3, cutoff=0.7)
        return f"; words spelled nearly so: {', '.join(near)}" if near else "; the vocabulary has nothing like it"


def _directions(units: Vector, *, positive: int) -> Vector:
    """The unit vectors ``[Q, D]`` that 3CosAdd looks for."""
    signs = np.where(np.arange(units.shape[1]) < positive, 1, -1).astype(np.float32)
    asked = np.einsum("qnd,n->qd", units, signs)
    return asked / np.maximum(np.sqrt(np.einsum("qd,qd->q", asked, asked)), np.float32(1e-30))[:, None]


def _cosines(rows: Vector, norms: Vector, asked: Vector) -> Vector:
    # einsum adds up each row in the same order, whichever rows stand beside it; BLAS does not.
    return np.einsum("vd,d->v", rows, asked) / norms


def unit(vector: NDArray[Any]) -> Vector:
    """A vector of length one in the same direction; of zeros, zeros."""
    vector = np.asarray(vector, np.float32)
    return (vector / max(float(np.linalg.norm(vector)), 1e-30)).astype(np.float32)


def unit_rows(vectors: NDArray[Any]) -> Vector:
    """``unit`` of each row."""
    norms = np.sqrt(np.einsum("vd,vd->v", vectors, vectors))
    return (vectors / np.maximum(norms, np.float32(1e-30))[:, None]).astype(np.float32)


def largest(scores: NDArray[Any], count: int) -> list[int]:
    """The places of the largest scores, falling; of equal ones the first first.

    >>> largest(np.array([1, 3, 2, 3], np.float32), 3)
    [1, 3, 2]
    """
    count = min(count, len(scores))
    # All that equal the last one are looked at, so that ties do not depend on the algorithm.
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    places = np.flatnonzero(scores >= least)
    return places[np.argsort(-scores[places], kind="stable")][:count].tolist()


def _several(words: WordOrVector | Iterable[WordOrVector]) -> list[WordOrVector]:
    if isinstance(words, str) or (isinstance(words, np.ndarray) and words.ndim == 1):
        return [words]
    return list(words)
