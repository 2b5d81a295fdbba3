"""An index of documents in a model folder: what ``elman rank --save-index`` writes and
``elman.load`` gives."""

from pathlib import Path
from typing import Any

from elman.apps.rank import Hit
from elman.apps.ranking.index import Index
from elman.apps.ranking_documents import rank
from elman.storage import folder as model_folder
from elman.storage.archive import arrays_digest
from elman.tasks.folder_model import FolderModel


class IndexedDocuments(FolderModel):
    """Documents that can be asked.

    >>> import elman
    >>> notes = elman.load("notes-index")  # doctest: +SKIP
    >>> notes.rank("how to escape a quote", n=1)[0].id  # doctest: +SKIP
    '17'
    """

    def __init__(self, index: Index, *, folder: Path | None = None) -> None:
        super().__init__(folder)
        self.index = index
        self._hash = arrays_digest(index.arrays) if folder is None else model_folder.weights_digest(folder)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def model_hash(self) -> str:
        """Hex digest of the documents and their words."""
        return self._hash

    def describe(self) -> dict[str, Any]:
        return self.index.describe()

    def rank(self, query: str, **settings: Any) -> list[Hit]:
        """``elman.rank`` of these documents."""
        return rank(self.index, query, **settings)


def load(folder: Path) -> IndexedDocuments:
    """Read a folder with an index.

    Raises:
        FolderError: missing, damaged, too new or hostile.
    """
    return IndexedDocuments(Index.open(folder), folder=folder)
