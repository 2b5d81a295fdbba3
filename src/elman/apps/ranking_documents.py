"""A ranker from what users give: files, strings or an index, and models as they are loaded."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elman.apps.rank import Hit, RankConfig, Ranker
from elman.apps.ranking.analysis import AnalysisConfig
from elman.apps.ranking.build import IndexedDocument, temporary_index
from elman.apps.ranking.documents import passages, read_named
from elman.apps.ranking.index import KIND, Index
from elman.apps.ranking.rerankers import MODEL, VECTORS, TextModel, query_likelihood, vector_similarity
from elman.errors import UsageError
from elman.progress import Progress
from elman.storage import folder as model_folder
from elman.storage.archive import arrays_digest
from elman.system.machine import fingerprint
from elman.text.decoding import check_encoding

if TYPE_CHECKING:
    from elman.models.word_vectors import WordVectors

Documents = str | Path | Sequence[str] | Index


@contextmanager
def opened_index(
    documents: Documents,
    *,
    language: str | None = None,
    field: str | None = None,
    encoding: str = "utf-8",
    passage: int | None = None,
    progress: Progress | None = None,
) -> Iterator[Index]:
    """The index of documents, made for the block if they have none yet.

    Args:
        documents: a file or folder, the folder of an index, an index, or a list of strings, which
            are called by their numbers from 1.
        passage: cut texts into passages of so many words; a file of plain text is one text then.

    Raises:
        TextError: they cannot be read, or have no words.
        UsageError: settings of reading, for an index that has its own; an encoding that Python does
            not know.
    """
    if isinstance(documents, (str, Path)) and holds_index(Path(documents)):
        documents = Index.open(Path(documents))
    config = AnalysisConfig(language=language)
    if isinstance(documents, Index):
        if (language is not None and config != documents.config) or field is not None:
            raise UsageError(f"the index is of language {documents.config.language or 'none'}; leave out language and "
                             "field, or make another index")  # fmt: skip
        yield documents
        return
    if isinstance(documents, (str, Path)):
        check_encoding(encoding)
        named = read_named(documents, field=field, whole=passage is not None, encoding=encoding, progress=progress)
    else:
        named = (IndexedDocument(str(number), text) for number, text in enumerate(documents, start=1))
    if passage is not None:
        named = passages(named, passage)
    with temporary_index(named, config, progress=progress) as index:
        yield index


def save_index(index: Index, folder: Path, *, source: str) -> None:
    """Write an index into a new model folder, with its model card.

    Args:
        source: where the documents came from.

    Raises:
        FolderError: the folder exists and is not empty.
    """
    begun = time.monotonic()
    index.save(folder)
    texts = {name: index.arrays[name] for name in ("ids", "ids_starts", "texts", "texts_starts")}
    card = {
        "model": {**index.describe(), "hash": model_folder.weights_digest(folder)},
        "data": {"sources": [source], "hash": arrays_digest(texts)[:16]},
        "task": "vectors",
        "recipe": {"config": index.config.to_json(), "plan": None},
        "seconds": round(time.monotonic() - begun, 1),
        "trained": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": fingerprint(threads=1, precision="fp64"),
    }
    model_folder.write_card(folder, card)


def holds_index(path: Path) -> bool:
    """Whether a path is the folder of an index."""
    return (path / "config.json").is_file() and model_folder.read_config(path)[0] == KIND


def make_ranker(
    index: Index,
    *,
    methods: Sequence[str] = ("bm25",),
    model: TextModel | None = None,
    vectors: "WordVectors | None" = None,
    weights: dict[str, float] | None = None,
    config: RankConfig | None = None,
) -> Ranker:
    """A ranker with the scores of models, where there are any.

    Raises:
        UsageError, ModelError: as ``Ranker``, ``query_likelihood`` and ``SifDocuments``.
    """
    rerankers: dict[str, Any] = {}
    if model is not None:
        rerankers[MODEL] = query_likelihood(model)
    if vectors is not None:
        rerankers[VECTORS] = vector_similarity(vectors, index)
    return Ranker(index, methods=methods, rerankers=rerankers, weights=weights, config=config)


def rank(
    documents: Documents,
    query: str,
    *,
    n: int = 10,
    method: str | Sequence[str] = "bm25",
    language: str | None = None,
    field: str | None = None,
    model: TextModel | None = None,
    vectors: "WordVectors | None" = None,
    weights: dict[str, float] | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> list[Hit]:
    """The documents that answer a query best.

    ``elman.apps.rank.Ranker`` does the same for many queries, and is prepared once.

    Args:
        documents: a file or folder, a list of strings, or an index that ``elman rank --save-index``
            wrote.
        query: words.
        n: how many documents.
        method: bm25, dirichlet, jelinek-mercer, feedback or neighbours, or several, whose scores
            are summed.
        language: language of the words, such as english, for stems and function words.
        field: the field of records that holds the text.
        model: a network that says how likely the query is after each of the first documents.
        vectors: word vectors, by which the first documents are compared with the query.
        weights: of the scores in their sum; equal by default.
        settings: fields of ``RankConfig``, such as ``k1`` or ``feedback_terms``.

    Returns:
        The best document first: its ``id``, ``score``, ``text`` and a ``snippet`` with marks.

    Raises:
        TextError: the documents cannot be read, or have no words.
        UsageError: a value that is not allowed.
        MissingExtra: a language is given, and snowballstemmer is not installed.

    >>> import elman
    >>> found = elman.rank(["a cat sleeps", "a dog barks", "my cat"], "cat")
    >>> [(hit.id, hit.snippet.marked()) for hit in found]
    [('3', 'my **cat**'), ('1', 'a **cat** sleeps')]
    """
    config = RankConfig.from_json(settings)
    methods = [method] if isinstance(method, str) else list(method)
    with opened_index(documents, language=language, field=field, progress=progress) as index:
        made = make_ranker(index, methods=methods, model=model, vectors=vectors, weights=weights, config=config)
        return made.rank(query, n)
