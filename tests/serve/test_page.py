"""The page in a real browser: typing, by keyboard and by pointer, wide and narrow, light and dark;
and mistakes."""

from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from tests.serve.conftest import Open, Pages, Visit, fit, serving, settle, typed, until

from elman.api import Model
from elman.models.ngram.query import NgramConfig, fit_ngram
from elman.serve.limits import Limits
from elman.text.speller import Speller
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig
from elman.web.assets import names, read

TEXT = "the cat sat on the "


def test_typing_shows_ghost_and_chips(visit: Visit) -> None:
    page = visit.page
    typed(page, TEXT + "ca")
    until(page, "document.querySelector('.typing-ghost').textContent.startsWith('t')")
    chips = page.locator(".typing-chip")
    assert chips.first.locator(".typing-word").inner_text() in ("cat", "catalogue")
    assert "%" in chips.first.inner_text()


def test_two_models_go_on_with_one_text(visit: Visit) -> None:
    page = visit.page
    typed(page, "the cat sat on ")
    second = page.locator(".columns > div").nth(1)
    field = second.locator("textarea")
    assert field.get_attribute("aria-describedby") and field.input_value() == "the cat sat on "
    until(page, "document.querySelectorAll('.typing')[1].querySelectorAll('.typing-chip').length > 0")
    word = second.locator(".typing-word").first.inner_text()
    second.locator(".typing-chip").first.click()
    assert page.locator("textarea").first.input_value() == f"the cat sat on {word}"
    # In the middle, too, both stand at the same place.
    for _ in range(len(word) + 1):
        page.keyboard.press("ArrowLeft")
    page.keyboard.type("!")
    settle(page)
    ends = page.evaluate("[...document.querySelectorAll('textarea')].map(each => [each.value, each.selectionStart])")
    assert ends == [[f"the cat sat on! {word}", len("the cat sat on!")]] * 2
    # A cursor that only moves takes the other one along, and with it what is offered there.
    page.keyboard.press("End")
    until(page, "[...document.querySelectorAll('.typing-ghost')].every(each => each.textContent !== '')")
    page.keyboard.press("ArrowLeft")
    until(page, "[...document.querySelectorAll('.typing-ghost')].every(each => each.textContent === '')")
    page.click("#tab-surprise")
    page.click("#tab-type")
    assert page.locator("textarea").nth(1).input_value() == f"the cat sat on! {word}"


GHOST = "document.querySelector('.typing-ghost').textContent"


def test_tab_and_arrow_take_a_word_and_escape_lets_go(visit: Visit) -> None:
    page = visit.page
    typed(page, "the cat sat")
    until(page, f"{GHOST}.length > 3")
    ghost = page.evaluate(GHOST)
    page.keyboard.press("Tab")
    assert page.locator("textarea").first.input_value() == "the cat sat " + ghost.split()[0]
    settle(page)
    before = page.locator("textarea").first.input_value()
    page.keyboard.press("ArrowRight")
    assert page.locator("textarea").first.input_value().startswith(before + " ")
    settle(page)
    until(page, f"{GHOST} !== ''")
    page.keyboard.press("Escape")
    assert page.evaluate(GHOST) == ""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BUTTON"


def test_a_chip_is_taken_by_pointer_and_by_key(visit: Visit) -> None:
    page = visit.page
    typed(page, "the c")
    word = page.locator(".typing-word").first.inner_text()
    page.locator(".typing-chip").first.click()
    assert page.locator("textarea").first.input_value() == f"the {word}"
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    settle(page)
    second = page.locator(".typing-word").nth(1).inner_text()
    page.keyboard.press("Alt+Digit2")
    assert page.locator("textarea").first.input_value() == f"the {word} {second}"


def test_a_word_in_other_letters_takes_the_place_of_what_was_typed(visit: Visit) -> None:
    page = visit.page
    typed(page, "THE CATA")
    assert page.locator(".columns > div").first.locator(".typing-word").all_inner_texts() == ["CATALOGUE"]
    page.keyboard.press("Alt+Digit1")
    assert page.locator("textarea").first.input_value() == "THE CATALOGUE"
    page.locator("textarea").first.fill("Cafe\u0301 the tHE")
    settle(page)
    page.locator(".typing-chip").first.click()
    assert page.locator("textarea").first.input_value() == "Cafe\u0301 the the"


