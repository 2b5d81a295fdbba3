"""A small index of documents."""

from collections.abc import Mapping

import numpy as np

from elman.apps.ranking.build import IndexedDocument, temporary_index
from elman.apps.ranking.index import Index
from elman.tasks.vectors.indexed_documents import IndexedDocuments

NOTES = {"cats": "the cat sleeps", "dogs": "a dog barks at the cat", "café": "Das Café am Fluss"}


def notes(texts: Mapping[str, str] = NOTES) -> IndexedDocuments:
    """An index in memory."""
    with temporary_index(IndexedDocument(name, text) for name, text in texts.items()) as index:
        return IndexedDocuments(Index({name: np.array(each) for name, each in index.arrays.items()}, index.config))
