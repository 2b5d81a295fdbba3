"""One training at a time in one folder, whatever became of the one before."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from elman.errors import TrainingError
from elman.training.lock import alone

HOLD = """
import sys
from pathlib import Path
from elman.training.lock import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
unix = pytest.mark.skipif(os.name == "nt", reason="Windows cannot lock folders")


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


@unix
def test_a_second_process_is_kept_out_until_the_first_is_gone_even_by_a_kill(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet" / "there"
    process = hold(folder)
    try:
        for _ in range(2):  # being refused changes nothing: the folder stays, and so does the lock
            with pytest.raises(TrainingError, match="another training is running in .*there; wait"), alone(folder):
                pass
            assert folder.is_dir()
        with alone(tmp_path / "elsewhere"):
            pass
    finally:
        process.kill()
        process.communicate()
    with alone(folder):
        (folder / "model").touch()
    assert [file.name for file in folder.iterdir()] == ["model"]  # no lock file stays


@pytest.mark.slow
@unix
def test_two_trainings_into_one_folder(cli: Callable[..., Any], text_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "m"
    words = ("train", text_file, "--out", out, "--model", "ngram", "--order", "2")
    with alone(out):
        refused = cli(*words)
    assert refused.code == 2 and "another training is running" in refused.err and refused.err.count("\n") == 1
    assert not out.exists()  # nothing came of it
    assert cli(*words).code == 0


@unix
def test_a_folder_from_before_a_kill_is_cleared_under_the_lock(text_file: Path, tmp_path: Path) -> None:
    import elman

    out = tmp_path / "m"
    elman.train(text_file, out=out, model="ngram", order=2)
    (out / "model.safetensors").unlink()  # as a kill leaves it before there are weights
    (out / "model_card.json").unlink()
    for picture in out.glob("*.png"):
        picture.unlink()
    with alone(out):
        place = out.stat().st_ino
        from elman.storage.folder import create

        create(out)
        assert out.stat().st_ino == place and not list(out.iterdir())


def test_a_file_in_the_way_is_left_to_whoever_writes_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with alone(tmp_path / "file"):
        pass
    assert (tmp_path / "file").read_text() == "mine"
