"""Documents that are most similar to a text, from files or from Python."""

import dataclasses
from collections.abc import Sequence

from elman.data.word_text import words_of
from elman.errors import TextError, UsageError
from elman.models.documents import SifDocuments, TfidfDocuments, most_similar_documents
from elman.models.word_vectors import WordVectors
from elman.text.corpus import CorpusConfig, read_lines
from elman.text.sources import find_sources


@dataclasses.dataclass(frozen=True)
class Document:
    """One document."""

    text: str
    name: str | None = None
    """Its file, if it is a whole one."""


def similar_documents(
    text: str, documents: Sequence[str], *, vectors: WordVectors | None = None, topn: int = 10
) -> list[tuple[int, float]]:
    """The documents that are most similar to a text: their numbers, and cosines from -1 to 1.

    Args:
        text: what they are compared with.
        documents: one string each.
        vectors: word vectors (``elman.load``). With them a document is the weighted mean of its
            words' vectors without what all have in common (SIF, Arora et al. 2017), so that words
            of like meaning count; at least three documents are needed. Without them documents are
            TF-IDF vectors, so that shared words count.
        topn: how many documents.

    Raises:
        UsageError: no document was given, or no word of the text is known.

    >>> found = similar_documents("the cat", ["a dog barks", "my cat sleeps", "the old cat"], topn=2)
    >>> [(number, round(score, 3)) for number, score in found]
    [(2, 0.782), (1, 0.287)]
    """
    if isinstance(documents, str) or not len(documents):
        raise UsageError("documents are a list of strings, at least one")
    split = words_of if vectors is None else vectors.split
    words = map(split, documents)
    ranked = TfidfDocuments(words) if vectors is None else SifDocuments(vectors, words)
    return most_similar_documents(ranked, split(text), topn)


def read_documents(source: str, *, field: str | None = None, encoding: str = "utf-8") -> list[Document]:
    """The documents of a source: each file of a folder or pattern, each line of a file, or with
    ``field`` each record of files.

    Raises:
        TextError: the source cannot be read or has no text.
    """
    sources = find_sources(source)
    if field is None and not all(each.given for each in sources):
        files = (each.path for each in sources if each.path is not None and each.path.stat().st_size)
        config = CorpusConfig(encoding=encoding)
        lines = ((path, read_lines(str(path), config=config, blank=True)) for path in files)
        texts = ((path, "\n".join(line for line, _ in each).strip()) for path, each in lines)
        found = [Document(text, str(path)) for path, text in texts if text]
        if not found:
            raise TextError(f"{source}: all files are empty; name others")
        return found
    whole = field is not None or source.startswith("builtin:")
    documents: list[list[str]] = []
    config = CorpusConfig(document="file" if whole else "line", field=field, encoding=encoding)
    for line, starts in read_lines(source, config=config):
        if starts:
            documents.append([])
        documents[-1].append(line)
    return [Document("\n".join(lines)) for lines in documents]
