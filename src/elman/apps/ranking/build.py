"""Builds an index in one pass over the documents, in bounded memory.

Memory holds the different words and a part of the documents; everything else goes to files of a
folder and is mapped from there. The terms of each document are written as they come. The postings
are their transpose: how many documents have a term is known by then, so that each pair has its
place, and one more pass puts it there.
"""

import tempfile
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.apps.ranking.analysis import AnalysisConfig, Analyzer
from elman.apps.ranking.index import Index
from elman.apps.ranking.strings import Strings
from elman.errors import TextError
from elman.progress import Progress
from elman.system.files import allocate, storage_errors, write_array
from elman.system.machine import cache_folder

_BATCH = 1 << 20
"""Words whose documents are counted together, and pairs that are put into the postings together."""
_MOST_DOCUMENTS = (1 << 31) - 1


class IndexedDocument(NamedTuple):
    """A document as it is indexed."""

    id: str
    text: str
    title: str = ""
    """Its title, which is a part of the text: the words of a title count twice."""


@contextmanager
def temporary_index(
    documents: Iterable[IndexedDocument], config: AnalysisConfig | None = None, *, progress: Progress | None = None
) -> Iterator[Index]:
    """An index whose files are gone at the end of the block.

    >>> with temporary_index([IndexedDocument("a", "one wing"), IndexedDocument("b", "wing, wing")]) as index:
    ...     index.postings(index.number("wing"))
    Postings(documents=array([0, 1], dtype=int32), counts=array([1, 2], dtype=int32))
    """
    cache = cache_folder()
    with storage_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="index-", dir=cache, ignore_cleanup_errors=True) as folder:
        yield build_index(documents, Path(folder), config, progress=progress)


def build_index(
    documents: Iterable[IndexedDocument],
    folder: Path,
    config: AnalysisConfig | None = None,
    *,
    progress: Progress | None = None,
) -> Index:
    """Index documents; the arrays lie in files of ``folder``, which must stay as long as the index
    is used.

    Raises:
        TextError: there is no document, or no word in any.
        StorageError: the disk is full.
    """
    builder = _Builder(folder, Analyzer(config or AnalysisConfig()))
    with storage_errors(folder), (progress or Progress()).stage("indexing", total=None, unit="documents") as advance:
        for each in documents:
            builder.add(each)
            advance(1)
        return builder.index()


class _Numbers(dict[str, int]):
    """Numbers of words in the order in which they come."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


class _Builder:
    def __init__(self, folder: Path, analyzer: Analyzer) -> None:
        self._folder, self._analyzer = folder, analyzer
        self._files = {name: open(folder / name, "wb") for name in ("ids", "texts", "vector_numbers", "vector_counts")}
        self._starts = {name: array("q", [0]) for name in ("ids", "texts", "vector")}
        self._words, self._terms = _Numbers(), _Numbers()
        self._term_of = np.empty(0, np.int64)
        """The term of each word; -1 for a function word."""
        self._lengths = array("i")
        self._batch: list[str] = []
        self._sizes: list[int] = []

    def add(self, document: IndexedDocument) -> None:
        if len(self._starts["ids"]) > _MOST_DOCUMENTS:
            raise TextError(f"more than {_MOST_DOCUMENTS:,} documents; index them in parts")
        for name, text in (("ids", document.id), ("texts", document.text)):
            data = text.encode(errors="replace")
            self._files[name].write(data)
            self._starts[name].append(self._starts[name][-1] + len(data))
        words = [*self._analyzer.words(document.text), *self._analyzer.words(document.title)]
        self._batch += words
        self._sizes.append(len(words))
        if len(self._batch) >= _BATCH:
            self._count()

    def _count(self) -> None:
        """Write the terms of the documents that wait."""
        words = np.fromiter(map(self._words.__getitem__, self._batch), np.int64, len(self._batch))
        known = len(self._term_of)
        new = (self._analyzer.term(word) for word in islice(self._words, known, None))
        terms = [-1 if term is None else self._terms[term] for term in new]
        self._term_of = np.concatenate([self._term_of, np.array(terms, np.int64)])
        numbers = self._term_of[words]
        documents = np.repeat(np.arange(len(self._sizes)), self._sizes)
        kept = numbers >= 0
        self._lengths.extend(np.bincount(documents[kept], minlength=len(self._sizes)).tolist())
        pairs, counts = np.unique(documents[kept] << 32 | numbers[kept], return_counts=True)
        write_array(self._files["vector_numbers"], (pairs & 0xFFFFFFFF).astype("<i4"))
        write_array(self._files["vector_counts"], counts.astype("<i4"))
        sizes = np.bincount(pairs >> 32, minlength=len(self._sizes))
        self._starts["vector"].extend((self._starts["vector"][-1] + np.cumsum(sizes)).tolist())
        self._batch, self._sizes = [], []

    def index(self) -> Index:
        self._count()
        for file in self._files.values():
            file.close()
        if not self._terms:
            raise TextError("the documents have no words; give others")
        arrays: dict[str, NDArray[Any]] = {f"{name}_starts": np.array(each) for name, each in self._starts.items()}
        for name in self._files:
            kind = np.int32 if name.startswith("vector") else np.uint8
            arrays[name] = _mapped(self._folder / name, kind)
        terms = list(self._terms)
        # Sorted by their bytes, as they are looked for.
        order = sorted(range(len(terms)), key=lambda number: terms[number].encode())
        arrays |= Strings.of(terms[number] for number in order).arrays("terms")
        arrays["term_order"] = np.array(order, np.int32)
        arrays["lengths"] = np.array(self._lengths, np.int32)
        arrays |= self._transposed(arrays)
        return Index(arrays, self._analyzer.config)

    def _transposed(self, vectors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        numbers, counts, starts = (vectors[f"vector_{name}"] for name in ("numbers", "counts", "starts"))
        frequencies, totals = (np.zeros(len(self._terms), np.int64) for _ in range(2))
        for part in _parts(len(numbers)):
            frequencies += np.bincount(numbers[part], minlength=len(self._terms))
            totals += np.bincount(numbers[part], counts[part], minlength=len(self._terms)).astype(np.int64)
        posting_starts = np.concatenate([[0], np.cumsum(frequencies)])
        documents, found = (self._room(f"posting_{name}", len(numbers)) for name in ("numbers", "counts"))
        following = posting_starts[:-1].copy()
        for part in _parts(len(numbers)):
            owners = np.searchsorted(starts, np.arange(part.start, part.stop), side="right") - 1
            order = np.argsort(numbers[part], kind="stable")
            terms = numbers[part][order]
            sizes = np.bincount(terms, minlength=len(following))
            # The first of a term goes where its last part ended, the others behind it.
            within = np.arange(len(terms)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            places = following[terms] + within
            documents[places], found[places] = owners[order], counts[part][order]
            following += sizes
        return {
            "posting_numbers": documents.view(np.ndarray),
            "posting_counts": found.view(np.ndarray),
            "posting_starts": posting_starts,
            "totals": totals,
        }

    def _room(self, name: str, size: int) -> NDArray[np.int32]:
        with open(self._folder / name, "wb") as file:
            allocate(file, 4 * size)
        return np.memmap(self._folder / name, np.int32, "r+", shape=size)


def _parts(size: int) -> Iterator[slice]:
    return (slice(begin, min(begin + _BATCH, size)) for begin in range(0, size, _BATCH))


def _mapped(file: Path, dtype: Any) -> NDArray[Any]:
    # An empty file cannot be mapped.
    return np.memmap(file, dtype, "r").view(np.ndarray) if file.stat().st_size else np.empty(0, dtype)
