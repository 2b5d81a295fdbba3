"""The wheel: the same bytes whenever it is built, and at work without network and without torch."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILD = """
import os, sys
from hatchling.build import build_wheel
for folder in sys.argv[1:]:
    os.chdir(os.path.join(folder, "source"))
    print(os.path.join(folder, build_wheel(folder)))
"""
WORKS = """
import sys
sys.modules["torch"] = None
import elman
assert elman.__file__.startswith(sys.argv[1]), elman.__file__
from elman.cli.main import main
main(["train", "text.txt", "--model", "ngram", "--order", "2", "--out", "model", "--quiet"])
"""


def source(folder: Path, time: int) -> Path:
    """A folder with a copy of what a wheel is made of, whose files are as old as it says."""
    source = folder / "source"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, source)
    for path in source.rglob("*"):
        os.utime(path, (time, time))
    return folder


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("hatchling") is None, reason="no hatchling: pip install hatchling")
def test_it_is_reproducible_and_works_alone(tmp_path: Path) -> None:
    folders = [source(tmp_path / "one", 1_600_000_000), source(tmp_path / "two", 1_700_000_000)]
    shown = subprocess.run([sys.executable, "-c", BUILD, *folders], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    one, two = map(Path, shown.stdout.split())
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "site")  # a wheel of Python alone is installed by that
    package = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*") if path.is_file()}
    assert {name for name in package if "__pycache__" not in name} <= names
    assert all(name.startswith(("elman/", "elman-")) for name in names)
    (tmp_path / "text.txt").write_text("Anna sees the old house.\nBen hears a bird.\n" * 100)
    alone = ["unshare", "-n"] if shutil.which("unshare") and subprocess.call(["unshare", "-n", "true"]) == 0 else []
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["NUMBA_DISABLE_JIT"] = "1"  # the same loops; to compile them would take most of the time
    words = [*alone, sys.executable, "-c", WORKS, str(tmp_path / "site")]
    shown = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert shown.returncode == 0 and (tmp_path / "model" / "model_card.json").is_file(), shown.stderr
