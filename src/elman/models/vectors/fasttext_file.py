"""Word vectors of a file of fastText: a word's vector is the mean of its own row and those of its
n-grams.
"""

import numpy as np

from elman.data.fasttext_binary import FasttextFile
from elman.data.vocabulary import Vocabulary
from elman.models.vectors.subwords import subword_buckets
from elman.models.word_vectors import Subwords, Vector, WordVectors
from elman.progress import Progress

_BLOCK_NUMBERS = 1 << 24
"""Numbers that are added up at a time."""
_SENTENCE_END = "</s>"
"""Stands for line ends, and has no n-grams."""


def fasttext_vectors(file: FasttextFile, *, lowercase: bool, progress: Progress) -> WordVectors:
    """The vectors of all words, and those of subwords as they lie in the file."""
    vocabulary = Vocabulary(file.words, file.counts)
    if file.sizes is None:
        return WordVectors(vocabulary, file.matrix[file.rows], lowercase=lowercase)
    if file.kept is None or file.kept_rows is None:
        numbers, rows = np.arange(file.buckets), file.matrix[file.known :]
    else:
        numbers, rows = file.kept, file.matrix[file.kept_rows]
    subwords = Subwords(rows, numbers, sizes=file.sizes, count=file.buckets)
    vectors = np.empty((len(file.words), file.matrix.shape[1]), np.float32)
    with progress.stage("adding up subwords", total=len(file.words), unit="words") as advance:
        start, row = 0, (1 + file.sizes[1] - file.sizes[0]) * file.matrix.shape[1]
        while start < len(file.words):
            stop, room = start, _BLOCK_NUMBERS
            while stop < len(file.words) and room > 0:
                room -= (len(file.words[stop]) + 2) * row
                stop += 1
            vectors[start:stop] = _means(file, file.sizes, start, stop)
            advance(stop - start)
            start = stop
    return WordVectors(vocabulary, vectors, subwords=subwords, lowercase=lowercase)


def _means(file: FasttextFile, sizes: tuple[int, int], start: int, stop: int) -> Vector:
    words = ["" if word == _SENTENCE_END else word for word in file.words[start:stop]]
    starts, found = subword_buckets(words, smallest=sizes[0], largest=sizes[1], buckets=file.buckets)
    # An n-gram of the marks alone, <>, is of no word.
    empty = [number for number, word in enumerate(words) if not word]
    for number in reversed(empty):
        begin, end = starts[number], starts[number + 1]
        found = np.delete(found, slice(begin, end))
        starts[number + 1 :] -= end - begin
    rows = file.rows_of(found)
    if file.kept is not None:
        before = np.concatenate([[0], np.cumsum(rows >= 0)])
        starts, rows = before[starts], rows[rows >= 0]
    rows = np.insert(rows, starts[:-1], file.rows[start:stop])
    firsts = starts[:-1] + np.arange(stop - start)
    if len(words) == 1:
        # A single word may have more n-grams than should be in memory at once.
        step = max(1, _BLOCK_NUMBERS // file.matrix.shape[1])
        sums = sum(file.matrix[rows[at : at + step]].sum(axis=0) for at in range(0, len(rows), step))
    else:
        sums = np.add.reduceat(file.matrix[rows], firsts, axis=0)
    counts = np.diff(np.append(firsts, len(rows)))[:, None]
    return np.asarray(sums / counts, np.float32)
