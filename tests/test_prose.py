"""Prose wraps at 100 columns: pages, docstrings and comments."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rooms import statements, tree

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WIDEST = 100
_CODE = re.compile(
    r"\s*(>>>|\.\.\. |[\[({]|->|(python|elman|note:|\w+\.\w+\.\w+Error:) )|.* -> .* -> |.*\S {2,}\S|.*\\$"
)
"""Lines of docstrings that are no prose: examples, what they print, commands, equations, tables."""


def prose_of_page(text: str) -> Iterator[str]:
    """Lines of a page without headings, tables, pictures and code.

    >>> list(prose_of_page("# Head\\ntext\\n| a | b |\\n```sh\\nls\\n```\\n    ls\\n- an item\\n  of two lines"))
    ['text', '- an item', '  of two lines']
    """
    code = False
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            code = not code
        elif not code and not re.match(r"#|\s*\||!\[| {4}(?!\d+\.|[-*] )", line):
            yield line


def docstrings(file: Path, lines: list[str]) -> Iterator[str]:
    """Lines of the docstrings of a module up to their first example, and its comments."""
    yield from (line for line in lines if line.lstrip().startswith("#"))
    for node in statements(tree(file)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for line in lines[node.lineno - 1 : node.end_lineno]:
                if line.lstrip().startswith(">>>"):
                    break
                yield line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_wrap(page: Path) -> None:
    assert [line for line in prose_of_page(page.read_text(encoding="utf-8")) if len(line) > WIDEST] == []


def test_docstrings_and_comments_wrap() -> None:
    wide = []
    for file in (ROOT / "src").rglob("*.py"):
        lines = file.read_text(encoding="utf-8").splitlines()
        if any(len(line) > WIDEST for line in lines):
            found = (line for line in docstrings(file, lines) if len(line) > WIDEST and not _CODE.match(line))
            wide += [f"{file.name}: {line.strip()}" for line in found]
    assert wide == []
