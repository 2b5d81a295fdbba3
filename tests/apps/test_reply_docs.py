"""Every command and every block of Python in docs/reply.md runs, in order, in one folder."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.in_process import run_code, run_here

PAGE = (Path(__file__).parents[2] / "docs" / "reply.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed = []
    (console,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for line in console.splitlines():
        command = line.removeprefix("$ ")
        if command.startswith("elman "):
            printed.append(run_here(shlex.split(command), tmp_path))
        else:
            subprocess.run(["bash", "-c", command.replace("python", shlex.quote(sys.executable), 1)], check=True)
    _, plain, as_json, blocked, figures = printed
    texts = [line.split("\t")[1] for line in plain.splitlines()]
    assert texts[0] == "with milk please" and len(texts) == 3
    assert not {"Call 555 123 4567."} & {*texts} and "With milk." not in texts
    (found,) = json.loads(as_json)["replies"]
    assert found["text"] == "They are late."
    assert "milk" not in blocked
    rows = {line[:30].split("  ")[0]: line for line in figures.splitlines()}
    assert {"lstm, the message alone", "TF-IDF, the message alone"} <= {*rows}
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert run_code(block, tmp_path) == "With milk.\n"


def test_flags_that_the_page_names_exist() -> None:
    import typer

    from elman.cli.main import app

    group = typer.main.get_command(app)
    known = {
        flag
        for verb in ("reply", "train")
        for option in group.get_command(None, verb).params  # type: ignore[attr-defined,arg-type]
        for flag in (*option.opts, *option.secondary_opts)
    }
    assert set(re.findall(r"`(--[a-z][a-z-]*)", PAGE)) <= known
