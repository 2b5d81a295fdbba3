"""An inverted index: which documents have a term, how often, and which terms a document has.

All of it is NumPy arrays, mapped from the file of a model folder, so that an index larger than
memory can be asked. Terms have numbers in the order in which they came; N documents, V terms, P
pairs of a document and a term.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.apps.ranking.analysis import AnalysisConfig, Analyzer
from elman.apps.ranking.strings import Strings
from elman.errors import FolderError, UsageError
from elman.storage import folder as model_folder

KIND = "index"
Arrays = Mapping[str, NDArray[Any]]


class Postings(NamedTuple):
    """The documents that have a term."""

    documents: NDArray[np.int32]
    """Their numbers, rising."""
    counts: NDArray[np.int32]
    """How often each has it."""


class Index:
    """An index of documents; ``build.build_index`` makes one.

    Raises:
        ValueError: the arrays do not fit together.
    """

    def __init__(self, arrays: Arrays, config: AnalysisConfig) -> None:
        self.config, self.arrays, self.analyzer = config, dict(arrays), Analyzer(config)
        try:
            self._fill(arrays)
        except KeyError as error:
            raise ValueError(f"no array {error}") from error

    def _fill(self, arrays: Arrays) -> None:
        def strings(name: str) -> Strings:
            return Strings(arrays[name], arrays[f"{name}_starts"])

        self.ids, self.texts, self._terms = strings("ids"), strings("texts"), strings("terms")
        self._order = _numbers(arrays["term_order"], np.int32, below=len(self._terms))
        self.lengths: NDArray[np.int32] = _numbers(arrays["lengths"], np.int32)
        """Terms of each document ``[N]``."""
        self._vectors = _table(arrays, "vector", rows=len(self), below=len(self._terms))
        self._postings = _table(arrays, "posting", rows=len(self._terms), below=len(self))
        if not len(self) == len(self.texts) == len(self.lengths) or len(self._order) != len(self._terms):
            raise ValueError("documents or terms")
        # A document has at least as many terms as different ones.
        if (self.lengths < np.diff(self._vectors.starts)).any():
            raise ValueError("lengths")
        self.totals: NDArray[np.int64] = _numbers(arrays["totals"], np.int64)
        """How often each term occurs ``[V]``."""
        if len(self.totals) != len(self._terms) or (self.totals < 1).any():
            raise ValueError("totals")
        self.words = int(self.totals.sum())
        """Terms of all documents together."""
        self.mean_length = self.words / max(len(self), 1)

    @classmethod
    def open(cls, folder: Path) -> "Index":
        """The index in a model folder, mapped.

        Raises:
            FolderError: there is none, or it is damaged.
        """
        kind, values = model_folder.read_config(folder)
        if kind != KIND:
            raise FolderError(f"{folder} holds no index of documents but a {kind}")
        try:
            config = AnalysisConfig.from_json(values)
        except UsageError as error:
            raise FolderError(f"{folder}: {error}") from error
        arrays = model_folder.read_arrays(folder / model_folder.WEIGHTS_FILE, mapped=True)
        try:
            return cls(arrays, config)
        except ValueError as error:
            raise FolderError(f"{folder} is damaged ({error}); make the index again") from error

    def save(self, folder: Path) -> None:
        """Write the index into a new model folder.

        Raises:
            FolderError: the folder exists and is not empty.
        """
        model_folder.create(folder)
        model_folder.write_static_files(folder, kind=KIND, config=self.config.to_json(), files={})
        model_folder.write_weights(folder, self.arrays)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def vocabulary(self) -> int:
        """How many different terms there are."""
        return len(self._terms)

    def number(self, term: str) -> int | None:
        """The number of a term; None if no document has it."""
        place = self._terms.find(term)
        return None if place is None else int(self._order[place])

    def postings(self, term: int) -> Postings:
        """The documents that have a term."""
        return Postings(*self._postings.row(term))

    def frequency(self, term: int) -> int:
        """How many documents have a term."""
        return self._postings.size(term)

    def vector(self, document: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The numbers of a document's terms, rising, and their counts."""
        return self._vectors.row(document)

    def describe(self) -> dict[str, Any]:
        """For tables and model cards."""
        return {"name": KIND, "documents": len(self), "vocabulary": self.vocabulary, "words": self.words}


class _Table(NamedTuple):
    """Rows of numbers with counts, one after the other."""

    starts: NDArray[np.int64]
    numbers: NDArray[np.int32]
    counts: NDArray[np.int32]

    def row(self, index: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        part = slice(self.starts[index], self.starts[index + 1])
        return self.numbers[part], self.counts[part]

    def size(self, index: int) -> int:
        return int(self.starts[index + 1] - self.starts[index])


def _table(arrays: Arrays, name: str, *, rows: int, below: int) -> _Table:
    starts, numbers = arrays[f"{name}_starts"], _numbers(arrays[f"{name}_numbers"], np.int32, below=below)
    counts = _numbers(arrays[f"{name}_counts"], np.int32)
    if len(counts) and counts.min() < 1:
        raise ValueError(f"{name}_counts")
    fits = starts.dtype == np.int64 and starts.shape == (rows + 1,) and starts[0] == 0 and (np.diff(starts) >= 0).all()
    if not fits or not starts[-1] == len(numbers) == len(counts):
        raise ValueError(name)
    return _Table(starts, numbers, counts)


def _numbers(array: NDArray[Any], dtype: Any, *, below: int | None = None) -> NDArray[Any]:
    if array.dtype != dtype or array.ndim != 1:
        raise ValueError("an array of another type")
    if len(array) and (array.min() < 0 or (below is not None and array.max() >= below)):
        raise ValueError("a number out of range")
    return array
