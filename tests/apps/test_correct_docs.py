"""Every command and every block of Python in docs/correct.md runs, in order, in one folder."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.in_process import run_code, run_here

PAGE = (Path(__file__).parents[2] / "docs" / "correct.md").read_text(encoding="utf-8")


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
    plain, reasons, marks, diff, as_json, harm, figures = printed[1:]
    assert plain.splitlines() == ["Anna receives their friend tomorrow", "Ben sees teh.py and likes Zyx on Sunday"]
    assert reasons.splitlines()[0].startswith('1:6: "receives" is likelier than "recieves" by ')
    assert reasons.splitlines()[-1].endswith("bits (case)") and len(reasons.splitlines()) == 5
    assert marks.startswith("Anna [-recieves-]{+receives+} [-there-]{+their+} [-freind-]{+friend+}")
    assert diff.splitlines()[:3] == ["--- a/typed.txt", "+++ b/typed.txt", "@@ -1,2 +1,2 @@"]
    assert json.loads(as_json.splitlines()[0])["corrected"] == "Anna receives their freind tomorrow"
    assert harm.splitlines()[0] == plain.splitlines()[0]
    assert "at_1" in figures
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    wanted = "Anna receives their friend\n5 recieves receives spelling\n20 freind friend spelling\n"
    assert run_code(block, tmp_path) == wanted


def test_flags_that_the_page_names_exist() -> None:
    import typer

    from elman.cli.main import app

    group = typer.main.get_command(app)
    known = {
        flag
        for option in group.get_command(None, "correct").params  # type: ignore[attr-defined,arg-type]
        for flag in (*option.opts, *option.secondary_opts)
    }
    assert set(re.findall(r"`(--[a-z][a-z-]*)", PAGE)) - {"--level", "--prune"} <= known
