"""Write word vectors in the formats of word2vec and GloVe.

Text: a word and its numbers on each line, the shortest that give the same float32 again; word2vec's
begins with a line of the numbers of words and dimensions, GloVe's does not. Binary: that line, then
each word, a space, its float32 numbers and a line end.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from elman.errors import ModelError
from elman.models.word_vectors import WordVectors
from elman.system.files import write_atomic

FORMATS = ("word2vec", "word2vec-binary", "glove")


def write_word_vectors(path: Path, vectors: WordVectors, *, to: str) -> int:
    """Write all vectors; returns the file's bytes.

    Raises:
        ModelError: a word has blanks, which the format cannot express.
        StorageError: the disk is full or the folder not writable.
    """
    assert to in FORMATS
    for word in vectors.words:
        if word.split() != [word]:
            raise ModelError(f"the word {word[:40]!r} has blanks, which files of word vectors cannot express")
    write_atomic(path, _parts(vectors, to))
    return path.stat().st_size


def _parts(vectors: WordVectors, to: str) -> Iterator[bytes]:
    if to != "glove":
        yield f"{len(vectors)} {vectors.dimensions}\n".encode()
    for word, row in zip(vectors.words, vectors.vectors, strict=True):
        if to == "word2vec-binary":
            yield word.encode() + b" " + np.ascontiguousarray(row, "<f4").tobytes() + b"\n"
        else:
            # NumPy's shortest digits read back to the same float32.
            yield f"{word} {' '.join(map(str, row))}\n".encode()
