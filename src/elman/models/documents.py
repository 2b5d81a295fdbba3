"""Documents as vectors, and their similarity to a text: TF-IDF, and weighted means of word vectors.

Documents and texts come as lists of words (``data.word_text.split_words``). Similarity is the
cosine.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from elman.data.document_words import WordCounts
from elman.errors import UsageError
from elman.models.word_vectors import UnknownWord, WordVectors, largest

Words = Sequence[str]
_SMALLEST = 1e-30


class TfidfDocuments:
    """Documents as TF-IDF vectors, with the numbers of scikit-learn's ``TfidfVectorizer``.

    A word that is t times in a document, and in df of N documents, weighs t (ln((1 + N) / (1 + df))
    + 1); vectors have length one. What two texts share decides; words that are only alike count
    nothing.

    >>> documents = TfidfDocuments([["a", "cat"], ["a", "dog"], ["a", "dog", "dog"]])
    >>> documents.similarities(["dog"]).round(3).tolist()
    [0.0, 0.79, 0.932]
    """

    def __init__(self, documents: Iterable[Words], *, min_count: int = 1, most_terms: int | None = None) -> None:
        """Count documents.

        Args:
            min_count: words seen less often in all documents are left out.
            most_terms: at most so many words, the most frequent ones.
        """
        self._count([WordCounts.of(documents)], min_count, most_terms)

    @classmethod
    def of_counts(cls, parts: Sequence[WordCounts], *, min_count: int = 1, most_terms: int | None = None) -> Self:
        """From the words of documents that were counted in parts."""
        made = cls.__new__(cls)
        made._count(parts, min_count, most_terms)
        return made

    def _count(self, parts: Sequence[WordCounts], min_count: int, most_terms: int | None) -> None:
        totals = Counter[str]()
        for part in parts:
            totals.update(dict(zip(part.words, part.totals().tolist(), strict=True)))
        frequent = sorted((word for word, count in totals.items() if count >= min_count), key=lambda w: (-totals[w], w))
        terms = sorted(frequent[:most_terms])
        places = {word: column for column, word in enumerate(terms)}
        owners, columns, counts, before = [], [], [], 0
        for part in parts:
            # Both lists of words are sorted, so the columns of a document still rise.
            own = np.array([places.get(word, -1) for word in part.words], np.int64)[part.columns]
            owners.append(np.repeat(np.arange(before, before + len(part.sizes)), part.sizes)[own >= 0])
            columns.append(own[own >= 0])
            counts.append(part.counts[own >= 0])
            before += len(part.sizes)
        starts = np.searchsorted(np.concatenate(owners), np.arange(before + 1))
        every = np.concatenate(columns)
        self._fill(terms, np.bincount(every, minlength=len(terms)), starts, every, np.concatenate(counts))

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[np.integer]], terms: Sequence[str], frequencies: NDArray[np.int64]
    ) -> Self:
        """Rebuild from ``to_arrays``, the words, and in how many documents each is.

        Raises:
            ValueError: they do not belong together.
        """
        if {name: (array.dtype.str, array.ndim) for name, array in arrays.items()} != {
            "starts": ("<i8", 1), "columns": ("<i4", 1), "counts": ("<i4", 1)
        }:  # fmt: skip
            raise ValueError("other arrays")
        starts, columns, counts = (arrays[name].astype(np.int64) for name in ("starts", "columns", "counts"))
        fits = len(starts) > 1 and starts[0] == 0 and (np.diff(starts) >= 0).all() and starts[-1] == len(columns)
        if not fits or len(columns) != len(counts) or (counts < 1).any():
            raise ValueError("its documents")
        if not np.array_equal(np.bincount(columns, minlength=len(terms)), frequencies) or list(terms) != sorted(terms):
            raise ValueError("its words")
        made = cls.__new__(cls)
        made._fill(terms, frequencies, starts, columns, counts)
        return made

    def to_arrays(self) -> dict[str, NDArray[np.integer]]:
        """Of document d, the columns of its words and their counts:
        ``columns[starts[d] : starts[d + 1]]``."""
        return {
            "starts": self._starts,
            "columns": self._places.astype(np.int32),
            "counts": self._counts.astype(np.int32),
        }

    def _fill(
        self,
        terms: Sequence[str],
        frequencies: NDArray[np.int64],
        starts: NDArray[np.int64],
        columns: NDArray[np.int64],
        counts: NDArray[np.int64],
    ) -> None:
        self.terms = tuple(terms)
        """All words, sorted: the columns."""
        self.frequencies = frequencies
        """In how many documents each is."""
        self._columns = {word: column for column, word in enumerate(terms)}
        self._size, self._starts = len(starts) - 1, starts
        self.idf: NDArray[np.float64] = np.log((1 + self._size) / (1 + frequencies)) + 1
        self._owners = np.repeat(np.arange(self._size), np.diff(starts))
        self._places, self._counts = columns, counts
        values = counts * self.idf[columns]
        lengths = np.sqrt(np.bincount(self._owners, values**2, self._size))
        self._values = values / np.maximum(lengths, _SMALLEST)[self._owners]

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, document: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The columns of a document's words, rising, and their values."""
        part = slice(self._starts[document], self._starts[document + 1])
        return self._places[part], self._values[part]

    def vector(self, words: Words | Mapping[str, int]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The columns of a text's words, rising, and their values; words of no document are left
        out."""
        counts = {self._columns[word]: count for word, count in Counter(words).items() if word in self._columns}
        columns = np.array(sorted(counts), np.int64)
        values = np.array([counts[column] for column in columns.tolist()], np.float64) * self.idf[columns]
        return columns, values / max(float(np.linalg.norm(values)), _SMALLEST)

    def similarities(self, words: Words) -> NDArray[np.float64]:
        """The cosine of a text to each document.

        Raises:
            UsageError: none of its words is in a document.
        """
        columns, values = self.vector(words)
        if not len(columns):
            raise UsageError("no word of the text is in the documents; ask with other words")
        asked = np.zeros(len(self.terms))
        asked[columns] = values
        products = self._values * asked[self._places]
        return np.bincount(self._owners, products, minlength=self._size).astype(np.float64)


class SifDocuments:
    """Documents as weighted means of word vectors (SIF; Arora, Liang and Ma 2017).

    A word of probability p weighs a / (a + p). Of these means the first principal component, which
    all texts share, is removed. Words that are alike count, where documents and text share none.

    Args:
        vectors: the word vectors; their vocabulary says how probable words are. Where it has no
            counts, as in files of other tools, the documents do.
        documents: at least three.
        a: the smaller, the less frequent words count.

    Raises:
        UsageError: fewer than three documents, or none has a word with a vector.
    """

    def __init__(self, vectors: WordVectors, documents: Iterable[Words], *, a: float = 1e-3) -> None:
        if not 0 < a < math.inf:
            raise UsageError.of("a", a, "above 0")
        documents = list(documents)
        if len(documents) < 3:
            raise UsageError(
                f"{len(documents)} documents; word vectors compare three at least, or leave the vectors out"
            )
        self.vectors, self.a = vectors, a
        self._counts: Counter[str] | None = None
        counts = vectors.vocabulary.counts
        self._total = int(counts.sum())
        if not self._total:
            self._counts = Counter(word for words in documents for word in words)
            self._total = max(1, self._counts.total())
        means = np.stack([self._mean(words) for words in documents])
        if not means.any():
            raise UsageError("no word of the documents has a vector; are vectors and documents of one language?")
        self.component: NDArray[np.float64] = np.linalg.eigh(means.T @ means)[1][:, -1]
        """What is removed: the first right singular vector of the means."""
        self.means: NDArray[np.float64] = self._without(means)
        """The documents ``[N, D]``; of one without known words, zeros."""
        self._lengths = np.linalg.norm(self.means, axis=1)

    def __len__(self) -> int:
        return len(self.means)

    def vector(self, words: Words) -> NDArray[np.float64]:
        """The vector of a text; zeros if none of its words has one."""
        return self._without(self._mean(words)[None])[0]

    def similarities(self, words: Words) -> NDArray[np.float64]:
        """The cosine of a text to each document; 0 for documents without known words.

        Raises:
            UnknownWord: no word of the text has a vector.
        """
        if not any(map(self.vectors.has_vector, words)):
            raise UnknownWord("no word of the text has a vector; ask with other words")
        asked = self.vector(words)
        lengths = self._lengths * np.linalg.norm(asked)
        return np.where(lengths > _SMALLEST, self.means @ asked / np.maximum(lengths, _SMALLEST), 0)

    def _without(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        return means - np.outer(means @ self.component, self.component)

    def _mean(self, words: Words) -> NDArray[np.float64]:
        total, known = np.zeros(self.vectors.dimensions), 0
        for word, count in Counter(words).items():
            if self.vectors.has_vector(word):
                total += count * self.a / (self.a + self._probability(word)) * self.vectors[word]
                known += count
        return total / max(known, 1)

    def _probability(self, word: str) -> float:
        if self._counts is not None:
            return self._counts[word] / self._total
        row = self.vectors.row(word)
        return 0.0 if row is None else int(self.vectors.vocabulary.counts[row]) / self._total


def most_similar_documents(
    documents: TfidfDocuments | SifDocuments, words: Words, topn: int = 10
) -> list[tuple[int, float]]:
    """The numbers of the documents that are most similar to a text, with their similarities."""
    if topn < 1:
        raise UsageError.of("topn", topn, "at least 1")
    scores = documents.similarities(words)
    return [(number, float(scores[number])) for number in largest(scores, topn)]
