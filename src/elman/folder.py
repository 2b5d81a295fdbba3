"""The model folder: what a trained model is on disk, and the suspicion with which it is read.

    config.json             schema version, kind of model, its configuration (strict)
    tokenizer.json          in the Hugging Face format, with tokenizer_config.json
    speller.safetensors     how unknown words are spelled
    model.safetensors       the weights; its metadata holds a digest of them and of the files above
    model.onnx              of networks: what runs without torch; seals the same files, and ends with its own digest
    passport.json           what data, what recipe, what figures, which versions; with its own digest
    training/               all that resuming needs

Nothing is pickled. The weights file is the root of trust: a changed bit in it, or in any file it seals,
is an error. Every write is atomic, so a kill at any moment leaves a model that loads.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError, UsageError
from elman.files import storage_errors, write_atomic
from elman.machine import importable
from elman.models.protocol import LanguageModel
from elman.models.registry import entry, is_known, is_network, kind_of, list_kinds, resolve
from elman.models.runtime_file import WEIGHTS_FILE, seal, stated_digest, unseal
from elman.progress import Progress
from elman.text.speller import Speller
from elman.text.tokenizer import Tokenizer

SCHEMA_VERSION = 1
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
_SEALED = ("config.json", *_TOKENIZER_FILES, "speller.safetensors")
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")

PROGRAM_FILE = "model.onnx"
_LARGEST = 1 << 30
_DTYPES = {
    "U64": "<u8", "I64": "<i8", "F64": "<f8", "F32": "<f4", "U32": "<u4", "I32": "<i4",
    "F16": "<f2", "U16": "<u2", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?",
}  # fmt: skip
"""NumPy's names of the types of arrays, in the order in which the library writes them."""
_NAMES = {np.dtype(dtype).str: name for name, dtype in _DTYPES.items()}

Arrays = Mapping[str, NDArray[Any]]


def create(path: Path) -> None:
    """Make a new model folder.

    Raises:
        FolderError: the folder exists and is not empty.
        StorageError: it cannot be made.
    """
    if _exists(path) and not path.is_dir():
        raise FolderError(f"{path} is a file; give --out the name of a new folder")
    if _exists(path) and _is_stillborn(path):
        for inner in path.iterdir():  # a kill struck before there was anything to use or to resume
            shutil.rmtree(inner) if inner.is_dir() else inner.unlink()  # the folder itself may be locked
    if _exists(path) and any(path.iterdir()):
        resumable = (path / "training" / "checkpoint.safetensors").exists()
        more = ", or add --resume to go on with its training" if resumable else ""
        raise FolderError(f"{path} exists and is not empty; choose another --out{more}")
    with storage_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def write_frame(path: Path, *, kind: str, config: Mapping[str, Any], tokenizer: Tokenizer, speller: Speller) -> None:
    """Write everything that stays the same while the weights change."""
    for name, data in tokenizer.to_files().items():
        write_atomic(path / name, data)
    write_atomic(path / "speller.safetensors", speller.to_bytes())
    head = {"schema_version": SCHEMA_VERSION, "model": kind, "config": dict(config)}
    write_atomic(path / "config.json", _json_bytes(head))


def write_weights(path: Path, arrays: Arrays) -> None:
    """Write the weights, sealing the frame that ``write_frame`` has written; a program of other ones goes."""
    with storage_errors(path):
        (path / PROGRAM_FILE).unlink(missing_ok=True)
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    facts = {"format": 1, "digest": arrays_digest(plain), "seal": _frame_digests(path)}
    # One key only: safetensors writes several in random order, and the same model should be the same bytes.
    metadata = {"elman": json.dumps(facts, sort_keys=True)}
    write_atomic(path / WEIGHTS_FILE, safetensors_parts(plain, metadata))


def safetensors_parts(arrays: Arrays, metadata: Mapping[str, str]) -> Iterator[Any]:
    """The bytes that ``safetensors.numpy.save`` gives, array by array: not all of them may fit into memory twice."""
    ranks = list(_NAMES)
    in_order = sorted(arrays.items(), key=lambda item: (ranks.index(item[1].dtype.str), item[0]))
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, array in in_order:
        start, end = end, end + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype.str], "shape": list(array.shape), "data_offsets": [start, end]
        }  # fmt: skip
    head = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)
    yield len(head).to_bytes(8, "little") + head
    for _, array in in_order:
        yield array.reshape(-1).view(np.uint8).data


def write_program(path: Path, program: bytes) -> None:
    """Write what runs without torch (``elman.export``), bound to the weights and the frame that lie there.

    Raises:
        FolderError: it is larger than a file of a model folder may be.
    """
    if len(program) > _LARGEST - (1 << 16):
        raise FolderError(f"the program for onnxruntime has {len(program)} bytes, more than a model folder takes")
    graph, note = unseal(program)
    note |= {"seal": _frame_digests(path), "weights": stated_digest(path / WEIGHTS_FILE)}
    write_atomic(path / PROGRAM_FILE, seal(bytes(graph), note))


