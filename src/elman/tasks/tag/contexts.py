"""What language models know at each word of a tagger's sentences."""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elman.data.tagged import TaggedSentence
from elman.errors import UsageError
from elman.inference.context_reader import ContextReader, WordedLine, from_bytes, to_bytes
from elman.inference.model import InferenceModel
from elman.models.registry import entry
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.language import load
from elman.system.files import allocate, storage_errors
from elman.system.machine import cache_folder
from elman.tasks.tag.sentences import hash_of
from elman.text.normalise import normalise_line

CONTEXTS_FILE = "contexts.safetensors"
_AT_ONCE = 256
"""Sentences read at a time."""
_IN_MEMORY = 1 << 26
"""Most numbers of a part that are kept in memory (256 MB); those of a larger part lie on disk."""

Vectors = NDArray[np.float32]


class Contexts:
    """Language models whose states are features of words; none at all is allowed.

    Args:
        readers: the language models.
    """

    def __init__(self, readers: Sequence[ContextReader] = ()) -> None:
        self.readers = tuple(readers)
        self._kept: dict[str, Vectors] = {}

    @classmethod
    def of_models(cls, folders: Iterable[str]) -> "Contexts":
        """Those of the language models in folders.

        Raises:
            UsageError: a folder holds no network that the engine computes.
        """
        return cls([_reader(Path(folder)) for folder in folders])

    @classmethod
    def from_files(cls, files: dict[str, bytes]) -> "Contexts":
        """Those of a tagger's folder."""
        return cls(from_bytes(files[CONTEXTS_FILE]) if CONTEXTS_FILE in files else ())

    def to_files(self) -> dict[str, bytes]:
        """Their file in a tagger's folder."""
        return {CONTEXTS_FILE: to_bytes(self.readers)} if self.readers else {}

    @property
    def size(self) -> int:
        """Numbers for each word (F); 0 without language models."""
        return sum(reader.size for reader in self.readers)

    def vectors(self, sentences: Sequence[TaggedSentence]) -> list[Vectors] | None:
        """``[T, F]`` for each sentence of T words; None without language models."""
        if not self.readers:
            return None
        lines = [worded_line(sentence) for sentence in sentences]
        parts = [reader.vectors(lines) for reader in self.readers]
        return [np.concatenate(own, axis=1) for own in zip(*parts, strict=True)]

    def rows(self, sentences: Sequence[TaggedSentence], *, progress: Progress) -> Vectors | None:
        """The vectors of all words one after another ``[N, F]``, computed once for each part."""
        if not self.readers:
            return None
        name = hash_of(sentences)
        if name not in self._kept:
            words = sum(map(len, sentences))
            rows, start = _room(words, self.size), 0
            with progress.stage("reading with language models", total=words, unit="words") as advance:
                for begin in range(0, len(sentences), _AT_ONCE):
                    some = self.vectors(sentences[begin : begin + _AT_ONCE])
                    assert some is not None
                    for own in some:
                        rows[start : start + len(own)] = own
                        start += len(own)
                    advance(sum(map(len, some)))
            self._kept[name] = rows
        return self._kept[name]


def _room(words: int, size: int) -> Vectors:
    """An empty array ``[words, size]``; a large one in a file that goes with the process."""
    if words * size <= _IN_MEMORY:
        return np.empty((words, size), np.float32)
    folder = cache_folder()
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            allocate(file, 4 * words * size)
            return np.memmap(file, np.float32, "r+", shape=(words, size))


def _reader(folder: Path) -> ContextReader:
    kind = model_folder.read_config(folder)[0]
    if entry(kind).task != "language":
        raise UsageError(f"--from {folder} is of task {entry(kind).task}; give language models")
    model, _ = load(folder)
    if not isinstance(model, InferenceModel):
        raise UsageError(
            f"--from {folder} is a model of kind {kind}, which has no hidden state that a tagger could read; give a "
            "network, such as an lstm"
        )
    return ContextReader(model.to_arrays(), model.tokenizer, model.config)


def worded_line(sentence: TaggedSentence) -> WordedLine:
    """A sentence as language models read it: spaces where the text has white space, none elsewhere.

    >>> text = TaggedSentence(words=("à", "le", "bar", "!"), text="au  bar!", offsets=((0, 2), (0, 2), (4, 7), (7, 8)))
    >>> line = worded_line(text)
    >>> line.text, line.bounds.tolist()
    ('au bar!', [[0, 2], [0, 2], [3, 6], [6, 7]])
    >>> worded_line(TaggedSentence(words=("do", "n't"))).text
    "do n't"
    """
    parts: list[str] = []
    bounds: list[tuple[int, int]] = []
    length, last = 0, 0
    for number, word in enumerate(sentence.words):
        start, end = sentence.offsets[number] if sentence.offsets else (last + (number > 0), last + 1 + (number > 0))
        if number and start < last:  # another word of the same token
            bounds.append((bounds[-1][0], length))
            continue
        surface = " ".join(normalise_line(sentence.text[start:end] if sentence.offsets else word).split())
        space = " " if number and start > last else ""
        parts.append(space + surface)
        bounds.append((length + len(space), length + len(space) + len(surface)))
        length, last = length + len(space) + len(surface), end
    return WordedLine("".join(parts), np.array(bounds, np.int64).reshape(-1, 2))
