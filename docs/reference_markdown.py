"""Docstrings and help texts as Markdown."""

import inspect
import re
import textwrap
from collections.abc import Iterable

WIDTH = 100
NOTE = "<!-- Written by docs/build_reference.py from the source; run: make reference -->"
_SECTION = re.compile(r"(Args|Attributes|Returns|Raises|Yields):$")


def cell(text: str) -> str:
    """Text inside a cell of a table."""
    text = re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split()))
    text = re.sub(r"__(\w+?)__", r"\_\_\1\_\_", text)
    return re.sub(r"(?<!`)<(\w+)>(?!`)", r"`<\1>`", text).replace("|", "\\|")


def docstring(text: str) -> list[str]:
    """A docstring as Markdown: paragraphs, sections as lists, examples as code."""
    lines: list[str] = []
    for block in inspect.cleandoc(text).split("\n\n"):
        rows = block.split("\n")
        heading = _SECTION.match(rows[0])
        if heading:
            lines += [f"{heading[1]}:", ""]
            for entry in _entries(rows[1:]):
                name, colon, says = entry.partition(": ")
                named = colon and re.fullmatch(r"[\w, *`]+", name) and heading[1] != "Returns"
                lines += item(f"`{name}`: {plain(says)}" if named else plain(entry))
        elif rows[0].startswith(">>>"):
            lines += ["```python", *(re.sub(r"\s*# doctest:.*", "", row) for row in rows), "```"]
        elif rows[0].startswith("    "):
            lines += rows
        else:
            lines += wrapped(plain(" ".join(rows)))
        lines.append("")
    return lines[:-1]


def _entries(rows: Iterable[str]) -> list[str]:
    """The entries of a section, each with its continuation lines."""
    entries: list[str] = []
    for row in rows:
        if row.startswith("     ") and entries:
            entries[-1] += " " + row.strip()
        elif row.startswith("    "):
            entries.append(row.strip())
    return entries


def plain(text: str) -> str:
    """A text on one line."""
    return re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split()))


def item(text: str) -> list[str]:
    """An entry of a list."""
    return textwrap.wrap(text, WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)


def wrapped(text: str) -> list[str]:
    """A paragraph."""
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False, break_long_words=False)
