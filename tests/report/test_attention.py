"""Attention as a picture and as a page: each weight is at its words, and texts are escaped."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from elman.report.attention import MOST_WORDS, attention_files, attention_page, attention_size, draw_attention
from elman.report.style import new_figure

SENTENCE = {
    "source": ["Das", "<b>Haus</b>"],
    "target": ["The", "big", "house"],
    "attention": [[0.9, 0.1], [0.25, 0.75], [0.0, 1.0]],
}


def test_rows_are_target_words_and_columns_source_words() -> None:
    figure = new_figure(*attention_size(SENTENCE))
    draw_attention(figure, SENTENCE)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == SENTENCE["source"]
    assert [label.get_text() for label in axes.get_yticklabels()] == SENTENCE["target"]
    assert np.array_equal(axes.collections[0].get_array(), SENTENCE["attention"])
    assert axes.yaxis_inverted()


def test_the_table_has_a_frame_on_all_sides() -> None:
    unseen = {"source": [""] * 7, "target": [""] * 3, "attention": np.zeros((3, 7)).tolist()}
    grey = np.asarray(Image.open(io.BytesIO(attention_files(unseen)["png"])).convert("L"))
    for across, cells in ((grey[grey.shape[0] // 2], 7), (grey[:, grey.shape[1] // 2], 3)):
        assert (across == across.min()).sum() == cells + 1


def test_long_sentences_are_cut() -> None:
    words = [str(number) for number in range(100)]
    sentence = {"source": words, "target": words[:90], "attention": np.eye(100)[:90].tolist()}
    figure = new_figure(*attention_size(sentence))
    draw_attention(figure, sentence)
    shown = figure.axes[0].collections[0].get_array()
    assert np.array_equal(shown, np.eye(MOST_WORDS))
    assert max(attention_size(sentence)) < 12


def test_the_page_marks_the_words_of_both_sides() -> None:
    page = attention_page([SENTENCE, {"source": ["x"], "target": [], "attention": []}])
    rules = re.findall(r"#n(\d+):has\(\.(\w+):is\(:hover, :focus\)\) \.(\w+) { --strength: ([0-9.]+) }", page)
    weights = {(one, other): float(weight) for number, one, other, weight in rules if number == "0"}
    for row, each in enumerate(SENTENCE["attention"]):
        for column, weight in enumerate(each):
            assert weights.get((f"t{row}", f"s{column}"), 0) == weights.get((f"s{column}", f"t{row}"), 0) == weight
    assert "<b>" not in page and "&lt;b&gt;Haus" in page and "<script" not in page


def test_pointing_at_a_word_colours_the_others(browser, tmp_path) -> None:
    file = tmp_path / "attention.html"
    file.write_text(attention_page([SENTENCE, SENTENCE]), encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(file.as_uri())

    def colours(side: str) -> list[str]:
        found = page.locator(f"#n1 .{side}0, #n1 .{side}1, #n1 .{side}2")
        return [each.evaluate("word => getComputedStyle(word).backgroundColor") for each in found.all()]

    assert len(set(colours("s"))) == 1
    page.hover("#n1 .t1")
    assert [float(re.findall(r"[0-9.]+", colour)[-1]) for colour in colours("s")] == pytest.approx(
        [0.75 * 0.25, 0.75 * 0.75], abs=0.01
    )
    page.locator("#n1 .s0").focus()
    page.mouse.move(0, 0)
    assert len(set(colours("t"))) == 3
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()
