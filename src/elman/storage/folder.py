"""The model folder: what a trained model is on disk, and the suspicion with which it is read.

    config.json             schema version, kind of model, its configuration (strict)
    tokenizer.json          in the Hugging Face format, with tokenizer_config.json
    speller.safetensors     how unknown words are spelled
    model.safetensors       the weights; its metadata holds a digest of them and of the files above
    inference.safetensors   of networks: weights in 8 bits and the parity that was measured; seals the same files
    model_card.json         what data, what recipe, what figures, which versions; with its own digest
    training/               all that resuming needs

Nothing is pickled. The weights file is the root of trust: a changed bit in it, or in any file it seals,
is an error. Every write is atomic, so a kill at any moment leaves a model that loads.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError, UsageError
from elman.inference.model import InferenceConfig, InferenceModel, inference_model
from elman.inference.weights import groups_of
from elman.models.network_config import NeuralConfig
from elman.models.network_facts import describe_network, weights_hash
from elman.models.protocol import LanguageModel
from elman.models.registry import entry, is_known, is_network, kind_of, list_kinds, resolve
from elman.progress import Progress
from elman.storage import archive
from elman.storage.archive import Arrays, file_digest, json_bytes, json_digest, read_bytes, read_json
from elman.system.files import storage_errors, write_atomic
from elman.system.machine import importable
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer

SCHEMA_VERSION = 1
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
_SEALED = ("config.json", *_TOKENIZER_FILES, "speller.safetensors")
WEIGHTS_FILE = "model.safetensors"
INFERENCE_FILE = "inference.safetensors"
CARD_FILE = "model_card.json"
_OLD_CARD = "passport.json"
"""What elman 0.1 called it."""
_OLD_PROGRAM = "model.onnx"
"""What elman 0.1 used a network by; it is not read any more."""


def create(path: Path) -> None:
    """Make a new model folder.

    Raises:
        FolderError: the folder exists and is not empty.
        StorageError: it cannot be made.
    """
    if _exists(path) and not path.is_dir():
        raise FolderError(f"{path} is a file; give --out the name of a new folder")
    if _exists(path) and _is_incomplete(path):
        for inner in path.iterdir():  # a kill struck before there was anything to use or to resume
            shutil.rmtree(inner) if inner.is_dir() else inner.unlink()  # the folder itself may be locked
    if _exists(path) and any(path.iterdir()):
        resumable = (path / "training" / "checkpoint.safetensors").exists()
        more = ", or add --resume to go on with its training" if resumable else ""
        raise FolderError(f"{path} exists and is not empty; choose another --out{more}")
    with storage_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def write_static_files(
    path: Path, *, kind: str, config: Mapping[str, Any], tokenizer: Tokenizer, speller: Speller
) -> None:
    """Write everything that stays the same while the weights change."""
    for name, data in tokenizer.to_files().items():
        write_atomic(path / name, data)
    write_atomic(path / "speller.safetensors", speller.to_bytes())
    head = {"schema_version": SCHEMA_VERSION, "model": kind, "config": dict(config)}
    write_atomic(path / "config.json", json_bytes(head))


def write_weights(path: Path, arrays: Arrays) -> None:
    """Write the weights, sealing the frame that ``write_frame`` has written; 8-bit ones of other weights go."""
    with storage_errors(path):
        for name in (INFERENCE_FILE, _OLD_PROGRAM):
            (path / name).unlink(missing_ok=True)
    archive.write_arrays(path / WEIGHTS_FILE, arrays, {"format": 1, "seal": _static_digests(path)})


def write_inference(path: Path, model: InferenceModel, parity: Mapping[str, Any]) -> int:
    """Write what a network is used by beside its weights, bound to these and to the frame that lie there.

    Args:
        parity: what was measured of it.

    Returns:
        The file's bytes.
    """
    stated = archive.read_facts(path / WEIGHTS_FILE).get("digest")
    facts = {"format": 1, "config": model.config.to_json(), "parity": dict(parity), "weights": stated}
    arrays = model.to_arrays()
    # What stays float32 lies beside it already.
    facts["outside"] = sorted(name for name, array in arrays.items() if array.dtype == np.float32 and array.ndim == 2)
    inside = {name: array for name, array in arrays.items() if name not in facts["outside"]}
    archive.write_arrays(path / INFERENCE_FILE, inside, {**facts, "seal": _static_digests(path)})
    return (path / INFERENCE_FILE).stat().st_size


def write_card(path: Path, card: Mapping[str, Any]) -> None:
    """Write what the model was made of, with a digest over it."""
    body = {key: value for key, value in card.items() if key != "digest"}
    write_atomic(path / CARD_FILE, json_bytes({**body, "digest": json_digest(body)}))


def card_file(path: Path) -> Path:
    """Where the model card of a folder lies, or would."""
    old = path / _OLD_CARD
    return old if old.exists() and not (path / CARD_FILE).exists() else path / CARD_FILE


def save(path: Path, model: LanguageModel, speller: Speller) -> None:
    """Write a whole model into a folder that ``create`` has made."""
    config = model.config.to_json()  # type: ignore[attr-defined]
    write_static_files(path, kind=kind_of(model), config=config, tokenizer=model.tokenizer, speller=speller)
    write_weights(path, model.to_arrays())  # type: ignore[attr-defined]


def copy(source: Path, path: Path) -> None:
    """Copy a network, all but its model card and its training, into a folder that ``create`` has made."""
    for name in (*_SEALED, WEIGHTS_FILE, INFERENCE_FILE):
        if name != INFERENCE_FILE or (source / name).exists():
            with storage_errors(path):
                shutil.copyfile(source / name, path / name)


def read_card(path: Path, *, model_hash: str) -> dict[str, Any]:
    """Read ``model_card.json``; empty when training has not ended yet.

    Raises:
        FolderError: damaged, or not this model's.
    """
    file = card_file(path)
    if not file.exists():
        return {}
    body = read_json(file)
    digest = body.pop("digest", None)
    if digest != json_digest(body):
        raise FolderError(f"{path / 'card.json'} was changed after it was written; its figures cannot be trusted")
    about = body.get("model")
    if not isinstance(about, dict) or about.get("hash") != model_hash:
        # The weights go on changing while a finished training is resumed; the next model card will fit.
        if (path / "training" / "checkpoint.safetensors").exists():
            return {}
        raise FolderError(f"{path / 'card.json'} belongs to another model; remove it, or copy the folder again")
    return body


def read_config(path: Path) -> tuple[str, dict[str, Any]]:
    """The kind of model in a folder, and its configuration.

    Raises:
        FolderError: no model folder, damaged, or written by a newer elman.
    """
    if not _exists(path):
        raise FolderError(f"{path} does not exist; give the folder that `elman train --out` wrote, or an ARPA file")
    if not (path / "config.json").is_file():
        raise FolderError(
            f"{path} is no model folder (it has no config.json); give the folder that `elman train --out` wrote"
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
        raise FolderError(f"{path / 'config.json'} has an unknown key {min(unknown)!r}; it is damaged or not elman's")
    kind, config = head.get("model"), head.get("config")
    if not isinstance(kind, str) or not is_known(kind) or not isinstance(config, dict):
        raise FolderError(f"{path / 'config.json'} names no known model ({kind!r}); known: {list_kinds()}")
    return kind, config


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a model folder.

    Raises:
        FolderError: missing or damaged.
    """
    return Tokenizer.from_files({name: read_bytes(path / name) for name in _TOKENIZER_FILES})


