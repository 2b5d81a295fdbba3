"""Looks tell families apart, with and without colour; pages need nothing from elsewhere and escape
what they show."""

import itertools
import re
from pathlib import Path
from typing import Any

from elman.models.registry import trainable
from elman.report.page import Section, write_page
from elman.report.style import LOOKS, labelled, look


def test_no_two_families_look_alike_even_without_colour() -> None:
    for one, other in itertools.combinations({*LOOKS, *trainable()}, 2):
        assert look(one) != look(other)
        assert (look(one).dash, look(one).marker) != (look(other).dash, look(other).marker)


def draw(figure: Any) -> None:
    axes = labelled(figure, x="time (s)", y="loss (bits)")
    axes.plot([0, 1], [2, 1], label="<b>$x$")
    axes.legend()


def test_a_page_stands_alone_and_its_ink_is_the_pages(tmp_path: Path) -> None:
    sections = [
        Section("One <i>", ["a < b & c"], "one", draw, table=[["head"], ["<script>alert(1)</script>"]]),
        Section("Two", [], "two", draw),
    ]
    page, *pictures = write_page(tmp_path, "page.html", title="T", head="h", sections=sections)
    text = page.read_text(encoding="utf-8")
    assert "a &lt; b &amp; c" in text and "<script" not in text and "<i>" not in text and "<b>" not in text
    assert "currentColor" in text and "time (s)" in text and "loss (bits)" in text
    # Namespaces are names; nothing else may point outside.
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)|url\((?!#)|@import""", text)
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert {path.name for path in pictures} == {"one.png", "one.svg", "two.png", "two.svg"}
