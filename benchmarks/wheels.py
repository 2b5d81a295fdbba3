"""Whether elman's wheel is reproducible, and works on every Python of this machine without network
and without torch.

    python benchmarks/wheels.py [--pythons python3.11 python3.12 ...]     # `make wheels`

Builds the wheel twice with hatchling and compares the bytes. Then, for each Python from 3.11 to
3.14 that is here: a new environment; what elman depends on, from the package index (without the
versions of constraints.txt where a Python has none); the wheel itself with
``pip install --no-index --no-deps``; and, where the system allows it, in a network namespace of its
own with nothing in it: all modules compile, `elman --help`, a 3-gram is trained, verified and
asked. Prints a line of JSON for each; exit code 1 if something failed.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
NAMES = tuple(f"python3.{minor}" for minor in range(11, 15))
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
TEXT = "Anna sees the old house.\n" * 300 + "Ben hears a small bird.\n" * 200
CHECK = """
import contextlib, importlib.util, io, json, pathlib, socket, sys
assert importlib.util.find_spec("torch") is None
import elman
assert "site-packages" in elman.__file__, elman.__file__
from elman.cli.main import main
pathlib.Path("text.txt").write_text(TEXT)
def call(*words):
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        try:
            main(list(words))
        except SystemExit as stopped:
            assert not stopped.code, (words, stopped.code)
    return shown.getvalue()
call("--help")
call("train", "text.txt", "--model", "ngram", "--order", "3", "--out", "model", "--quiet")
assert json.loads(call("verify", "model", "--json"))["holds"]
assert json.loads(call("complete", "model", "Anna sees the old", "--json"))["words"][0]["text"] == "house"
"""


def built(folder: Path) -> Path:
    """A wheel of this checkout in a folder."""
    command = [sys.executable, "-c", BUILD, str(folder)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        sys.exit(f"no wheel: {found.stderr.strip().splitlines()[-1]}; pip install hatchling")
    return folder / found.stdout.split()[-1]


def pythons(names: list[str]) -> dict[str, str]:
    """The interpreters of this machine that work, by version."""
    found: dict[str, str] = {}
    places = [*sorted(Path.home().glob(".pyenv/versions/3.1[1-4]*/bin/python")), *names]
    for name in map(str, places):
        path = shutil.which(name)
        shown = subprocess.run([path, "-V"], capture_output=True, text=True) if path else None
        if path and shown is not None and shown.returncode == 0:
            found.setdefault(shown.stdout.split()[-1].rpartition(".")[0], path)
    return found


def run(*words: object, **options: Any) -> str:
    """The output of a command.

    Raises:
        RuntimeError: it failed; with the last line that it wrote.
    """
    found = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if found.returncode:
        raise RuntimeError(((found.stderr or found.stdout).strip().splitlines() or ["no message"])[-1])
    return found.stdout


def offline() -> list[str]:
    """The beginning of a command that has no network; empty where the system does not allow
    that."""
    alone = ["unshare", "-n"]
    try:
        return alone if subprocess.run([*alone, "true"], capture_output=True).returncode == 0 else []
    except OSError:
        return []


def tried(python: str, wheel: Path, folder: Path) -> dict[str, Any]:
    """What became of the wheel with one Python."""
    venv = folder / "venv"
    run(python, "-m", "venv", venv)
    own = venv / "bin" / "python"
    pip = [own, "-m", "pip", "install", "-qq", "--no-compile", "--disable-pip-version-check"]
    needs = _needs(own)
    try:
        run(*pip, "-c", ROOT / "constraints.txt", *needs)
        pinned = True
    except RuntimeError:
        run(*pip, *needs)
        pinned = False
    run(*offline(), *pip, "--no-index", "--no-deps", wheel)
    environment = {**os.environ, "ELMAN_CACHE": str(folder / "cache"), "MPLBACKEND": "Agg"}
    environment = {name: value for name, value in environment.items() if name not in ("PYTHONPATH", "NUMBA_CACHE_DIR")}
    package = Path(run(own, "-c", "import elman; print(elman.__path__[0])", cwd=folder).strip())
    run(*offline(), own, "-m", "compileall", "-q", package)
    run(*offline(), own, "-c", f"TEXT = {TEXT!r}\n{CHECK}", cwd=folder, env=environment)
    return {"works": True, "constraints": pinned, "offline": bool(offline())}


def _needs(python: Path) -> list[str]:
    """What elman depends on."""
    code = (
        "import json, sys, tomllib; print(json.dumps(tomllib.load(open(sys.argv[1], 'rb'))['project']['dependencies']))"
    )
    return json.loads(run(python, "-c", code, ROOT / "pyproject.toml"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pythons", nargs="+", default=list(NAMES))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="elman-wheels-") as scratch:
        folder = Path(scratch)
        wheels = [built(folder / name) for name in ("one", "two") if not (folder / name).mkdir()]
        digests = [hashlib.sha256(each.read_bytes()).hexdigest() for each in wheels]
        good = digests[0] == digests[1]
        print(json.dumps({"wheel": wheels[0].name, "sha256": digests[0], "reproducible": good}), flush=True)
        here = pythons(options.pythons)
        for version in (name.removeprefix("python") for name in NAMES):
            if version not in here:
                print(json.dumps({"python": version, "skipped": "not on this machine"}), flush=True)
                continue
            (inner := folder / version).mkdir()
            try:
                found = tried(here[version], wheels[0], inner)
            except RuntimeError as error:
                found, good = {"works": False, "why": str(error)}, False
            print(json.dumps({"python": version, **found}), flush=True)
            shutil.rmtree(inner)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
