"""Weights files: what is written in parts is what the library writes, and what is mapped is what it
reads."""

import numpy as np
import pytest
from safetensors.numpy import load, save

from elman.errors import FolderError
from elman.models.registry import entry
from elman.storage import archive, folder

ARRAYS = {
    "b": np.arange(7, dtype=np.uint8),
    "a": np.arange(6, dtype=np.float64).reshape(2, 3),
    "c": np.arange(3, dtype=np.float32),
    "aa": np.array([], dtype=np.int64),
    "é": np.arange(5, dtype=np.uint64),
    "scalar": np.array(2.5),
    "d": np.array([True, False]),
    "e": np.arange(3, dtype=np.int16),
}


def sealed(path, arrays):
    """A weights file beside the files that it seals."""
    files = {name: name.encode() for name in entry("ngram").files}
    folder.write_static_files(path, kind="ngram", config={}, files=files)
    folder.write_weights(path, arrays)
    return path / "model.safetensors"


def test_parts_are_the_bytes_of_the_library():
    metadata = {"elman": '{"x": "é"}'}
    assert b"".join(map(bytes, archive._parts(ARRAYS, metadata))) == save(ARRAYS, metadata=metadata)


def test_mapped_arrays_are_the_same_and_cannot_be_written_to(tmp_path):
    arrays = {name: array for name, array in ARRAYS.items() if name not in ("scalar", "d", "e")}
    file = sealed(tmp_path, arrays)
    assert load(file.read_bytes()).keys() == arrays.keys()
    for mapped in (False, True):
        found = folder.read_arrays(file, mapped=mapped)
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype and found[name].shape == array.shape
            assert found[name].tobytes() == array.tobytes()
    with pytest.raises(ValueError, match="read-only"):
        folder.read_arrays(file, mapped=True)["a"][0, 0] = 1


@pytest.mark.parametrize("mapped", [False, True])
def test_a_changed_bit_or_a_lost_byte_is_found(tmp_path, mapped):
    good = sealed(tmp_path, {"a": np.arange(40.0), "b": np.arange(3, dtype=np.uint8)}).read_bytes()
    file = tmp_path / "model.safetensors"
    for place in (0, 9, 60, len(good) // 2, len(good) - 1):
        file.write_bytes(good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :])
        with pytest.raises(FolderError):
            folder.read_arrays(file, mapped=mapped)
    for cut in (0, 5, 100, len(good) - 1):
        file.write_bytes(good[:cut])
        with pytest.raises(FolderError):
            folder.read_arrays(file, mapped=mapped)
