"""The page's view "Translate" in a real browser: lines as one types, and words that go together."""

from typing import Any

import pytest
from tests.serve.conftest import Open, typed, until
from tests.serve.translators import Backwards


def shares(page: Any, words: str) -> list[float]:
    """How strongly each word is marked."""
    found = page.locator(words).evaluate_all("all => all.map(word => word.style.getPropertyValue('--share'))")
    return [float(share or 0) for share in found]


def test_lines_are_translated_as_one_types(opened: Open) -> None:
    page = opened({"back": Backwards()}).page
    typed(page, "the old house\n\nis  <b>red</b>")
    until(page, "document.querySelectorAll('.translated p').length === 2")
    lines = page.locator(".translated p").all_inner_texts()
    assert [line.split() for line in lines] == [["HOUSE", "OLD", "THE"], ["<B>RED</B>", "IS"]]
    page.fill("textarea", "")
    until(page, "document.querySelectorAll('.translated p').length === 0")


def test_pointing_at_a_word_marks_what_goes_with_it(opened: Open) -> None:
    page = opened({"back": Backwards()}, width=390, scheme="dark").page
    typed(page, "ab cd\nthe old  house")
    until(page, "document.querySelectorAll('.translated p').length === 2")
    page.locator(".translated p:nth-child(2) span:nth-child(1)").hover()
    until(page, "document.querySelectorAll('.looked-at').length > 0")
    assert page.locator(".looked-at").all_inner_texts() == ["the", "house"]
    assert shares(page, ".looked-at") == [0.1, 0.9]
    assert page.locator(".translate .told").last.inner_text() == "“HOUSE” looks at “house” 90%, “the” 10%."
    box = page.locator(".typing-mirror span", has_text="the").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(page, "document.querySelector('.told').textContent.startsWith('“the” goes with')")
    assert page.locator(".told").first.inner_text() == "“the” goes with “THE” 100%, “HOUSE” 10%, “OLD” 10%."
    assert shares(page, ".translated span") == pytest.approx([0, 0, 0.1, 0.1, 1.0])
    assert page.locator(".looked-at").count() == 0
    page.mouse.move(2, 2)
    until(page, "document.querySelector('.told').textContent.startsWith('Point at')")
    assert shares(page, ".translated span") == [0] * 5
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_without_attention_there_is_the_text_alone(opened: Open) -> None:
    visit = opened({"blind": Backwards("none")})
    typed(visit.page, "a b")
    until(visit.page, "document.querySelector('.translated p') !== null")
    assert visit.page.locator(".translated p").inner_text() == "B A"
    assert visit.page.locator(".translated span").count() == 0
    assert visit.page.locator("#trouble").inner_text() == ""