def read_speller(path: Path) -> Speller:
    """The speller of a model folder.

    Raises:
        FolderError: missing or damaged.
    """
    return Speller.from_bytes(read_bytes(path / "speller.safetensors"))


def read_arrays(file: Path, *, sealed: bool = True, mapped: bool = False) -> dict[str, NDArray[Any]]:
    """The arrays of a file; where it is ``sealed``, the files beside it must be as they were when it was written.

    Raises:
        FolderError: missing, damaged, changed, or holding something else.
    """
    arrays, facts = archive.read_arrays(file, mapped=mapped)
    if sealed:
        _check_seal(file, facts.get("seal"))
    return arrays


def load_with_card(
    path: Path, *, progress: Progress | None = None, torch: bool = False
) -> tuple[LanguageModel, Speller, dict[str, Any]]:
    """Read a model folder or an ARPA file, and what the model was made of.

    Args:
        torch: whether a network is computed by torch, where that is installed, rather than by elman's engine.

    Raises:
        FolderError: as for ``load``.
    """
    if not (_exists(path) and path.is_file()):
        model, speller = load(path, torch=torch)
        # What the engine computes has a hash of its own beside that of its weights.
        return model, speller, read_card(path, model_hash=getattr(model, "weights_hash", model.model_hash))
    found = resolve("elman.models.ngram.arpa:load_arpa")(path, progress=progress)
    card = {"model": {"hash": found.model.model_hash}, "imported": found.facts}
    return found.model, found.speller, card


