"""TrainedVectors: word vectors that lie in a folder, or in a file of another tool."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.fasttext_binary import is_fasttext_binary, read_fasttext_binary
from elman.data.pretrained_vectors import is_vector_file, read_vectors
from elman.data.vocabulary import VOCABULARY_FILE, Vocabulary
from elman.errors import FolderError, UsageError
from elman.evaluation.word_vectors import evaluate
from elman.models.registry import entry, resolve
from elman.models.vectors.config import VectorsConfig
from elman.models.vectors.fasttext_file import fasttext_vectors
from elman.models.vectors.stored import StoredVectorsConfig, unpack
from elman.models.word_vectors import Subwords, Vector, WordVectors
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.archive import arrays_digest
from elman.tasks.folder_model import FolderModel


class TrainedVectors(FolderModel, WordVectors):
    """Trained word vectors: what ``elman.load`` gives.

    >>> import elman
    >>> vectors = elman.load("v")  # doctest: +SKIP
    >>> vectors.most_similar("king", topn=1)  # doctest: +SKIP
    [('emperor', 0.81)]
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        vectors: Any,
        config: VectorsConfig | StoredVectorsConfig,
        *,
        subwords: Subwords | None = None,
        folder: Path | None = None,
    ) -> None:
        FolderModel.__init__(self, folder)
        reading = {**config.to_json(), **self.card.get("data", {}).get("reading", {})}
        cut = {name: bool(reading.get(name)) for name in ("pretokenized", "phrases")}
        WordVectors.__init__(self, vocabulary, vectors, subwords=subwords, lowercase=config.lowercase, **cut)
        self.config = config

    @property
    def model_hash(self) -> str:
        """Hex digest of configuration, vocabulary and vectors."""
        arrays = {"vectors": self.vectors}
        if self.subwords is not None:
            arrays |= {"subwords": self.subwords.vectors, "buckets": self.subwords.buckets}
        facts = [
            repr(self.config.to_json()),
            repr((self.pretokenized, self.phrases)),
            repr(self.words),
            arrays_digest(arrays),
        ]
        return hashlib.sha256("|".join(facts).encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        size = f"{len(self)} x {self.dimensions}"
        return {"name": self.config.model, "size": size, "vocabulary": len(self), "dimensions": self.dimensions}

    def evaluate(self, *similarity: str | Path, analogies: str | Path | None = None) -> dict[str, Any]:
        """Spearman correlations on lists of word pairs, and accuracy on analogies.

        Args:
            similarity: files of pairs: two words and a number on each line.
            analogies: a file of questions: four words on each line, sections begin with a colon.
        """
        return evaluate(self, analogies=() if analogies is None else (analogies,), similarity=similarity)


def load(folder: Path) -> TrainedVectors:
    """Read the folder of word vectors.

    Raises:
        FolderError: missing, damaged, too new or hostile.
    """
    kind, values = model_folder.read_config(folder)
    if kind not in _TABLES:
        raise FolderError(f"{folder} holds no word vectors but a {kind}; train some with --task vectors")
    try:
        config = resolve(entry(kind).config).from_json(values)
    except UsageError as error:
        raise FolderError(f"{folder}: {error}") from error
    vocabulary = Vocabulary.from_bytes(model_folder.static_files(folder)[VOCABULARY_FILE])
    arrays = model_folder.read_arrays(folder / model_folder.WEIGHTS_FILE, mapped=True)
    try:
        vectors, subwords = _TABLES[kind](arrays, config)
        if len(vectors) != len(vocabulary):
            raise ValueError("the number of words")
    except ValueError as error:
        raise FolderError(
            f"{folder / model_folder.WEIGHTS_FILE} has not the arrays of its vocabulary ({error}); train it again"
        ) from error
    return TrainedVectors(vocabulary, vectors, config, subwords=subwords, folder=folder)


def _trained(arrays: Mapping[str, NDArray[Any]], config: VectorsConfig) -> tuple[Vector, Subwords | None]:
    """The tables of vectors as they were trained."""
    shapes = {"vectors": (np.float32, (len(arrays.get("vectors", ())), config.dimensions))}
    if config.model == "fasttext":
        buckets = len(arrays.get("buckets", ()))
        shapes |= {"subwords": (np.float32, (buckets, config.dimensions)), "buckets": (np.int64, (buckets,))}
    if arrays.keys() != shapes.keys():
        raise ValueError("other arrays")
    for name, (dtype, shape) in shapes.items():
        if arrays[name].dtype != dtype or arrays[name].shape != shape:
            raise ValueError(f"the shape of {name}")
    if config.model != "fasttext":
        return arrays["vectors"], None
    assert config.min_ngram and config.max_ngram and config.buckets
    sizes = (config.min_ngram, config.max_ngram)
    return arrays["vectors"], Subwords(arrays["subwords"], arrays["buckets"], sizes=sizes, count=config.buckets)


_TABLES: dict[str, Callable[..., tuple[Vector, Subwords | None]]] = {"vectors": _trained, "stored-vectors": unpack}
"""Of each kind of word vectors, how its arrays become tables."""


def holds_vectors(path: Path) -> bool:
    """Whether a model is of word vectors: a folder of them, or a file that begins so."""
    if path.is_file():
        return is_vector_file(path) or is_fasttext_binary(path)
    return model_folder.read_config(path)[0] in _TABLES


def load_any(path: Path, *, progress: Progress | None = None) -> WordVectors:
    """Word vectors from a folder, or from a file of word2vec, fastText or GloVe.

    Raises:
        ElmanError: what is wrong with it.
    """
    if not path.is_file():
        return load(path)
    if is_fasttext_binary(path):
        progress = progress or Progress()
        file = read_fasttext_binary(path, progress=progress)
        return fasttext_vectors(file, lowercase=_all_lower(file.words), progress=progress)
    read = read_vectors(path, progress=progress)
    return WordVectors(Vocabulary(read.words, [0] * len(read.words)), read.matrix, lowercase=_all_lower(read.words))


def _all_lower(words: Sequence[str]) -> bool:
    """Words without capitals were lowered before they were counted."""
    return not any(word != word.lower() for word in words)
