"""The tour: its commands run with small budgets, its pictures come out, and what it quotes was
printed."""

import doctest
import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.in_process import run_here, short

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "docs" / "tour"


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"tour_{name}", TOUR / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


tour = _load("build")
PAGES = {chapter.name: chapter.read_text(encoding="utf-8") for chapter in tour.chapters()}


def unrolled(block: str) -> str:
    """Loops, written out.

    >>> unrolled("for n in 1 2; do echo $n; done")
    'echo 1\\necho 2'
    """

    def lines(loop: re.Match[str]) -> str:
        name, values, body = loop.groups()
        return "\n".join(body.replace(f"${name}", value) for value in values.split())

    return re.sub(r"^for (\w+) in (.*?); do\s+(.*?)(?:;|\n)\s*done$", lines, block, flags=re.MULTILINE | re.DOTALL)


def quick(folder: Path):
    """Runs blocks as ``bash`` does, those parts in this process that only call elman or an
    example."""
    bash = tour.bash(folder)

    def run(block: str) -> str:
        block = unrolled(short(block))
        if re.search(r"&$", block, re.MULTILINE):
            return bash(block)
        names = {name: value for name, value in re.findall(r'^(\w+)="(.*?)"$', block, re.DOTALL | re.MULTILINE)}
        block = re.sub(r'^\w+=".*?"\n', "", block, flags=re.DOTALL | re.MULTILINE)
        shown = ""
        for line in block.splitlines():
            for name, value in names.items():
                line = line.replace(f"${name}", " ".join(value.split()))
            if inner := re.search(r"\$\((elman .*)\)", line):
                line = line.replace(inner[0], shlex.quote(" ".join(run(inner[1]).split())))
            given = ""
            if piped := re.match(r"((?:echo|printf) .*?) \| (elman .*)", line):
                given, line = bash(piped[1]), piped[2]
            command, sign, rest = re.match(r'((?:"[^"]*"|[^|>"])*)([|>]?)(.*)', line).groups()  # type: ignore[union-attr]
            if not re.match(r"elman |python examples/", command):
                shown += bash(line)
                continue
            printed = run_here(shlex.split(command), folder, given)
            if sign:
                filtered = ["bash", "-e", "-c", f"cat {sign} {rest}"]
                printed = subprocess.run(
                    filtered, input=printed, cwd=folder, capture_output=True, text=True, check=True
                ).stdout
            shown += printed
        return shown

    return run


def short_text(share: int) -> str:
    """Every so-many-th text of builtin:pydocs; with less than a tenth, networks would not be of
    words."""
    from elman.text.pydocs import documents

    return "\n\n".join(documents()[::share])