def load(path: Path, *, torch: bool = False) -> tuple[LanguageModel, Speller]:
    """Read a model folder or an ARPA file; ``torch`` as for ``load_with_card``.

    Raises:
        FolderError: anything in it that is missing, damaged, too new or does not fit.
    """
    if _exists(path) and path.is_file():
        return load_with_card(path)[:2]
    kind, values = read_config(path)
    found = entry(kind)
    try:
        config = resolve(found.config).from_json(values)
        if is_network(kind) and not ((torch or _is_refused(path)) and importable("torch")):
            model: LanguageModel = _load_inference(path, config)
        else:
            arrays = read_arrays(path / WEIGHTS_FILE, mapped=found.mapped)
            model = resolve(found.model).from_arrays(arrays, read_tokenizer(path), config)
    except UsageError as error:
        raise FolderError(f"{path}: {error}") from error
    return model, read_speller(path)


def _is_refused(path: Path) -> bool:
    """Whether the engine was found to say something else than the network when its training ended."""
    file = card_file(path)
    return not (path / INFERENCE_FILE).exists() and file.is_file() and read_json(file).get("inference", 0) is None


def _measured(path: Path) -> dict[str, Any]:
    """What was measured of 8 bits when the model was trained; empty where nothing was."""
    file = card_file(path)
    card = read_json(file) if file.is_file() else {}
    found = card.get("inference") or card.get("runtime")
    int8 = found.get("int8") if isinstance(found, dict) else None
    return int8 if isinstance(int8, dict) else {}


def _load_inference(path: Path, config: NeuralConfig) -> InferenceModel:
    file, weights = path / INFERENCE_FILE, path / WEIGHTS_FILE
    if not file.exists():
        return _from_weights(path, config)
    arrays, facts = archive.read_arrays(file, mapped=True)
    _check_seal(file, facts.get("seal"))
    settings = InferenceConfig.from_json(facts.get("config") or {})
    if settings.network != config.to_json():
        raise FolderError(f"{file} is of another network; remove it, or copy the folder again")
    if weights.exists() and facts.get("weights") != archive.read_facts(weights).get("digest"):
        raise FolderError(f"{file} was made of other weights than those beside it; remove it, or copy the folder again")
    if facts.get("outside"):
        arrays = {**read_arrays(weights, mapped=True), **arrays}
    return InferenceModel(arrays, read_tokenizer(path), settings)


def _from_weights(path: Path, config: NeuralConfig) -> InferenceModel:
    """Of a folder that elman 0.1 wrote, or whose training has not ended: 8 bits where they were measured to do."""
    arrays = read_arrays(path / WEIGHTS_FILE, mapped=True)
    tokenizer = read_tokenizer(path)
    kept = _measured(path).get("kept_in_fp32")
    if kept is not None and not (isinstance(kept, list) and all(isinstance(each, str) for each in kept)):
        raise FolderError(f"{path / 'card.json'} is damaged: it does not say which weights stay in fp32")
    groups = () if kept is None else set(groups_of(arrays)) - set(kept)
    return inference_model(
        arrays, config, tokenizer, model_hash=weights_hash(config, tokenizer, arrays),
        about=describe_network(config, arrays), int8=groups,
    )  # fmt: skip


def folder_bytes(path: Path) -> int:
    """Bytes of what a model needs to be used: all files but those for training; or of an ARPA file."""
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _check_seal(file: Path, seal: Any) -> None:
    if not isinstance(seal, dict) or set(seal) != set(_SEALED):
        raise FolderError(f"{file} does not seal the files beside it; it is damaged or not elman's")
    for name, digest in seal.items():
        if file_digest(file.parent / name) != digest:
            raise FolderError(
                f"{file.parent / name} was changed or damaged since training, or {file.name} is another model's; "
                "copy or train the model again"
            )


def _static_digests(path: Path) -> dict[str, str]:
    return {name: file_digest(path / name) for name in _SEALED}


def _is_incomplete(path: Path) -> bool:
    names = {file.name for file in path.iterdir()}
    frame = names >= {"tokenizer.json", "speller.safetensors"} and names <= {*_SEALED, "training"}
    return frame and not (path / "training" / "checkpoint.safetensors").exists()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name too long (a prompt in the wrong place), or a folder closed to us
        raise FolderError(f"{str(path)[:60]!r} cannot be looked at: {error.strerror}; give a model folder") from error
