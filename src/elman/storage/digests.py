"""The digest of every file of a model folder, and whether it is the recorded one."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from elman.errors import FolderError
from elman.storage import archive
from elman.storage import folder as model_folder

_PLAN = "training/plan.json"
_SEALED_JSON = (model_folder.CARD_FILE, "passport.json")


class FileDigest(NamedTuple):
    """One file of a model folder."""

    name: str
    """Its path in the folder."""
    sha256: str
    """Empty if the file is missing."""
    bytes: int
    holds: bool | None
    """Whether it is as it was written; None if nothing recorded what it was."""
    why: str
    """What recorded its digest, or what is wrong."""


def file_digests(path: Path) -> list[FileDigest]:
    """The digest of every file of a model folder, by name; or of one file of another tool.

    Raises:
        FolderError: not a model folder, or one with links or special files.
    """
    if path.is_file():
        return [FileDigest(path.name, sha256_of(path), path.stat().st_size, None, "no record")]
    model_folder.read_config(path)
    digests = {file.relative_to(path).as_posix(): sha256_of(file) for file in sorted(path.rglob("*")) if file.is_file()}
    try:
        facts = archive.read_facts(path / model_folder.WEIGHTS_FILE)
    except FolderError:
        facts = {}  # said of that file itself
    sealed = facts.get("seal")
    sealed = sealed if isinstance(sealed, dict) else {}
    found = []
    for name in sorted({*digests, *sealed, model_folder.WEIGHTS_FILE}):
        if name not in digests:
            found.append(FileDigest(name, "", 0, False, "missing"))
            continue
        holds, why = _judged(path, name, digests, sealed, facts)
        found.append(FileDigest(name, digests[name], (path / name).stat().st_size, holds, why))
    return found


def sha256_of(file: Path) -> str:
    """sha256 of a file of any size."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _judged(
    path: Path, name: str, digests: Mapping[str, str], sealed: Mapping[str, Any], facts: Mapping[str, Any]
) -> tuple[bool | None, str]:
    """Whether a file holds, and why."""
    if name in sealed:
        same = sealed[name] == digests[name]
        return same, f"sealed by {model_folder.WEIGHTS_FILE}" if same else "changed since training"
    try:
        if name == model_folder.WEIGHTS_FILE:
            archive.read_arrays(path / name, mapped=True)
            return True, "own digest"
        if name == model_folder.INFERENCE_FILE:
            _, own = archive.read_arrays(path / name, mapped=True)
            if own.get("weights") != facts.get("digest") or own.get("seal") != sealed:
                return False, f"made from another {model_folder.WEIGHTS_FILE}"
            return True, "own digest, and that of the weights"
        if name in (*_SEALED_JSON, _PLAN):
            body = archive.read_json(path / name)
            if name == _PLAN and "digest" not in body:
                return None, "no record"  # elman 0.1
            archive.read_sealed_json(path / name)
            return True, "own digest"
    except FolderError as error:
        return False, str(error).replace(f"{path}/", "")
    return None, "no record"
