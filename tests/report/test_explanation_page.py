"""Why a label: the page marks the right words and escapes everything; the drawing holds the
prefixes."""

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from elman.report.explanation_page import draw_word_by_word, explanation_page
from elman.report.style import new_figure


def explanation(text: str, contributions: list[float], **more: Any) -> dict[str, Any]:
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    words = [
        {"text": text[start:end], "start": start, "end": end, "contribution": contribution, "probability": 0.25}
        for (start, end), contribution in zip(spans, contributions, strict=True)
    ]
    steps = np.linspace(0.5, 0.8, len(words) + 1)
    prefixes = [[1 - step, step] for step in steps]
    return {
        "text": text, "label": "good", "probability": 0.8, "words": words, "names": ["bad", "good"],
        "prefixes": prefixes, **more,
    }  # fmt: skip


class Reader(HTMLParser):
    """What stands in the paragraph of the text, its marked words, and every tag of the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text, self.marks, self.tags, self.inside = "", [], set(), False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        of = dict(attrs)
        if tag == "p":
            self.inside = of.get("class") == "text"
        if tag == "span" and self.inside:
            self.marks.append((of["class"], of["style"], of["title"], ""))

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.text += data
            if self.marks and not self.marks[-1][-1]:
                self.marks[-1] = (*self.marks[-1][:-1], data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "p":
            self.inside = False


def test_words_are_marked_by_side_and_strength_and_the_text_is_whole() -> None:
    text = " A  <b>great</b> film,\nnot & bad "
    page = explanation_page(explanation(text, [0.001, 2.0, -0.5, 0.0, 1.0, -2.0]))
    read = Reader(page)
    assert read.text == text
    assert read.marks == [
        ("for", "--strength: 1.000", "+2.00", "<b>great</b>"),
        ("against", "--strength: 0.250", "-0.50", "film,"),
        ("for", "--strength: 0.500", "+1.00", "&"),
        ("against", "--strength: 1.000", "-2.00", "bad"),
    ]
    assert "<h1>good: 80.0%</h1>" in page and "<td>+0.00</td><td>25.0%</td>" in page
    assert "<b>" not in page and "script" not in read.tags


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = explanation_page(
        explanation("<script>alert(1)</script> \x1b[2J", [1.0, -1.0], label="<i>", names=["bad", "<i>"])
    )
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#)|url\((?!#)|@import""", page)
    assert "<script" not in page and "<i>" not in page and "currentColor" in page
    assert "prefers-color-scheme: dark" in page and "width=device-width" in page and "default-src 'none'" in page


def test_a_text_without_contributions_is_not_marked() -> None:
    assert Reader(explanation_page(explanation("a b", [0.0, 0.0]))).marks == []


def test_the_drawing_holds_the_probability_after_each_word() -> None:
    figure = new_figure(5, 3)
    draw_word_by_word(figure, explanation("an averylongwordindeed", [0.5, 1.0]))
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["(start)", "an", "averylongword…"]
    assert [line.get_label() for line in axes.lines] == ["good", "bad"]  # the explained label first
    assert np.asarray(axes.lines[0].get_ydata()) == pytest.approx([0.5, 0.65, 0.8])


def test_of_many_words_and_labels_some_are_named() -> None:
    many = explanation(" ".join("word" for _ in range(100)), [0.1] * 100, names=[f"n{k}" for k in range(9)], label="n8")
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(9), size=101)
    probabilities[:, 8] = 0.0
    many["prefixes"] = probabilities.tolist()
    figure = new_figure(5, 3)
    draw_word_by_word(figure, many)
    (axes,) = figure.axes
    assert len(axes.get_xticks()) == 34 and len(axes.lines) == 5
    likeliest = np.argsort(-probabilities.max(axis=0))[:4]
    assert [line.get_label() for line in axes.lines] == ["n8", *(f"n{k}" for k in likeliest)]
