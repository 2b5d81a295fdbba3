"""Every command and every block of Python in docs/classify.md runs, in order, in one folder."""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "classify.md").read_text(encoding="utf-8")


def elman(line: str) -> str:
    """What a command prints, run in this process."""
    from elman.cli.main import main

    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        with pytest.raises(SystemExit) as stopped:
            main(shlex.split(line)[1:])
        assert not stopped.value.code, err.getvalue()
    return out.getvalue()


@pytest.mark.slow
def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed: dict[str, str] = {}
    for kind, block in re.findall(r"```(console|python)\n(.*?)```", PAGE, re.DOTALL):
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(block, "docs/classify.md", "exec"), names)
            printed[block] = out.getvalue()
            continue
        for line in block.splitlines():
            command = line.removeprefix("$ ")
            if command.startswith("elman "):
                printed[command] = elman(command)
            else:
                subprocess.run(["bash", "-c", command.replace("python", shlex.quote(sys.executable), 1)], check=True)
    labels = printed['elman predict reviews "A clever film." "A silly plot."'].splitlines()
    assert [line.split("\t")[0] for line in labels] == ["pos", "neg"]
    assert (tmp_path / "why.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "TF-IDF with logistic regression" in printed["elman evaluate reviews reviews.csv"]
    (rating,) = (out for block, out in printed.items() if "review_rating" in block)
    assert rating == "Positive\n"


def test_flags_that_the_page_names_exist() -> None:
    import typer

    from elman.cli.main import app

    group = typer.main.get_command(app)
    known = {
        flag
        for verb in ("train", "predict", "evaluate")
        for option in group.get_command(None, verb).params  # type: ignore[attr-defined,arg-type]
        for flag in (*option.opts, *option.secondary_opts)
    }
    assert set(re.findall(r"`(--[a-z][a-z-]*)", PAGE)) <= known
