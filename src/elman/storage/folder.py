"""The model folder: a trained model of any kind on disk, and how it is validated when it is read.

    config.json             schema version, kind of model, its configuration (strict)
    ...                     the static files of its kind: vocabularies, labels (``registry.Entry.files``)
    model.safetensors       the weights; its metadata holds a digest of them and of the files above
    inference.safetensors   of networks: 8-bit weights and what was measured of them; seals the same files
    model_card.json         what data, what recipe, what figures, which versions; with its own digest
    training/               all that resuming needs

Nothing is pickled. The weights file is the root of trust: a changed bit in it, in any file it
seals, or in the model card is an error. All of its bytes are checked whenever a model is loaded;
where a network is used by ``inference.safetensors`` alone, a thread checks them meanwhile. Symbolic
links and special files inside a folder are refused. Every write is atomic, so that a kill at any
moment leaves a model that loads, or a folder that the next training replaces.
"""

import shutil
import stat
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError
from elman.models.registry import entry, is_known, known, list_kinds
from elman.storage import archive
from elman.storage.archive import Arrays, file_digest, json_bytes, read_bytes, read_json, read_sealed_json, sealed_json
from elman.system.files import is_temporary, storage_errors, write_atomic

SCHEMA_VERSION = 1
WEIGHTS_FILE = "model.safetensors"
INFERENCE_FILE = "inference.safetensors"
CARD_FILE = "model_card.json"
_OLD_CARD = "passport.json"
"""Its name in elman 0.1."""
_OLD_PROGRAM = "model.onnx"
"""The inference file of elman 0.1, which is no longer read."""
_WRITTEN = (
    "config.json",
    "training",
    WEIGHTS_FILE,
    INFERENCE_FILE,
    "ngrams.png",
    "learning-curve.png",
    "forecasts.png",
)
"""What trainings of all kinds write, besides the static files and the model card."""


