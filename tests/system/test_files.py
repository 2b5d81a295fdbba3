import errno
import os
from pathlib import Path

import numpy as np
import pytest

from elman.errors import StorageError
from elman.system.files import write_array, write_atomic


def test_an_old_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    write_atomic(file, b"old")
    write_atomic(file, b"newer")
    assert file.read_bytes() == b"newer"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_full_disk_keeps_the_old_file_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a.bin"
    write_atomic(file, b"old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full; free some space or choose another folder"):
        write_atomic(file, b"new")
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_a_file_where_a_folder_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="part of that path is a file"):
        write_atomic(tmp_path / "file" / "a.bin", b"new")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_an_array_that_a_full_disk_does_not_hold_is_an_error() -> None:
    with pytest.raises(OSError, match="No space left"), open("/dev/full", "wb") as file:
        write_array(file, np.arange(10))
