"""Documents as vectors in a model folder: counted once, then asked."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from elman.data.document_words import count_words
from elman.data.vocabulary import VOCABULARY_FILE, Vocabulary
from elman.data.word_text import words_of
from elman.errors import FolderError, TextError, UsageError
from elman.models.documents import TfidfDocuments, most_similar_documents
from elman.models.documents_config import TfidfConfig
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.archive import arrays_digest, json_bytes
from elman.system.cluster import workers
from elman.tasks.folder_model import FolderModel
from elman.tasks.job import Job
from elman.tasks.vectors.documents import Document, read_documents
from elman.tasks.vectors.request import VectorsRequest
from elman.training.plan import Plan

if TYPE_CHECKING:
    from elman.training.objective import Arrays, Objective

KIND = "tfidf"
DOCUMENTS_FILE = "documents.json"
_SHOWN = 200
"""Characters that the folder keeps of a document."""


class TrainedDocuments(FolderModel):
    """TF-IDF vectors of documents: what ``elman.load`` gives.

    >>> import elman
    >>> notes = elman.load("notes-tfidf")  # doctest: +SKIP
    >>> notes.most_similar("how to escape a quote", topn=1)  # doctest: +SKIP
    [(17, 0.43)]
    """

    def __init__(
        self, tfidf: TfidfDocuments, documents: list[Document], config: TfidfConfig, *, folder: Path | None = None
    ) -> None:
        super().__init__(folder)
        self.tfidf, self.documents, self.config = tfidf, documents, config

    def __len__(self) -> int:
        return len(self.documents)

    @property
    def model_hash(self) -> str:
        """Hex digest of settings, words and counts."""
        facts = [repr(self.config.to_json()), repr(self.tfidf.terms), arrays_digest(self.tfidf.to_arrays())]
        return hashlib.sha256("|".join(facts).encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        size = f"{len(self)} x {len(self.tfidf.terms)}"
        return {"name": KIND, "size": size, "documents": len(self), "vocabulary": len(self.tfidf.terms)}

    def most_similar(self, text: str, topn: int = 10) -> list[tuple[int, float]]:
        """The documents that are most similar to a text: their numbers, and cosines from 0 to 1.

        Raises:
            UsageError: no word of the text is in the documents.
        """
        return most_similar_documents(self.tfidf, self._words(text), topn)

    def vector(self, text: str) -> NDArray[np.float64]:
        """The TF-IDF vector ``[V]`` of a text, of length one; zeros if it has no word of the
        documents."""
        columns, values = self.tfidf.vector(self._words(text))
        vector = np.zeros(len(self.tfidf.terms))
        vector[columns] = values
        return vector

    def _words(self, text: str) -> list[str]:
        return words_of(text, pretokenized=self.config.pretokenized, lowercase=self.config.lowercase)


def load(folder: Path) -> TrainedDocuments:
    """Read a folder of document vectors.

    Raises:
        FolderError: missing, damaged, too new or hostile.
    """
    kind, values = model_folder.read_config(folder)
    if kind != KIND:
        raise FolderError(f"{folder} holds no documents but a {kind}; make some with --task vectors --model {KIND}")
    try:
        config = TfidfConfig.from_json(values)
    except UsageError as error:
        raise FolderError(f"{folder}: {error}") from error
    files = model_folder.static_files(folder)
    vocabulary = Vocabulary.from_bytes(files[VOCABULARY_FILE])
    arrays = model_folder.read_arrays(folder / model_folder.WEIGHTS_FILE)
    try:
        rows = json.loads(files[DOCUMENTS_FILE])["documents"]
        documents = [Document(str(text), None if name is None else str(name)) for name, text in rows]
        tfidf = TfidfDocuments.from_arrays(arrays, vocabulary.words, vocabulary.counts)
        if len(documents) != len(tfidf):
            raise ValueError("its documents")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FolderError(f"{folder} is damaged: its files do not fit together; make it again") from error
    return TrainedDocuments(tfidf, documents, config, folder=folder)


def holds_documents(path: Path) -> bool:
    """Whether a path is a folder of document vectors."""
    if not all((path / name).is_file() for name in ("config.json", model_folder.WEIGHTS_FILE)):
        return False
    return model_folder.read_config(path)[0] == KIND


@dataclasses.dataclass(frozen=True, kw_only=True)
class DocumentsJob(Job):
    """One count of documents."""

    request: VectorsRequest
    config: TfidfConfig
    plan: None = None
    documents: list[Document]
    tfidf: TfidfDocuments

    @property
    def data_hash(self) -> str:
        return _hash(self.documents)

    def static_files(self) -> dict[str, bytes]:
        shown = [[each.name, each.text[:_SHOWN]] for each in self.documents]
        vocabulary = Vocabulary(self.tfidf.terms, self.tfidf.frequencies.tolist())
        return {VOCABULARY_FILE: vocabulary.to_bytes(), DOCUMENTS_FILE: json_bytes({"documents": shown})}

    def objective(self, plan: Plan, start: "Arrays | None") -> "Objective":
        raise AssertionError("documents are counted")

    def finish(self) -> dict[str, Any]:
        model_folder.write_weights(self.folder, self.tfidf.to_arrays())
        made = TrainedDocuments(self.tfidf, self.documents, self.config)
        data = {
            "sources": list(self.request.sources),
            "hash": self.data_hash,
            "documents": len(self.documents),
            "reading": self.request.data.to_json(),
        }
        model = {**made.describe(), "hash": model_folder.weights_digest(self.folder)}
        return {"model": model, "data": data, "figures": {}}


def new_job(request: VectorsRequest, *, folder: Path, progress: Progress) -> DocumentsJob:
    """Read the documents and count their words.

    Raises:
        TextError: they cannot be read, or have no words.
    """
    data = request.data
    config = TfidfConfig(lowercase=data.lowercase, pretokenized=data.pretokenized)
    documents = [
        each for source in request.sources for each in read_documents(source, field=data.field, encoding=data.encoding)
    ]
    cut = {"pretokenized": data.pretokenized, "lowercase": data.lowercase}
    texts = [each.text for each in documents]
    counts = count_words(texts, **cut, folder=request.cache / "counts", progress=progress, workers=workers())
    tfidf = TfidfDocuments.of_counts(counts, min_count=data.min_count, most_terms=data.vocab_size)
    if not tfidf.terms:
        raise TextError(f"no word occurs {data.min_count} times or more in the documents; give more, or a smaller "
                        "--min-count")  # fmt: skip
    progress.say(f"documents: {len(documents):,}, with {len(tfidf.terms):,} different words")
    return DocumentsJob(
        request=request, folder=folder, progress=progress, config=config, documents=documents, tfidf=tfidf
    )


def _hash(documents: list[Document]) -> str:
    digest = hashlib.sha256()
    for each in documents:
        digest.update(f"{len(each.text)}|{each.text}".encode("utf-8", errors="surrogatepass"))
    return digest.hexdigest()[:16]
