"""Every command and every block of Python in docs/rescoring.md runs, in order, in one folder."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.in_process import run_code, run_here

PAGE = (Path(__file__).parents[2] / "docs" / "rescoring.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed: dict[str, str] = {}
    (console,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for line in console.splitlines():
        command = line.removeprefix("$ ")
        if command.startswith("elman "):
            printed[command] = run_here(shlex.split(command), tmp_path)
        else:
            command = command.replace("python", shlex.quote(sys.executable), 1)
            subprocess.run(["bash", "-c", command], check=True)
    fitted = printed["elman rescore words test.jsonl --tune dev.jsonl --save-weights weights.json"]
    assert "Rescoring lowers WER by" in fitted and "beyond chance" in fitted
    assert len((tmp_path / "chosen.txt").read_text().splitlines()) == 30
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert run_code(block, tmp_path) == "anna sees the bird\n"


def test_flags_and_formats_that_the_page_names_exist() -> None:
    import typer

    from elman.apps.nbest.formats import FOLDER_WRITERS, READERS, WRITERS
    from elman.cli.main import app

    group = typer.main.get_command(app)
    known = {
        flag
        for option in group.get_command(None, "rescore").params  # type: ignore[attr-defined,arg-type]
        for flag in (*option.opts, *option.secondary_opts)
    }
    assert set(re.findall(r"`(--[a-z][a-z-]*)", PAGE)) <= known
    assert set(re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE)) >= {*READERS}
    assert all(f"`{name}`" in PAGE for name in (*WRITERS, *FOLDER_WRITERS))
