"""How often each word is in each document, counted in stretches of documents by whoever shares the
work."""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.word_text import words_of
from elman.progress import Progress
from elman.system.cluster import ALONE, Advance, Workers
from elman.system.files import storage_errors
from elman.system.staging import staging_folder

_STRETCH = 1 << 23
"""Bytes of documents that one process counts at a time."""
_Stretch = tuple[int, Sequence[int]]
"""Where the first document begins in the file, and how many bytes each has."""


class WordCounts(NamedTuple):
    """The words of documents.

    >>> counts = WordCounts.of([["a", "dog", "a"], ["cat"]])
    >>> counts.words, counts.sizes.tolist(), counts.columns.tolist(), counts.counts.tolist()
    (['a', 'cat', 'dog'], [2, 1], [0, 2, 1], [2, 1, 1])
    """

    words: list[str]
    """All of them, sorted."""
    sizes: NDArray[np.int64]
    """How many different words each document has."""
    columns: NDArray[np.int64]
    """The numbers of these words, rising in each document."""
    counts: NDArray[np.int64]
    """How often each is in its document."""

    @classmethod
    def of(cls, documents: Iterable[Iterable[str]]) -> "WordCounts":
        """Count documents that come as words."""
        numbers: dict[str, int] = {}
        sizes, columns, counts = list[int](), list[int](), list[int]()
        for document in documents:
            counted = Counter(document)
            sizes.append(len(counted))
            columns += [numbers.setdefault(word, len(numbers)) for word in counted]
            counts += counted.values()
        words = sorted(numbers)
        places = np.zeros(len(words), np.int64)
        places[[numbers[word] for word in words]] = np.arange(len(words))
        found = places[np.array(columns, np.int64)]
        order = np.lexsort((found, np.repeat(np.arange(len(sizes)), sizes)))
        return cls(words, np.array(sizes, np.int64), found[order], np.array(counts, np.int64)[order])

    def totals(self) -> NDArray[np.int64]:
        """How often each word is in all documents."""
        return np.bincount(self.columns, self.counts, len(self.words)).astype(np.int64)


def count_words(
    texts: Sequence[str],
    *,
    pretokenized: bool = False,
    lowercase: bool = True,
    folder: Path,
    progress: Progress | None = None,
    workers: Workers = ALONE,
) -> list[WordCounts]:
    """The words of documents, as ``words_of`` cuts them, counted in stretches; all of them in order
    are the documents.

    Args:
        folder: where other processes, if any, find the documents and leave their counts; nothing
            stays.

    Raises:
        StorageError: the disk is full.

    >>> [part.words for part in count_words(["A dog!", "The cat"], folder=Path())]
    [['a', 'cat', 'dog', 'the']]
    """
    cut = {"pretokenized": pretokenized, "lowercase": lowercase}
    with (progress or Progress()).stage("counting words", total=sum(map(len, texts)), unit="characters") as advance:
        if not workers.are_others:
            return [WordCounts.of(_words(texts, advance, cut))]
        with staging_folder(folder) as staging, storage_errors(staging):
            file, stretches = staging / "documents", _written(texts, staging / "documents")
            task = partial(_count, file=file, cut=cut)
            parts = dict(workers.results(task, stretches, advance=advance))
            return [_read(parts[name]) for name in stretches]


def _words(texts: Iterable[str], advance: Advance, cut: dict[str, bool]) -> Iterable[list[str]]:
    for text in texts:
        yield words_of(text, **cut)
        advance(len(text))


def _written(texts: Iterable[str], file: Path) -> dict[str, _Stretch]:
    """Write documents into a file; returns its stretches by the names that messages call them."""
    stretches, sizes = dict[str, _Stretch](), list[int]()
    first, start, stop = 1, 0, 0

    def end() -> None:
        nonlocal first, start, sizes
        after = first + len(sizes)
        stretches[f"counting the words of documents {first:,} to {after - 1:,}"] = start, sizes
        first, start, sizes = after, stop, []

    with open(file, "wb") as opened:
        for text in texts:
            sizes.append(opened.write(text.encode()))
            stop += sizes[-1]
            if stop - start >= _STRETCH:
                end()
    if sizes:
        end()
    return stretches


def _count(stretch: _Stretch, advance: Advance, *, file: Path, cut: dict[str, bool]) -> Path:
    """Count a stretch of documents into a new file."""
    with open(file, "rb") as opened:
        opened.seek(stretch[0])
        texts = [opened.read(size).decode() for size in stretch[1]]
    found = WordCounts.of(_words(texts, advance, cut))
    words = np.frombuffer(json.dumps(found.words).encode(), np.uint8)
    handle, name = tempfile.mkstemp(suffix=".npz", dir=file.parent)
    with os.fdopen(handle, "wb") as opened:
        np.savez(opened, words=words, sizes=found.sizes, columns=found.columns, counts=found.counts)
    return Path(name)


def _read(file: Path) -> WordCounts:
    with np.load(file) as arrays:
        words = json.loads(arrays["words"].tobytes())
        return WordCounts(words, arrays["sizes"], arrays["columns"], arrays["counts"])
