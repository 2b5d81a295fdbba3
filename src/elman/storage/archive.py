"""Write, read and verify safetensors files.

Nothing is pickled. The file's metadata has ``elman``: JSON with a digest over all arrays and the
writer's other facts; and ``sha256``: the digest of that JSON, which files of elman 0.1 lack. So no
bit of a file can change unnoticed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import FolderError
from elman.system.files import write_atomic

Arrays = Mapping[str, NDArray[Any]]

_LARGEST = 1 << 30
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
_DTYPES = {
    "U64": "<u8", "I64": "<i8", "F64": "<f8", "F32": "<f4", "U32": "<u4", "I32": "<i4",
    "F16": "<f2", "U16": "<u2", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?",
}  # fmt: skip
"""NumPy's names of the types of arrays, in the order in which the library writes them."""
_NAMES = {np.dtype(dtype).str: name for name, dtype in _DTYPES.items()}


def write_arrays(file: Path, arrays: Arrays, facts: Mapping[str, Any]) -> None:
    """Write arrays and facts about them; ``digest`` is added.

    Raises:
        StorageError: the disk is full or the folder not writable.
    """
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    stated = {**facts, "digest": arrays_digest(plain)}
    text = json.dumps(stated, sort_keys=True)
    write_atomic(file, _parts(plain, {"elman": text, "sha256": _sha256(text)}))


def _parts(arrays: Arrays, metadata: Mapping[str, str]) -> Iterator[Any]:
    """The bytes of ``safetensors.numpy.save``, array by array: they may not fit into memory
    twice."""
    ranks = list(_NAMES)
    in_order = sorted(arrays.items(), key=lambda item: (ranks.index(item[1].dtype.str), item[0]))
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, array in in_order:
        start, end = end, end + array.nbytes
        kind = _NAMES[array.dtype.str]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [start, end]}
    head = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)
    yield len(head).to_bytes(8, "little") + head
    for _, array in in_order:
        yield array.reshape(-1).view(np.uint8).data


def read_arrays(file: Path, *, mapped: bool = False) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of a file, checked against their digest, and the facts about them.

    Args:
        mapped: leave the arrays in the file, where the system shares them between processes;
            read-only.

    Raises:
        FolderError: missing, truncated, changed, or holding something else (a pickle).
    """
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        raise FolderError(f"{file} is missing; the model folder is incomplete, copy or train it again")
    with open(file, "rb") as opened:
        start = opened.read(9)
    # A safetensors file begins with a length, which can look like anything, and then an opening
    # brace.
    if start.startswith(_PICKLES) and start[8:] != b"{":
        raise FolderError(
            f"{file} holds a pickle or an archive, which elman never opens: it could run code; use safetensors"
        )
    try:
        with safe_open(file, framework="numpy") as opened:
            facts = _stated(opened.metadata() or {})
            if mapped:
                arrays = _map_arrays(file)
            else:
                arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, ValueError, TypeError, KeyError, OSError, AttributeError, RecursionError) as error:
        raise FolderError(
            f"{file} is damaged or not a safetensors file ({short(error)}); copy or train it again"
        ) from error
    if facts.get("digest") != arrays_digest(arrays):
        raise FolderError(f"{file} is damaged: its digest does not match its contents; copy or train it again")
    return arrays, facts


def read_facts(file: Path) -> dict[str, Any]:
    """A file's facts about its arrays, which are not read.

    Raises:
        FolderError: missing, damaged, or not written by elman.
    """
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        raise FolderError(f"{file} is missing or not a plain file; copy or train the model again")
    try:
        with safe_open(file, framework="numpy") as opened:
            return _stated(opened.metadata() or {})
    except (SafetensorError, ValueError, TypeError, KeyError, OSError, RecursionError) as error:
        raise FolderError(f"{file} is damaged or not a safetensors file; copy or train it again") from error


def _stated(metadata: Mapping[str, str]) -> dict[str, Any]:
    text = metadata.get("elman", "{}")
    if not {"elman"} <= set(metadata) <= {"elman", "sha256"} or metadata.get("sha256", _sha256(text)) != _sha256(text):
        raise ValueError("its header was changed")
    facts = json.loads(text)
    if not isinstance(facts, dict):
        raise ValueError("no object")
    return facts


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).hexdigest()


def _map_arrays(file: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file that safetensors has just validated, without a copy."""
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
            # An array that is not aligned to its numbers' size is copied: compiled code
            # expects it to.
            data = whole[begin + start : begin + end]
            aligned = data if (begin + start) % dtype.itemsize == 0 else data.copy()
            arrays[name] = aligned.view(dtype).reshape(part.get_shape())
    return arrays


def arrays_digest(arrays: Arrays) -> str:
    """sha256 over names, types, shapes and bytes, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def read_bytes(file: Path) -> bytes:
    """A whole file of a model folder.

    Raises:
        FolderError: missing, a device or a pipe, which may never end, or larger than any real one.
    """
    try:
        if not file.is_file() or file.stat().st_size > _LARGEST:
            raise FolderError(f"{file} is missing, not a plain file, or too large; copy or train the model again")
        return file.read_bytes()
    except OSError as error:
        raise FolderError(
            f"cannot read {file}: {error.strerror}; the model folder is incomplete, copy or train it again"
        ) from error


def file_digest(file: Path) -> str:
    """sha256 of a file of a model folder."""
    return hashlib.sha256(read_bytes(file)).hexdigest()


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object from a file of a model folder.

    Raises:
        FolderError: missing, cut off, or not an object.
    """
    try:
        value = json.loads(read_bytes(file))
    except (ValueError, RecursionError) as error:
        raise FolderError(f"{file} is damaged: not valid JSON ({short(error)}); copy or train it again") from error
    if not isinstance(value, dict):
        raise FolderError(f"{file} is damaged: expected a JSON object; copy or train it again")
    return value


def sealed_json(value: Mapping[str, Any]) -> bytes:
    """A JSON object for a file, with its own digest as the last key."""
    body = {name: each for name, each in value.items() if name != "digest"}
    return json_bytes({**body, "digest": json_digest(body)})


def read_sealed_json(file: Path) -> dict[str, Any]:
    """What ``sealed_json`` wrote, without the digest.

    Raises:
        FolderError: missing, or changed after it was written.
    """
    body = read_json(file)
    # Different bytes can have the same meaning: the last digits of a number, a letter's case in an
    # escape.
    if body.get("digest") is None or read_bytes(file) != sealed_json(body):
        raise FolderError(f"{file} was changed after it was written, or damaged; copy or train the model again")
    del body["digest"]
    return body


def json_bytes(value: Any) -> bytes:
    """JSON that people can read too. ASCII: the only way to put a file name that is not UTF-8 into
    JSON."""
    return (json.dumps(value, indent=2) + "\n").encode()


def json_digest(value: Any) -> str:
    """sha256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def short(error: BaseException) -> str:
    """The beginning of another library's message, on one line."""
    return " ".join(str(error).split())[:80] or type(error).__name__
