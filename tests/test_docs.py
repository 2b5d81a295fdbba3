"""The pages of docs/: every page is in the index, every link leads somewhere, what is generated is
current."""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import build_architecture
import rooms
from reference_markdown import docstring
from rooms import FLOORS, PACKAGE, SAYS, modules

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *DOCS.glob("*.md"), *DOCS.glob("tour/*.md")]
)
ARCHITECTURE = (DOCS / "architecture.md").read_text(encoding="utf-8")
HOW_TO_MEND = "is not what its script writes; run: make reference"


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them.

    >>> sorted(anchors("# elman.train: `a` b"))
    ['elmantrain-a-b']
    """
    headings = re.findall(r"^#+ (.*)$", without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def links(page: str) -> Iterator[tuple[Path, str]]:
    """The files that a page links to, and the place in each, if any."""
    for target in re.findall(r"\]\(([^)\s]+)", without_code(read(page))):
        if not re.match(r"https?:", target):
            path, _, anchor = target.partition("#")
            yield ((ROOT / page).parent / path if path else ROOT / page).resolve(), anchor


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for path, anchor in links(page):
        assert path.exists(), f"{page} links to {path}, which is not there"
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), f"{page}: no #{anchor} in {path}"


def test_a_link_to_nowhere_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "read", lambda page: "[a](docs/README.md#nowhere)")
    with pytest.raises(AssertionError, match="no #nowhere"):
        test_every_link_leads_somewhere("README.md")


def test_the_index_lists_every_page() -> None:
    listed = re.findall(r"^- \[[^\]]+\]\(([^)]+)\): \S", read("docs/README.md"), re.MULTILINE)
    assert sorted(listed) == sorted({path.name for path in DOCS.glob("*.md")} - {"README.md"} | {"tour/README.md"})


@pytest.mark.parametrize("page", [page for page in PAGES if page != "CHANGELOG.md"])
def test_files_that_pages_name_are_there(page: str) -> None:
    """Paths in code marks; a page may leave out ``src/elman/``. Words in capitals stand for a
    name."""
    for path in re.findall(r"`([\w./-]+/|[\w./-]+\.(?:py|js|md|svg))`", without_code(read(page))):
        name = path.removeprefix("elman/")
        ours = re.match(r"(src|tests|docs|benchmarks|examples)/", name) or re.match(rf"({'|'.join(FLOORS)})\b", name)
        if ours and not re.search("[A-Z]{2,}", name):
            assert (ROOT / name).exists() or (PACKAGE / name).exists(), f"{page} names {path}, which is not there"


def test_modules_in_the_table_of_new_names_are_there_and_old_ones_are_not() -> None:
    table = read("CHANGELOG.md").split("Modules:\n")[1].split("Classes and functions:")[0]
    rows = re.findall(r"^\| (.*?) \| (.*) \|$", table, re.MULTILINE)[2:]
    assert len(rows) > 25
    present = modules()
    for old, new in rows:
        for module in re.findall(r"`(elman[\w.]+)`", old):
            # A file that became a folder keeps its name.
            assert module not in present or module == "elman.metrics", f"{module} is still there"
        for module in re.findall(r"`(elman[\w.]+)`", new):
            assert module in present, f"{module} is not there"


@pytest.mark.slow
def test_the_picture_of_the_rooms_is_current() -> None:
    assert read("docs/architecture.svg") == build_architecture.drawing(), f"docs/architecture.svg {HOW_TO_MEND}"
    assert build_architecture.with_table(ARCHITECTURE) == ARCHITECTURE, f"docs/architecture.md {HOW_TO_MEND}"


@pytest.mark.slow
def test_the_picture_has_every_room_and_the_arrows_that_follow_from_no_others() -> None:
    graph = build_architecture.drawn_imports()
    assert (
        {name for box in graph for name in box.split()}
        == set(FLOORS) - {"__main__", "__init__"}
        == set(SAYS)
        - {
            "__main__",
            "__init__",
        }
    )
    assert graph["nn"] == {"data", "cells"}  # and errors, but that follows from cells
    drawing = build_architecture.drawing()
    for name in graph:
        assert drawing.count(f">{', '.join(name.split())}</text>") == 1


@pytest.mark.slow
def test_passing_arrows_stay_clear_of_boxes_and_boxes_of_each_other() -> None:
    rows, arrows = build_architecture.place_rows(build_architecture.drawn_imports())
    middle = build_architecture.columns(rows, arrows)
    for row in rows:
        for one, other in zip(row, row[1:], strict=False):
            half = (build_architecture.width_of(one) + build_architecture.width_of(other)) / 2
            assert middle[other] - middle[one] >= half + 10, (one, other)


def test_every_room_has_a_paragraph() -> None:
    told = set(re.findall(r"`(\w+)(?:\.py|/)`", "".join(re.findall(r"^\*\*.*$", ARCHITECTURE, re.MULTILINE))))
    assert told >= set(FLOORS) - {"__main__", "__init__"}


def test_contracts_stand_where_the_page_says() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([\w/]+\.py)` \|.*\| (.*) \|$", ARCHITECTURE, re.MULTILINE)
    assert {name for name, _, _ in rows} >= {
        "Cell", "Recurrent", "Encoder", "Program", "LanguageModel", "Objective", "Job", "Task", "Entry", "Reader",
    }  # fmt: skip
    for name, file, tests in rows:
        assert re.search(rf"^class {name}\b", (PACKAGE / file).read_text(encoding="utf-8"), re.MULTILINE), name
        assert tests.startswith("`tests/")


def test_names_in_the_lists_of_changes_stand_in_the_files_beside_them() -> None:
    """In "Where do I change X?" a name in brackets after a file is one that the file has."""
    changes = ARCHITECTURE.split("## Where do I change X?")[1]
    pairs = re.findall(r"`([\w/]+\.py)`\s+\(`(\w+)`", changes) + [
        (file, name) for name, file in re.findall(r"`(\w+)`\s+\(`([\w/]+\.py)`", changes)
    ]
    assert len(pairs) > 5
    for file, name in pairs:
        path = ROOT / file if file.startswith("tests/") else PACKAGE / file
        assert re.search(rf"\b{name}", path.read_text(encoding="utf-8")), f"{file} has no {name}"


@pytest.mark.slow
def test_the_reference_is_current(tmp_path: Path) -> None:
    """Written in a process of its own, in which no other test has registered anything."""
    environment = {name: value for name, value in os.environ.items() if name != "ELMAN_PLUGINS"}
    subprocess.run([sys.executable, DOCS / "build_reference.py", tmp_path], check=True, env=environment)
    for page in ("cli.md", "python.md"):
        assert read(f"docs/{page}") == (tmp_path / page).read_text(encoding="utf-8"), f"docs/{page} {HOW_TO_MEND}"


def test_the_reference_has_every_flag_and_every_public_name() -> None:
    import elman
    from elman.cli.main import VERBS

    commands, python = read("docs/cli.md"), read("docs/python.md")
    for verb in VERBS:
        assert f"\n## elman {verb}\n" in commands
    for flag in ("--hidden-size", "--order", "--from", "--multi-label"):
        assert f"| `{flag}`" in commands
    for name in elman.__all__:
        assert f"\n### elman.{name}\n" in python or f"\n### {name}\n" in python or f"| `{name}` |" in python, name
    for name in ("Model.complete", "TextClassifier.save", "State.take"):
        assert f"\n#### {name}\n" in python
    assert "- `words: list[tuple[str, float]]`: Whole words" in python


def test_the_examples_of_the_parser_run() -> None:
    assert doctest.testmod(rooms).attempted == 2 and doctest.testmod(rooms).failed == 0


def test_docstrings_become_markdown() -> None:
    text = """Do it.

    Args:
        a, b: two ``numbers``,
            added.

    Raises:
        OSError: no.

    >>> f(1)  # doctest: +SKIP
    2
    """
    assert docstring(text) == [
        "Do it.", "", "Args:", "", "- `a, b`: two `numbers`, added.", "", "Raises:", "", "- `OSError`: no.", "",
        "```python", ">>> f(1)", "2", "```",
    ]  # fmt: skip