def test_an_unknown_word_is_said_and_words_are_offered_all_the_same(visit: Visit) -> None:
    page = visit.page
    first = page.locator(".columns > div").first
    for text in ("the zzz", "the zzz ", "🙂"):
        page.locator("textarea").first.fill(text)
        settle(page)
        assert first.locator(".typing-note").inner_text() == f"“{text.split()[-1]}” is new to this model."
        assert first.locator(".typing-chip").count() == 7
    page.locator("textarea").first.fill("the cat")
    settle(page)
    assert first.locator(".typing-note").inner_text() == ""


def test_a_long_text_leaves_the_words_on_the_screen(browser: Any, address: str) -> None:
    visit = Visit(browser, address, viewport={"width": 390, "height": 500}, has_touch=True, is_mobile=True)
    page = visit.page
    assert page.locator(".typing-touch").first.is_visible() and not page.locator(".typing-keys").first.is_visible()
    page.locator("textarea").first.fill("the cat sat on the mat " * 40)
    settle(page)
    paper, chip = page.locator(".typing-paper").first, page.locator(".typing-chip").first
    assert paper.bounding_box()["height"] <= 200 and chip.bounding_box()["y"] < 450
    # The end of the text is in sight.
    assert paper.evaluate("each => each.scrollHeight - each.scrollTop - each.clientHeight") <= 1
    visit.context.close()


def test_a_model_that_is_called_like_its_kind_is_named_once(opened: Open) -> None:
    page = opened({"ngram": fit("word"), "mine": fit("word")}).page
    assert page.locator("#model option").all_inner_texts() == ["ngram", "mine (ngram)"]


def test_what_goes_wrong_is_said(browser: Any) -> None:
    with serving({"words": fit("word")}, key="sesame") as address:
        visit = Visit(browser, address)
        page = visit.page
        page.wait_for_selector("#ask-key:not([hidden])")
        assert page.locator("#trouble").inner_text() == "This server wants its API key."
        assert page.locator("header select:visible").count() == 0
        for wrong in ("open", "s\u00e9same"):
            page.fill("#key", wrong)
            page.keyboard.press("Enter")
            settle(page)
            assert "API key is missing or wrong" in page.locator("#trouble").inner_text()
        page.fill("#key", "sesame")
        page.keyboard.press("Enter")
        page.wait_for_selector("textarea")
        typed(page, "the ")
        page.wait_for_selector(".typing-chip")
    page.locator("textarea").first.press_sequentially("c")
    page.wait_for_selector("#trouble:not(:empty)")
    assert "does not answer" in page.locator("#trouble").inner_text()
    visit.context.close()


def test_too_much_at_once_is_said(opened: Open) -> None:
    limits = Limits(max_running=1, max_tokens=100_000)  # so many that the first answer is not over too soon
    visit = opened({"words": fit("word"), "letters": fit("char")}, limits=limits)
    page = visit.page
    page.click("#tab-generate")
    page.evaluate("document.querySelector('input[name=max_tokens]').max = 100000")
    page.fill("input[name=max_tokens]", "100000")
    page.click("button.act:not(.stop)")
    page.wait_for_selector("#trouble:not(:empty)")
    assert "as many as this server takes; try again in a" in page.locator("#trouble").inner_text()
    page.click("button.stop")
    assert all("429" in mistake for mistake in visit.mistakes)  # that the browser notes
    visit.mistakes.clear()
    visit.load()  # what is chosen for generating stays as long as the page


def test_a_stream_that_breaks_off_is_said(visit: Visit) -> None:
    page = visit.page
    page.click("#tab-generate")
    half = 'data: {"choices": [{"text": "the cat"}]}\n\n'
    page.route("**/v1/completions", lambda route: route.fulfill(body=half, content_type="text/event-stream"))
    page.click("button.act:not(.stop)")
    page.wait_for_selector("#trouble:not(:empty)")
    assert "broke off" in page.locator("#trouble").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_sideways_scrolling(pages: Pages, address: str, scheme: Any) -> None:
    visit = pages.visit(width=360, scheme=scheme)
    page = visit.page
    # A word longer than the screen is broken.
    typed(page, "the catalogue is on the mat, and the dog ran. " + "averyveryverylongword" * 5)
    for name in ("type", "surprise", "memory", "generate"):
        page.click(f"#tab-{name}")
        if name in ("surprise", "memory"):
            page.wait_for_selector(f"#{name} .token, #{name} .box")
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
        inside = page.locator(f"#tab-{name}").bounding_box()
        assert inside["x"] >= 0 and inside["x"] + inside["width"] <= 360
    ink, ground = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    lights = [sum(map(int, color.removeprefix("rgb(").removesuffix(")").split(","))) for color in (ink, ground)]
    assert (lights[0] < lights[1]) == (scheme == "light")
    visit.check()


