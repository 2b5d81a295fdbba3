import os
import subprocess
import sys
from pathlib import Path

import pytest

from elman.errors import StorageError
from elman.system.compiled import is_writable, keep_compiled
from elman.system.files import write_atomic

RUN = """
import os, sys
from pathlib import Path
os.access = lambda path, mode: False  # as on a read-only disk, where tests may run with all rights
from elman.system.compiled import keep_compiled
keep_compiled(Path(sys.argv[1]))
folder = Path(os.environ["NUMBA_CACHE_DIR"])
print(folder)
if sys.argv[2] == "used":
    (folder / "loops").write_bytes(b"")
"""


def run(tmp_path: Path, used: str, **more: str) -> tuple[Path, str]:
    known = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    command = [sys.executable, "-c", RUN, str(tmp_path), used]
    done = subprocess.run(command, env={**known, **more}, capture_output=True, text=True, timeout=60, check=True)
    return Path(done.stdout.strip()), done.stderr


def test_without_any_folder_to_keep_loops_in_one_run_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    nowhere = {"ELMAN_CACHE": str(tmp_path / "file" / "cache"), "TMPDIR": str(tmp_path)}
    folder, talk = run(tmp_path, "used", **nowhere)
    assert folder.parent == tmp_path and not folder.exists()
    assert talk.count("\n") == 1 and "ELMAN_CACHE or NUMBA_CACHE_DIR" in talk
    folder, talk = run(tmp_path, "unused", **nowhere, NUMBA_CACHE_DIR=str(tmp_path / "file" / "numba"))
    assert folder.parent == tmp_path and not folder.exists() and talk == ""


def test_folders_that_can_be_written_are_taken(tmp_path: Path) -> None:
    folder, talk = run(tmp_path, "used", ELMAN_CACHE=str(tmp_path / "cache"))
    assert folder == tmp_path / "cache" / "numba" and (folder / "loops").exists() and talk == ""
    given = run(tmp_path, "used", ELMAN_CACHE=str(tmp_path / "cache"), NUMBA_CACHE_DIR=str(tmp_path / "mine"))[0]
    assert given == tmp_path / "mine"
    assert is_writable(tmp_path / "new") and not list((tmp_path / "new").iterdir())


def test_a_package_that_can_be_written_keeps_them_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    keep_compiled(tmp_path)
    assert os.environ["NUMBA_CACHE_DIR"] == ""


def test_what_strikes_in_the_cache_says_how_to_move_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMAN_CACHE", str(tmp_path / "cache"))
    with pytest.raises(StorageError, match=r"set ELMAN_CACHE to another folder; this one is elman's cache$"):
        write_atomic(tmp_path / "cache" / "texts" / "a.txt", b"text")
    with pytest.raises(StorageError, match="choose another folder$"):
        write_atomic(tmp_path / "elsewhere" / "a.txt", b"text")