def write_passport(path: Path, passport: Mapping[str, Any]) -> None:
    """Write what the model was made of, with a digest over it."""
    body = {key: value for key, value in passport.items() if key != "digest"}
    write_atomic(path / "passport.json", _json_bytes({**body, "digest": _json_digest(body)}))


def save(path: Path, model: LanguageModel, speller: Speller) -> None:
    """Write a whole model into a folder that ``create`` has made."""
    config = model.config.to_json()  # type: ignore[attr-defined]
    write_frame(path, kind=kind_of(model), config=config, tokenizer=model.tokenizer, speller=speller)
    write_weights(path, model.to_arrays())  # type: ignore[attr-defined]


def copy(source: Path, path: Path) -> None:
    """Copy a network that has a program, all but its passport, into a folder that ``create`` has made."""
    for name in (*_SEALED, WEIGHTS_FILE, PROGRAM_FILE):
        if name != WEIGHTS_FILE or (source / name).exists():
            with storage_errors(path):
                shutil.copyfile(source / name, path / name)


def read_passport(path: Path, *, model_hash: str) -> dict[str, Any]:
    """Read ``passport.json``; empty when training has not ended yet.

    Raises:
        FolderError: damaged, or not this model's.
    """
    if not (path / "passport.json").exists():
        return {}
    body = read_json(path / "passport.json")
    digest = body.pop("digest", None)
    if digest != _json_digest(body):
        raise FolderError(f"{path / 'passport.json'} was changed after it was written; its figures cannot be trusted")
    about = body.get("model")
    if not isinstance(about, dict) or about.get("hash") != model_hash:
        # The weights go on changing while a finished training is resumed; the next passport will fit.
        if (path / "training" / "checkpoint.safetensors").exists():
            return {}
        raise FolderError(f"{path / 'passport.json'} belongs to another model; remove it, or copy the folder again")
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
    return Tokenizer.from_files({name: _read(path / name) for name in _TOKENIZER_FILES})


def read_speller(path: Path) -> Speller:
    """The speller of a model folder.

    Raises:
        FolderError: missing or damaged.
    """
    return Speller.from_bytes(_read(path / "speller.safetensors"))