def test_the_keyboard_alone_and_a_screen_reader_find_everything(visit: Visit) -> None:
    page = visit.page
    tree = page.locator("body").aria_snapshot()
    for said in (
        'combobox "Model"',
        'tab "Type" [selected]',
        'textbox "Text, continued by words"',
        'group "Likely words"',
    ):
        assert said in tree, tree
    page.locator("#tab-type").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-surprise"
    assert page.locator("#surprise").is_visible() and not page.locator("#type").is_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.id") == "tab-summarize"


def test_all_is_done_by_keyboard(visit: Visit) -> None:
    page = visit.page

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    def tab_until(expression: str) -> None:
        for _ in range(40):
            press("Tab")
            if page.evaluate(f"(() => {{ const here = document.activeElement; return {expression}; }})()"):
                return
        raise AssertionError(f"Tab never leads to: {expression}")

    page.keyboard.type("the cat sat")
    settle(page)
    until(page, f"{GHOST} !== ''")
    press("Tab")
    settle(page)
    press("Escape", "Tab")
    word = page.locator(".typing-word").nth(1).inner_text()
    press("2")
    before = page.locator("textarea").first.input_value()
    assert before.endswith(f" {word}") and page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    press("Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "tab-type"
    press("ArrowRight")
    until(page, "document.querySelectorAll('#surprise .figures b').length === 4")
    tab_until("here.classList.contains('token') && here.textContent === ' cat'")
    assert page.locator(".detail").first.inner_text().startswith("cat")
    page.locator("#tab-surprise").focus()
    press("ArrowRight")
    page.wait_for_selector(".box")
    tab_until("here.dataset.place === '2'")
    press("Enter")
    until(page, "document.activeElement.dataset.place === '2' && document.activeElement.ariaPressed === 'true'")
    for _ in range(40):
        press("Shift+Tab")
        if page.evaluate("document.activeElement.id") == "tab-memory":
            break
    press("ArrowRight")
    tab_until("here.name === 'max_tokens'")
    page.keyboard.type("8")
    press("Enter")
    until(page, "[...document.querySelectorAll('.made')].every(each => each.childNodes.length > 1)")
    visit.load()  # what is chosen for generating stays as long as the page


def test_a_hostile_vocabulary_is_only_text(opened: Open) -> None:
    bad = "<img/src=x/onerror=alert(1)>"
    lines = [f"say {bad} now"] * 5
    tokenizer = Tokenizer.fit(lines, config=TokenizerConfig(pretokenized=True, min_count=1))
    ids = np.concatenate([[*tokenizer.encode(line).ids, EOS_ID] for line in lines])
    model = Model(fit_ngram(ids, np.array([0, len(ids)]), tokenizer, config=NgramConfig(order=2)), Speller.fit({}))
    page = opened({bad: model}).page
    asked: list[Any] = []
    page.on("dialog", lambda dialog: (asked.append(dialog), dialog.dismiss()))
    typed(page, "say ")
    page.wait_for_selector(".typing-chip")
    assert bad in page.locator(".typing-chip").first.inner_text()
    page.keyboard.press("Tab")
    for name in ("surprise", "memory", "generate"):
        page.click(f"#tab-{name}")
        settle(page)
    assert not asked and page.locator("img").count() == 0


def test_only_its_own_files_are_served(address: str) -> None:

    def get(path: str, **headers: str) -> Any:
        return urlopen(Request(address + path, headers=headers))

    assert get("", Accept="text/html").headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert b"POST /v1/complete" in get("").read()
    for name in names():
        answer = get(f"web/{name}")
        assert answer.read().decode() == read(name)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for name in ("assets.py", "..%2fapi.py", "__init__.py", "nothing.js"):
        with pytest.raises(HTTPError, match="404"):
            get(f"web/{name}")


def test_no_file_of_the_page_asks_elsewhere() -> None:
    for file in Path(__file__).parents[2].glob("src/elman/web/*"):
        if file.suffix in (".js", ".css", ".html"):
            text = file.read_text(encoding="utf-8")
            assert "http://" not in text and "https://" not in text and "innerHTML" not in text, file.name