@pytest.mark.slow
def test_all_commands_run_and_all_pictures_come_out(
    tmp_path: Path, sketches: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from elman.report.growth import GROWTH_FILE
    from elman.tasks import fitting

    # Of what trainings draw, the pages show only one picture of how n-grams grow.
    sketch, shown = fitting._draw, {Path(source).parent.name for source in sources() if source.endswith(GROWTH_FILE)}

    def draw(job: Any, growth: Any = ()) -> None:
        (sketches if growth and job.folder.name in shown else sketch)(job, growth)

    monkeypatch.setattr(fitting, "_draw", draw)
    scratch, pages = tmp_path / "scratch", tmp_path / "pages"
    tour.prepare(scratch)
    pages.mkdir()
    (scratch / "short.txt").write_text(short_text(10), encoding="utf-8")
    (scratch / "shorter.txt").write_text(short_text(30), encoding="utf-8")
    tour.build(quick(scratch), tour.keeper(scratch, pages), target=pages)
    for name, page in PAGES.items():
        again = (pages / name).read_text(encoding="utf-8")
        for kept, new in zip(tour.blocks(page), tour.blocks(again), strict=True):
            if kept.kind == "output":
                # The same commands print something where they did, and nothing where they did not.
                assert bool(kept.text.strip()) == bool(new.text.strip()), f"{name}, line {kept.line}"
            else:
                assert kept.lines == new.lines
    for picture in pictures():
        assert (pages / picture).read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


def pictures() -> list[str]:
    return [name for page in PAGES.values() for _, name, _ in tour.IMAGE.findall(page)]


def sources() -> list[str]:
    """The files that the pictures are copies of."""
    return [source for page in PAGES.values() for _, _, source in tour.IMAGE.findall(page)]


def test_every_picture_and_number_has_a_command_above_it() -> None:
    assert tour.check() == []
    assert len(pictures()) >= 8


def test_pictures_are_small_and_none_is_left_over() -> None:
    sizes = {path.name: path.stat().st_size for path in TOUR.iterdir() if path.suffix in (".png", ".svg")}
    assert set(sizes) == set(pictures())
    assert max(sizes.values()) < 120_000
    assert sum(sizes.values()) < 1_000_000


@cache
def flags() -> dict[str, set[str]]:
    """The flags of every verb."""
    import typer

    from elman.cli.main import VERBS, app

    group = typer.main.get_command(app)
    found = {}
    for verb in VERBS:
        command = group.get_command(None, verb)  # type: ignore[attr-defined,arg-type]
        assert command is not None, f"there is no verb {verb!r}"
        found[verb] = {"--help"} | {
            flag for option in command.params for flag in (*option.opts, *option.secondary_opts)
        }
    return found


def unknown_flags(page: str) -> list[str]:
    """Flags in the page's commands, run or only mentioned, that no longer exist."""
    code = [line for block in tour.blocks(page) if block.kind == "sh" for line in tour.commands(block)]
    code += [
        span for block in tour.blocks(page) if block.kind == "text" for span in re.findall(r"`([^`\n]+)`", block.text)
    ]
    found = []
    for piece in code:
        calls = re.findall(r"\belman ([a-z]+)\b([^|;)]*)", piece)
        for verb, rest in calls:
            known = flags().get(verb, set())
            found += [f"elman {verb} {flag}" for flag in re.findall(r"--[a-z][a-z-]*", rest) if flag not in known]
            found += [] if verb in flags() else [f"elman {verb}"]
        if not calls and "curl" not in piece:
            anywhere = set().union(*flags().values())
            found += [flag for flag in re.findall(r"--[a-z][a-z-]*", piece) if flag not in anywhere]
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_flag_exists(name: str) -> None:
    assert unknown_flags(PAGES[name]) == []


def test_flags_that_are_gone_are_found() -> None:
    page = (
        "`elman train x --updates 2` and `--order 3`\n```sh\nelman train my.txt --warp 9 --out a\n"
        "elman fly\n```\n<!-- output -->\n<!-- /output -->\n`--gone`\n"
    )
    assert unknown_flags(page) == ["elman train --warp", "elman fly", "--gone"]


PAGE = """Text.
```sh
elman info net
```
<!-- output -->
```text
old 1.25
```
<!-- /output -->
It is 1.2, or 1.25; not 1.3. ![seen](far.png "net/far.png")
"""


def test_outputs_are_written_anew_and_nothing_else_changes(tmp_path: Path) -> None:
    kept = []
    page = tour.write(PAGE, lambda block: f"new {block}\n", lambda *names: kept.append(names))
    assert page == PAGE.replace("old 1.25", "new elman info net")
    assert kept == [("net/far.png", "far.png")]
    assert tour.write(page, lambda block: "", lambda *names: None) == page.replace(
        "```text\nnew elman info net\n```\n", ""
    )


def test_faults_are_found(tmp_path: Path) -> None:
    (tmp_path / "far.png").write_bytes(b"")
    assert tour.faults(PAGE, tmp_path) == ["line 10: 1.3 was printed by no command above it"]
    without = PAGE.replace("info net", "info other").replace(", 1.3", "")
    assert "far.png has no command above it that makes it" in tour.faults(without, tmp_path)
    assert "far.png has no command above it that makes it" in tour.faults(PAGE.replace(' "net/far.png"', ""), tmp_path)
    late = 'An ![image](far.png "net/far.png").\n' + PAGE
    assert "far.png has no command above it that makes it" in tour.faults(late, tmp_path)
    with pytest.raises(tour.TourError, match="elsewhere.png: no command above it has made"):
        tour.keeper(tmp_path, tmp_path)("net/elsewhere.png", "elsewhere.png")
    with pytest.raises(tour.TourError, match="right below"):
        tour.faults(PAGE.replace("<!-- output -->\n", "\n"), tmp_path)


def test_a_command_that_fails_stops_the_tour(tmp_path: Path) -> None:
    with pytest.raises(tour.TourError, match="there is no verb 'fly'"):
        tour.bash(tmp_path)("elman fly | tail -1")


def test_tables_over_seeds_stay_and_count_as_printed(tmp_path: Path) -> None:
    page = "It is 0.25.\n<!-- seeds -->\n```text\n0.25 [0.10, 0.30]\n```\n<!-- /seeds -->\nNot 0.25, but 0.1 or 0.7.\n"
    assert tour.write(page, lambda block: "", lambda *names: None) == page
    assert tour.unprinted(page) == ["line 1: 0.25", "line 7: 0.7"]


def test_tables_over_seeds_are_made_of_the_chapters_own_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "build", tour)
    seeds = _load("seeds")
    ran: list[str] = []

    def run(block: str) -> str:
        ran.append(block)
        if "far_country" not in block:
            return ""
        seed = int(re.findall(r"seed-(\d)", block)[0])
        return f"words between     0     4     6\n          gru  2.9{seed} -0.0{seed}  1.00\n"

    assert seeds.countries(run) == [
        ["words between", "0", "4"],
        ["gru", "2.92 [2.91, 2.93]", "-0.02 [-0.03, -0.01]"],
    ]
    trained = [block for block in ran if "elman train" in block]
    assert [re.findall(r"--seed (\d)", block) for block in trained] == [["1"], ["2"], ["3"]]
    assert all("--out seed-2/gru" in block for block in trained[1:2])
    scores = '{"lags": [5], "cells": [{"cell": "rnn", "scores": [{"lag": 5, "seeds": [0.9, 0.7, 0.8]}]}]}'
    assert seeds.lags(lambda block: scores if "--seeds 3 --json" in block else "") == [
        ["cell", "lag 5"],
        ["rnn", "0.80 [0.70, 0.90]"],
    ]
    for module in (tour, seeds):
        assert doctest.testmod(module).failed == 0


def test_the_contents_have_the_time_of_every_chapter() -> None:
    rows = tour.ROW.findall((TOUR / "README.md").read_text(encoding="utf-8"))
    assert rows == [str(number) for number in range(1, len(PAGES) + 1)]
