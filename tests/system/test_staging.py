import os
import time

import pytest

from elman.errors import StorageError
from elman.system import staging as atomic
from elman.system.staging import publish, staging_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_seen_before_it_is_published(tmp_path):
    root = tmp_path / "a" / "b"
    with staging_folder(root) as folder:
        (folder / "x").write_bytes(b"1")
        assert all(name.startswith(".") for name in names(root))
        publish(folder, root / "kept")
        assert (root / "kept" / "x").read_bytes() == b"1"
    assert names(root) == ["kept"]


def test_what_is_not_published_is_gone(tmp_path):
    with pytest.raises(ZeroDivisionError), staging_folder(tmp_path) as folder:
        (folder / "x").write_bytes(b"1")
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_whoever_comes_first_stays(tmp_path):
    for content in (b"first", b"second"):
        with staging_folder(tmp_path) as folder:
            (folder / "x").write_bytes(content)
            publish(folder, tmp_path / "kept")
    assert names(tmp_path) == ["kept"]
    assert (tmp_path / "kept" / "x").read_bytes() == b"first"


def test_files_are_synced_before_the_rename(tmp_path, monkeypatch):
    calls = []
    rename, sync = os.rename, os.fsync
    monkeypatch.setattr(atomic.os, "fsync", lambda handle: (calls.append("sync"), sync(handle))[1])
    monkeypatch.setattr(atomic.os, "rename", lambda *paths: (calls.append("rename"), rename(*paths))[1])
    with staging_folder(tmp_path) as folder:
        for name in "xy":
            (folder / name).write_bytes(b"1")
        publish(folder, tmp_path / "kept")
    assert calls[:2] == ["sync", "sync"] and calls[-2:] in (["rename", "sync"], ["sync", "rename"])
    assert calls.index("rename") >= 2


@pytest.mark.parametrize(("number", "said"), [(28, "the disk is full"), (13, "you may not write there")])
def test_refusals_of_the_system_are_one_line(tmp_path, number, said):
    with pytest.raises(StorageError, match=said) as caught, staging_folder(tmp_path):
        raise OSError(number, "refused")
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == []


def test_leftovers_of_killed_processes_go_after_a_day(tmp_path):
    old, young = tmp_path / ".new-old", tmp_path / ".new-young"
    for folder in (old, young):
        folder.mkdir()
        (folder / "x").write_bytes(b"1")
    day_before = time.time() - 25 * 3600
    os.utime(old, (day_before, day_before))
    with staging_folder(tmp_path):
        pass
    assert names(tmp_path) == [".new-young"]
