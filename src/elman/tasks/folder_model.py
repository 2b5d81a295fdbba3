"""FolderModel: what trained models of every task of labelled examples have in common."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from numpy.typing import NDArray

from elman.errors import FolderError, UsageError
from elman.storage import folder as model_folder
from elman.storage.archive import arrays_digest
from elman.system.files import write_atomic

if TYPE_CHECKING:
    from concurrent.futures import Future

    Weights = Future[dict[str, NDArray[Any]]]
    """Weights that are being read."""


class FolderModel:
    """A model stored in a folder.

    Attributes:
        card: its model card; empty until its training has ended.
        folder: where it lies, or None.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._files: dict[str, bytes] = {}
        weights = None if folder is None else model_folder.weights_digest(folder)
        self.card: dict[str, Any] = {} if folder is None else model_folder.read_card(folder, model_hash=str(weights))

    kind: ClassVar[str]
    """Its kind in the registry."""
    article_and_kind: ClassVar[str]
    """Its kind in words, such as "a tagger"."""

    @classmethod
    @abstractmethod
    def _from_folder(cls, folder: Path, values: dict[str, Any], weights: "Weights") -> Self:
        """The model of a folder, from its configuration and its weights."""

    @classmethod
    def load(cls, folder: Path, *, finished: bool = True) -> Self:
        """Read a model folder.

        Args:
            finished: whether to refuse a folder whose training has ended but which has no model
                card yet.

        Raises:
            FolderError: missing, damaged, too new or hostile, or of another kind.
        """
        kind, values = model_folder.read_config(folder)
        if kind != cls.kind:
            raise FolderError(f"{folder} is not {cls.article_and_kind} but a {kind}")
        with model_folder.naming(folder), model_folder.reading_weights(folder) as weights:
            try:
                model = cls._from_folder(folder, values, weights)
            except UsageError as error:
                raise FolderError(f"{folder}: {error}") from error
        if finished and not model.card and (folder / model_folder.INFERENCE_FILE).exists():
            # Without what calibrates it, its answers would differ.
            raise FolderError(
                f"{model_folder.card_file(folder)} is missing, and with it the calibration of the answers; copy the "
                f"folder again, or finish its training: elman train --out {folder} --resume"
            )
        model.calibrate(model.card.get("calibration") or {})
        return model

    def calibrate(self, found: Mapping[str, Any]) -> None:
        """Take over what was fitted on the validation part, from the model card."""

    def hash_of(self, network: Any, facts: Iterable[str], more: Iterable[str] = ()) -> str:
        """Hex digest of a network's configuration and weights as they are used, and of what else
        decides answers."""
        parts = [repr(network.config.to_json()), *facts, arrays_digest(network.to_arrays()), *more]
        return hashlib.sha256("|".join(parts).encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """For tables and model cards."""
        return {}

    def info(self) -> dict[str, Any]:
        """The model card, and facts that need none."""
        size = model_folder.folder_bytes(self.folder) if self.folder else None
        about = {**self.card.get("model", {}), **self.describe()}
        return {**self.card, "model": about, "folder": str(self.folder) if self.folder else None, "bytes": size}

    def save(self, folder: str | Path) -> None:
        """Write the model into a new folder.

        Raises:
            FolderError: the folder exists and is not empty.
            UsageError: it is in no folder and was not kept in memory.
        """
        if self.folder is not None:
            self._files = model_folder.used_files(self.folder)
        if not self._files:
            raise UsageError("this model has no folder to copy; train it with out=FOLDER")
        path = Path(folder)
        model_folder.create(path)
        for name, data in self._files.items():
            write_atomic(path / name, data)
        self.folder, self._files = path, {}

    def keep_in_memory(self) -> None:
        """Read all files, so that the folder may be removed; ``save`` writes them again."""
        if self.folder is not None:
            self.folder, self._files = None, model_folder.used_files(self.folder)