def read_arrays(file: Path, *, sealed: bool = True, mapped: bool = False) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, checked against the digests in its metadata.

    Args:
        sealed: whether the files beside it must be as they were when it was written.
        mapped: leave the arrays in the file, where the system shares them between processes; read-only.

    Raises:
        FolderError: missing, truncated, changed, or holding something else (a pickle).
    """
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        raise FolderError(f"{file} is missing; the model folder is incomplete, copy or train it again")
    with open(file, "rb") as opened:
        start = opened.read(9)
    # A safetensors file begins with a length, which can look like anything, and then an opening brace.
    if start.startswith(_PICKLES) and start[8:] != b"{":
        raise FolderError(
            f"{file} holds a pickle or an archive, which elman never opens: it could run code; use safetensors"
        )
    try:
        with safe_open(file, framework="numpy") as opened:
            facts = json.loads((opened.metadata() or {}).get("elman", "{}"))
            if mapped:
                arrays = _map_arrays(file)
            else:
                arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, ValueError, TypeError, KeyError, OSError, AttributeError, RecursionError) as error:
        raise FolderError(
            f"{file} is damaged or no safetensors file ({_short(error)}); copy or train it again"
        ) from error
    if not isinstance(facts, dict) or facts.get("digest") != arrays_digest(arrays):
        raise FolderError(f"{file} is damaged: its digest does not fit its contents; copy or train it again")
    if sealed:
        _check_seal(file, facts.get("seal"))
    return arrays


def _map_arrays(file: Path) -> dict[str, NDArray[Any]]:
    """What safetensors has just found well-formed, without a copy."""
    from safetensors import safe_open

    whole = np.memmap(file, dtype=np.uint8, mode="r").view(np.ndarray)
    begin = 8 + int(whole[:8].view("<u8")[0])
    header = json.loads(whole[8:begin].tobytes())
    arrays = {}
    with safe_open(file, framework="numpy") as opened:
        for name, about in header.items():
            if name == "__metadata__":
                continue
            start, end = about["data_offsets"]
            part = opened.get_slice(name)
            dtype = np.dtype(_DTYPES[part.get_dtype()])
            # An array that does not lie on a multiple of its numbers' size is copied: compiled code expects it to.
            data = whole[begin + start : begin + end]
            aligned = data if (begin + start) % dtype.itemsize == 0 else data.copy()
            arrays[name] = aligned.view(dtype).reshape(part.get_shape())
    return arrays


def load_with_passport(
    path: Path, *, progress: Progress | None = None, runtime: bool = True, brief: bool = False
) -> tuple[LanguageModel, Speller, dict[str, Any]]:
    """Read a model folder or an ARPA file, and what the model was made of.

    Args:
        runtime: whether a network runs without torch, by its program, where both can do it.
        brief: whether only a few steps are coming, so that the program should start soon rather than run fast.

    Raises:
        FolderError: as for ``load``.
    """
    if not (_exists(path) and path.is_file()):
        model, speller = load(path, runtime=runtime, brief=brief)
        # What runs by a program has a hash of its own beside that of its weights.
        return model, speller, read_passport(path, model_hash=getattr(model, "weights_hash", model.model_hash))
    found = resolve("elman.models.ngram.arpa:load_arpa")(path, progress=progress)
    passport = {"model": {"hash": found.model.model_hash}, "imported": found.facts}
    return found.model, found.speller, passport


def load(path: Path, *, runtime: bool = True, brief: bool = False) -> tuple[LanguageModel, Speller]:
    """Read a model folder or an ARPA file; ``runtime`` and ``brief`` as for ``load_with_passport``.

    Raises:
        FolderError: anything in it that is missing, damaged, too new or does not fit.
    """
    if _exists(path) and path.is_file():
        return load_with_passport(path)[:2]
    kind, values = read_config(path)
    found = entry(kind)
    if is_network(kind) and _runs(path, runtime):
        return _load_program(path, brief=brief), read_speller(path)
    arrays = read_arrays(path / WEIGHTS_FILE, mapped=found.mapped)
    tokenizer = read_tokenizer(path)
    try:
        config = resolve(found.config).from_json(values)
        model = resolve(found.model).from_arrays(arrays, tokenizer, config)
    except UsageError as error:
        raise FolderError(f"{path}: {error}") from error
    return model, read_speller(path)


def _runs(path: Path, wanted: bool) -> bool:
    return (path / PROGRAM_FILE).exists() and importable("onnxruntime") and (wanted or not importable("torch"))


def _load_program(path: Path, *, brief: bool) -> LanguageModel:
    file, weights = path / PROGRAM_FILE, path / WEIGHTS_FILE
    try:
        model = resolve("elman.models.runtime:RuntimeModel")(
            _read(file), lambda: read_arrays(weights), read_tokenizer(path), tape=not brief
        )
        _check_seal(file, model.facts.get("seal"))
        if weights.exists() and model.facts.get("weights") != stated_digest(weights):
            raise FolderError("made for other weights than those beside it; remove it, or copy the folder again")
    except FolderError as error:
        raise FolderError(f"{file}: {error}") from error
    return model


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object from a file of a model folder.

    Raises:
        FolderError: missing, cut off, or not an object.
    """
    try:
        value = json.loads(_read(file))
    except (ValueError, RecursionError) as error:
        raise FolderError(f"{file} is damaged: not valid JSON ({_short(error)}); copy or train it again") from error
    if not isinstance(value, dict):
        raise FolderError(f"{file} is damaged: expected a JSON object; copy or train it again")
    return value


def arrays_digest(arrays: Arrays) -> str:
    """sha256 over names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def folder_bytes(path: Path) -> int:
    """Bytes of what a model needs to be used: all files but those for training; or of an ARPA file."""
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _check_seal(file: Path, seal: Any) -> None:
    if not isinstance(seal, dict) or set(seal) != set(_SEALED):
        raise FolderError(f"{file} does not seal the files beside it; it is damaged or not elman's")
    for name, digest in seal.items():
        if _file_digest(file.parent / name) != digest:
            raise FolderError(
                f"{file.parent / name} was changed or damaged since training, or {file.name} is another model's; "
                "copy or train the model again"
            )


def _frame_digests(path: Path) -> dict[str, str]:
    return {name: _file_digest(path / name) for name in _SEALED}


def _is_stillborn(path: Path) -> bool:
    names = {file.name for file in path.iterdir()}
    frame = names >= {"tokenizer.json", "speller.safetensors"} and names <= {*_SEALED, "training"}
    return frame and not (path / "training" / "checkpoint.safetensors").exists()


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:  # a name too long (a prompt in the wrong place), or a folder closed to us
        raise FolderError(f"{str(path)[:60]!r} cannot be looked at: {error.strerror}; give a model folder") from error


def _file_digest(file: Path) -> str:
    return hashlib.sha256(_read(file)).hexdigest()


def _read(file: Path) -> bytes:
    try:
        # Not a device or a pipe, which may never end; and no honest file here is larger.
        if not file.is_file() or file.stat().st_size > _LARGEST:
            raise FolderError(f"{file} is missing, no plain file, or too large; copy or train the model again")
        return file.read_bytes()
    except OSError as error:
        raise FolderError(
            f"cannot read {file}: {error.strerror}; the model folder is incomplete, copy or train it again"
        ) from error


def _json_bytes(value: Any) -> bytes:
    # ASCII: a file name that is no UTF-8 has no other way into JSON.
    return (json.dumps(value, indent=2) + "\n").encode()


def _json_digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:80] or type(error).__name__
