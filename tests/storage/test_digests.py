"""Digests of a model folder's files."""

import hashlib
import shutil
from pathlib import Path

import pytest

from elman.storage.digests import file_digests


def test_every_file_has_its_sha256(lstm_folder: Path) -> None:
    found = {each.name: each for each in file_digests(lstm_folder)}
    assert set(found) == {path.relative_to(lstm_folder).as_posix() for path in lstm_folder.rglob("*") if path.is_file()}
    for name, each in found.items():
        data = (lstm_folder / name).read_bytes()
        assert (each.sha256, each.bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    unknown = {name for name, each in found.items() if each.holds is None}
    assert not any(each.holds is False for each in found.values())
    assert unknown == {"learning-curve.png", "training/checkpoint.safetensors", "training/log.jsonl"} & set(found)


@pytest.mark.parametrize("kind", ["lstm", "ngram"])
def test_a_changed_file_is_named_alone(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder: Path = request.getfixturevalue(f"{kind}_folder")
    recorded = [each.name for each in file_digests(folder) if each.holds]
    assert len(recorded) >= 6
    for number, name in enumerate(recorded):
        copy = tmp_path / str(number)
        shutil.copytree(folder, copy)
        data = bytearray((copy / name).read_bytes())
        data[-9] ^= 1
        (copy / name).write_bytes(data)
        if name == "config.json":
            continue  # it may be no model folder any more
        wrong = [each.name for each in file_digests(copy) if each.holds is False]
        assert wrong[0] == name or name == "model.safetensors", (name, wrong)
        assert name in wrong and set(wrong) <= {name, "inference.safetensors"}
        (copy / name).unlink()
        left = {each.name: each.holds for each in file_digests(copy)}
        assert left.get(name, False) is False
