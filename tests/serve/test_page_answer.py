"""The page's view "Answer" in a real browser: in a text, in the documents of an index, and side by
side."""

from tests.serve.conftest import Open, until
from tests.serve.notes import notes
from tests.serve.readers import Counter

TEXT = "😀 1912 men came, <b>and</b> 1912 left.\nAll of them."


def test_the_answer_is_marked_in_the_text(opened: Open) -> None:
    page = opened({"count": Counter()}, width=390, scheme="dark").page
    assert page.evaluate("document.activeElement.name") == "question"
    page.fill("[name=question]", "How many came?")
    page.fill("textarea", TEXT)
    until(page, "document.querySelectorAll('.central').length === 1")
    assert page.locator(".central").inner_text() == "1912" and page.locator(".given-answer").inner_text() == "1912"
    assert page.locator(".typing-mirror").inner_text().startswith("😀 1912 men")
    assert page.locator("#answer .note").inner_text() == "The reader is sure of its first and last word by 75%."
    page.fill("textarea", "two men.")
    until(page, "document.querySelector('.given-answer').textContent === 'Not in the text.'")
    assert page.locator(".central").count() == 0 and "3.50 is needed" in page.locator("#answer .note").inner_text()
    page.fill("[name=question]", "")
    until(page, "document.querySelector('.given-answer').textContent === ''")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_documents_answer_beside_a_text(opened: Open) -> None:
    page = opened({"notes": notes({"cats": "12 cats, 1912 dogs", "<i>": "1912 cats"}), "count": Counter()}).page
    page.click("#tab-answer")
    page.fill("[name=question]", "How many cats?")
    page.fill("textarea", TEXT)
    until(page, "document.querySelectorAll('.given-answer').length === 2")
    until(page, "[...document.querySelectorAll('.given-answer')].every((each) => each.textContent === '1912')")
    assert page.locator(".snippet mark").all_inner_texts() == ["1912"]
    assert page.locator(".note").first.inner_text().startswith("From <i>, read by count. The reader is sure")
    page.click("#tab-rank")
    page.click("#tab-answer")
    assert page.locator("[name=question]").input_value() == "How many cats?"


def test_rules_answer_where_there_is_no_reader(opened: Open) -> None:
    page = opened({"notes": notes()}).page
    page.click("#tab-answer")
    page.fill("[name=question]", "What barks at the cat?")
    until(page, "document.querySelector('.given-answer').textContent === 'a dog'")
    assert page.locator("#answer textarea").count() == 0
    assert page.locator(".snippet").inner_text() == "a dog barks at the cat"