def create(path: Path) -> None:
    """Make a new model folder.

    Raises:
        FolderError: the folder exists and is not empty.
        StorageError: it cannot be made.
    """
    if exists(path) and not path.is_dir():
        raise FolderError(f"{path} is a file; give the name of a new folder")
    if exists(path) and is_incomplete(path):
        for inner in path.iterdir():  # killed before there was anything to use or to resume
            shutil.rmtree(inner) if inner.is_dir() else inner.unlink()  # the folder itself may be locked
    if exists(path) and any(path.iterdir()):
        more = ", or add --resume to continue its training" if has_checkpoint(path) else ""
        raise FolderError(f"{path} exists and is not empty; choose another folder{more}")
    with storage_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def write_static_files(path: Path, *, kind: str, config: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Write everything that stays the same while the weights change: ``files`` are those that the
    kind declares."""
    known_files = entry(kind)
    assert set(files) - set(known_files.optional) == set(known_files.files), f"a {kind} does not keep {sorted(files)}"
    for name, data in files.items():
        write_atomic(path / name, data)
    head = {"schema_version": SCHEMA_VERSION, "model": kind, "config": dict(config)}
    write_atomic(path / "config.json", json_bytes(head))


def static_files(path: Path) -> dict[str, bytes]:
    """The files that ``write_static_files`` wrote next to ``config.json``.

    Raises:
        FolderError: one is missing or not a plain file.
    """
    return {name: read_bytes(path / name) for name in _sealed(path)[1:]}


def used_files(path: Path) -> dict[str, bytes]:
    """All files needed to use a model: everything except those for training.

    Raises:
        FolderError: one is missing or not a plain file.
    """
    optional = [name for name in (INFERENCE_FILE, CARD_FILE) if (path / name).exists()]
    return {name: read_bytes(path / name) for name in (*_sealed(path), WEIGHTS_FILE, *optional)}


def write_weights(path: Path, arrays: Arrays) -> None:
    """Write the weights, sealing the static files; 8-bit copies of other weights are removed."""
    with storage_errors(path):
        for name in (INFERENCE_FILE, _OLD_PROGRAM):
            (path / name).unlink(missing_ok=True)
    archive.write_arrays(path / WEIGHTS_FILE, arrays, {"format": 1, "seal": _digests(path)})


def weights_digest(path: Path) -> str:
    """The digest of the weights, as their file states it.

    Raises:
        FolderError: missing or damaged.
    """
    return str(archive.read_facts(path / WEIGHTS_FILE).get("digest"))


def write_inference(path: Path, arrays: Arrays, *, config: Mapping[str, Any], parity: Mapping[str, Any]) -> int:
    """Write the inference file of a network, bound to its weights and static files.

    Args:
        config: what the engine is built from, besides the weights.
        parity: what was measured of it.

    Returns:
        The file's bytes.
    """
    facts: dict[str, Any] = {
        "format": 1,
        "config": dict(config),
        "parity": dict(parity),
        "weights": weights_digest(path),
    }
    # What stays float32 is already in the weights file, unless it was computed from these.
    weights = read_arrays(path / WEIGHTS_FILE, mapped=True)
    kept = {name for name, array in arrays.items() if array.dtype == np.float32 and array.ndim == 2}
    facts["outside"] = sorted(name for name in kept & set(weights) if weights[name].shape == arrays[name].shape)
    inside = {name: array for name, array in arrays.items() if name not in facts["outside"]}
    archive.write_arrays(path / INFERENCE_FILE, inside, {**facts, "seal": _digests(path)})
    return (path / INFERENCE_FILE).stat().st_size


@contextmanager
def reading_weights(path: Path) -> Iterator["Future[dict[str, NDArray[Any]]]"]:
    """The weights of a network, mapped, while a thread checks all their bytes: a model that is used
    with ``inference.safetensors`` alone need not wait for them until the block ends.

    Raises:
        FolderError: the weights are damaged; at the latest when the block ends.
    """
    weights = path / WEIGHTS_FILE
    with ThreadPoolExecutor(1, thread_name_prefix="elman-check") as pool:
        future = pool.submit(lambda: read_arrays(weights, mapped=True) if weights.exists() else {})
        yield future
        future.result()


def read_inference(
    path: Path, weights: "Future[dict[str, NDArray[Any]]]"
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays that ``write_inference`` wrote, mapped, and its ``config``.

    Args:
        weights: of ``reading_weights``.

    Raises:
        FolderError: damaged, or made from other weights than those in the folder.
    """
    file = path / INFERENCE_FILE
    arrays, facts = archive.read_arrays(file, mapped=True)
    _check_seal(file, facts.get("seal"))
    if (path / WEIGHTS_FILE).exists() and facts.get("weights") != weights_digest(path):
        raise FolderError(
            f"{file} was made from other weights than those in the folder; remove it, or copy the folder again"
        )
    if facts.get("outside"):
        arrays = {**weights.result(), **arrays}
    config = facts.get("config")
    if not isinstance(config, dict):
        raise FolderError(f"{file} does not say what it is; it is damaged or not elman's")
    return arrays, config


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the folder before errors about contents, which do not know their path."""
    try:
        yield
    except FolderError as error:
        if str(path) in str(error):
            raise
        raise FolderError(f"{path}: {error}") from error


def write_card(path: Path, card: Mapping[str, Any]) -> None:
    """Write the model card, with a digest over it."""
    write_atomic(path / CARD_FILE, sealed_json(card))


def card_file(path: Path) -> Path:
    """The path of a folder's model card, which may not exist."""
    old = path / _OLD_CARD
    return old if old.exists() and not (path / CARD_FILE).exists() else path / CARD_FILE


def copy(source: Path, path: Path) -> None:
    """Copy a model, except its model card and its training, into a folder that ``create`` has
    made."""
    for name in (*_sealed(source), WEIGHTS_FILE, INFERENCE_FILE):
        if name != INFERENCE_FILE or (source / name).exists():
            with storage_errors(path):
                shutil.copyfile(source / name, path / name)


def read_card(path: Path, *, model_hash: str, or_hash: str | None = None) -> dict[str, Any]:
    """Read ``model_card.json``, which names the model by one of its hashes; empty if training has
    not ended yet.

    Raises:
        FolderError: damaged, or not this model's.
    """
    file = card_file(path)
    if not file.exists():
        return {}
    body = read_sealed_json(file)
    about = body.get("model")
    if not isinstance(about, dict) or about.get("hash") not in (model_hash, or_hash):
        # The weights keep changing while a finished training is resumed; the next model card will
        # fit.
        if has_checkpoint(path):
            return {}
        raise FolderError(f"{file} belongs to another model; remove it, or copy the folder again")
    return body


def read_config(path: Path) -> tuple[str, dict[str, Any]]:
    """The kind of model in a folder, and its configuration.

    Raises:
        FolderError: not a model folder, damaged, or written by a newer elman.
    """
    if not exists(path):
        raise FolderError(f"{path} does not exist; give the folder that `elman train --out` wrote, or an ARPA file")
    if path.is_dir():
        check_plain(path)
    elif not path.is_file():
        raise FolderError(f"{path} is a pipe, a socket or a device; give a model folder or an ARPA file")
    if path.is_dir() and not any(path.iterdir()):
        raise FolderError(f"{path} is empty, not a model folder; if a training was stopped there early, train it again")
    if not (path / WEIGHTS_FILE).exists() and is_incomplete(path):
        raise FolderError(f"the training of {path} ended before there was a model; {how_to_go_on(path)}")
    return _read_config(path)


def _read_config(path: Path) -> tuple[str, dict[str, Any]]:
    if not (path / "config.json").is_file():
        raise FolderError(
            f"{path} is not a model folder (it has no config.json); give the folder that `elman train --out` wrote"
        )
    head = read_json(path / "config.json")
    version = head.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise FolderError(f"{path / 'config.json'} has no schema_version; it is damaged or not elman's")
    if version > SCHEMA_VERSION:
        raise FolderError(
            f"{path} has schema {version}, written by a newer elman; this one reads up to {SCHEMA_VERSION}: "
            "upgrade elman"
        )
    unknown = set(head) - {"schema_version", "model", "config"}
    if unknown:
        raise FolderError(
            f"{path / 'config.json'} has an unknown key {min(unknown)[:60]!r}; it is damaged or not elman's"
        )
    kind, config = head.get("model"), head.get("config")
    if not isinstance(kind, str) or not is_known(kind) or not isinstance(config, dict):
        raise FolderError(f"{path / 'config.json'} names no known model ({str(kind)[:60]!r}); known: {list_kinds()}")
    return kind, config


def read_arrays(file: Path, *, sealed: bool = True, mapped: bool = False) -> dict[str, NDArray[Any]]:
    """The arrays of a file; if it is ``sealed``, the files next to it must be as they were when it
    was written.

    Raises:
        FolderError: missing, damaged, changed, or holding something else.
    """
    arrays, facts = archive.read_arrays(file, mapped=mapped)
    if sealed:
        _check_seal(file, facts.get("seal"))
    return arrays


def folder_bytes(path: Path) -> int:
    """Bytes of all files needed to use a model, or of an ARPA file."""
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _sealed(path: Path) -> tuple[str, ...]:
    kind = entry(_read_config(path)[0])
    return ("config.json", *kind.files, *(name for name in kind.optional if (path / name).exists()))


def _check_seal(file: Path, seal: Any) -> None:
    if not isinstance(seal, dict) or set(seal) != set(_sealed(file.parent)):
        raise FolderError(f"{file} does not seal the files next to it; it is damaged or not elman's")
    for name, digest in seal.items():
        if file_digest(file.parent / name) != digest:
            raise FolderError(
                f"{file.parent / name} was changed or damaged since training, or {file.name} is another model's; "
                "copy or train the model again"
            )


def _digests(path: Path) -> dict[str, str]:
    return {name: file_digest(path / name) for name in _sealed(path)}


def is_incomplete(path: Path) -> bool:
    """Whether a folder holds an unfinished training that cannot be resumed: it was killed before
    its first checkpoint or, for an n-gram, before its model card."""
    if not path.is_dir() or card_file(path).exists() or has_checkpoint(path):
        return False
    names = {file.name for file in path.iterdir() if not is_temporary(file)}
    inner = path / "training"
    kept = {file.name for file in inner.iterdir() if not is_temporary(file)} if inner.is_dir() else set[str]()
    working = ("plan.json", "*.jsonl", *(pattern for kind in known() for pattern in entry(kind).working))
    # Only files of a training, so that nobody's own files are mistaken for one.
    return (
        inner.is_dir()
        and all(any(fnmatchcase(name, pattern) for pattern in working) for name in kept)
        and any(names <= {*entry(kind).files, *entry(kind).optional, *_WRITTEN} for kind in known())
    )


def how_to_go_on(path: Path) -> str | None:
    """What to do with a folder whose training has not ended; None if there is no sign of one."""
    if has_checkpoint(path):
        return f"resume with: elman train --out {path} --resume"
    return f"train it again with --out {path}, which replaces it" if is_incomplete(path) else None


def remove_temporary(path: Path) -> None:
    """Remove half-written files of a killed process; only while nobody else writes there."""
    for folder in (path, path / "training"):
        for file in folder.iterdir() if folder.is_dir() else ():
            if is_temporary(file):
                file.unlink(missing_ok=True)


def has_checkpoint(path: Path) -> bool:
    """Whether a training can be resumed there."""
    return (path / "training" / "checkpoint.safetensors").exists()


def check_plain(path: Path) -> None:
    """Refuse a folder that holds symbolic links, pipes, devices or sockets, at any depth.

    Raises:
        FolderError: it does; names the first.
    """
    for file in sorted(path.iterdir()):
        mode = file.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            what = "a symbolic link" if stat.S_ISLNK(mode) else "a pipe, a socket or a device"
            raise FolderError(f"{file} is {what}; a model folder holds plain files only: copy the real file")
        if stat.S_ISDIR(mode):
            check_plain(file)


def exists(path: Path) -> bool:
    """Whether there is something of that name.

    Raises:
        FolderError: it cannot be determined.
    """
    try:
        return path.exists()
    except OSError as error:  # a name too long (a prompt in the wrong place), or a folder closed to us
        raise FolderError(f"{str(path)[:60]!r} cannot be read: {error.strerror}; give a model folder") from error
