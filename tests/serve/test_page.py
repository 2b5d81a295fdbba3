"""The page in a real browser: what a person would do, by keyboard and by pointer, wide and narrow, light and dark."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import uvicorn
from tests.serve.conftest import fit

from elman.api import Model
from elman.serve.app import create_app
from elman.serve.limits import Limits
from elman.web.assets import names, read

TEXT = "the cat sat on the "


@contextlib.contextmanager
def serving(models: dict[str, Model], **options: Any) -> Iterator[str]:
    """The address of a server in a thread of this process."""
    app = create_app(models, **options)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving({"words": fit("word"), "letters": fit("char", order=6)}) as found:
        yield found


class Visit:
    """A page, what it asked for, and what went wrong in it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.mistakes: list[str] = []
        page.set_default_timeout(8000)
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        page.on("console", lambda message: self.mistakes.append(message.text) if message.type == "error" else None)


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    found = Visit(context.new_page())
    found.page.goto(address)
    found.page.wait_for_selector("textarea")
    yield found
    context.close()
    assert not found.mistakes
    assert all(url.startswith((address, "data:")) for url in found.requests), found.requests


def until(page: Any, expression: str) -> None:
    """Wait for an expression to become true; the page forbids what playwright does for that."""
    for _ in range(400):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never true: {expression}")


def typed(page: Any, text: str) -> None:
    """Type, and wait for the answer to the last key."""
    page.locator("textarea").first.focus()
    page.keyboard.type(text)
    page.wait_for_timeout(250)


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
    page.wait_for_timeout(250)
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
    page.wait_for_timeout(300)
    before = page.locator("textarea").first.input_value()
    page.keyboard.press("ArrowRight")
    assert page.locator("textarea").first.input_value().startswith(before + " ")
    page.wait_for_timeout(300)
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
    page.wait_for_timeout(300)
    second = page.locator(".typing-word").nth(1).inner_text()
    page.keyboard.press("Alt+Digit2")
    assert page.locator("textarea").first.input_value() == f"the {word} {second}"


def test_surprise_shades_words_and_tells_what_was_expected(visit: Visit) -> None:
    page = visit.page
    typed(page, "the cat sat on the zebra")
    page.click("#tab-surprise")
    page.wait_for_selector("#surprise .columns > div:nth-child(2) .token")
    first = page.locator("#surprise .columns > div").first
    assert "bits per byte" in first.inner_text() and "perplexity" in first.inner_text()
    shares = first.locator(".token").evaluate_all("all => all.map(each => +each.style.getPropertyValue('--share'))")
    assert shares[5] == max(shares) > 0.5 > shares[1]
    first.locator(".token").nth(1).hover()
    detail = first.locator(".detail").inner_text()
    assert detail.startswith("cat") and "bits" in detail and "catalogue" in detail
    # The other column shows the same place: there, words are letters.
    second = page.locator("#surprise .columns > div").nth(1)
    assert second.locator(".token[aria-pressed=true]").all_inner_texts() == [" "]
    assert second.locator(".detail").inner_text() != detail
    first.locator(".token").nth(4).focus()
    assert first.locator(".detail").inner_text().startswith("the")


def test_bytes_are_shown_as_the_characters_that_they_are(browser: Any) -> None:
    page = browser.new_page()
    with serving({"bytes": fit("byte", order=6)}) as address:
        page.goto(address)
        page.wait_for_selector("textarea")
        typed(page, "café 猫!")
        page.click("#tab-surprise")
        page.wait_for_selector("#surprise .token")
        assert page.locator("#surprise .token").all_inner_texts() == [*"café 猫!", "↵"]
        labels = page.locator("#surprise .token").evaluate_all("all => all.map(each => each.ariaLabel)")
        found = page.evaluate("""async () => (await (await fetch("v1/score", {method: "POST", body: JSON.stringify(
            {text: "café 猫!"}), headers: {"Content-Type": "application/json"}})).json()).lines[0].per_token""")
        cat = sum(token["bits"] for token in found[6:9])
        assert labels[5] == f"猫, {cat:.1f} bits" and len(found) == 11
    page.close()


def test_memory_shows_the_hard_window_of_an_n_gram(visit: Visit) -> None:
    page = visit.page
    typed(page, "a dog sat on the mat")
    page.click("#tab-memory")
    page.wait_for_selector(".row:nth-child(2) .box")
    row = page.locator(".row").first
    assert "only the last 2 words count here" in row.inner_text()
    unseen = row.locator(".box").evaluate_all("all => all.map(each => each.classList.contains('unseen'))")
    assert unseen == [True] * 4 + [False] * 3
    row.locator(".box").nth(3).click()
    until(page, "document.querySelectorAll('.row:first-child .box')[3].ariaPressed === 'true'")
    assert page.locator(".row").first.locator(".box.later").count() == 2
    assert page.evaluate("document.activeElement.dataset.place") == "3"


def test_memory_tells_what_a_word_is_good_for(visit: Visit, address: str) -> None:
    page = visit.page
    text, place = "a dog sat on the mat", 4
    typed(page, text)
    page.click("#tab-memory")
    page.wait_for_selector(".row:nth-child(2) .box")
    # The letters' model has words as well; choosing in its row chooses in both, and the focus stays.
    page.locator(".row").nth(1).locator(".box").nth(place).click()
    until(page, f"document.querySelectorAll('.row:first-child .box')[{place}].ariaPressed === 'true'")
    assert page.evaluate("[...document.querySelectorAll('.row')].indexOf(document.activeElement.closest('.row'))") == 1
    body = json.dumps({"model": "words", "text": text, "place": place}).encode()
    request = Request(f"{address}v1/memory", body, {"Content-Type": "application/json"})
    wanted = json.load(urlopen(request))["words"][place - 1]
    assert wanted["change"] > 0.01
    row = page.locator(".row").first
    row.locator(".box").nth(place - 1).hover()
    said = row.locator(".told").inner_text()
    assert f"Without “on” the prediction changes by {wanted['bits']:.2f} bits" in said
    assert f"“the” costs {wanted['change']:.2f} bits more" in said
    row.locator(".box").nth(0).focus()
    assert "“a” is out of sight here" in row.locator(".told").inner_text()
    row.locator(".box").nth(place).focus()
    assert row.locator(".told").inner_text().startswith("Expected there: the")


def test_the_place_is_the_same_for_models_that_cut_otherwise(visit: Visit) -> None:
    page = visit.page
    # To words the comma is one by itself, to letters it is not.
    typed(page, "the mat, and the dog")
    page.click("#tab-memory")
    page.wait_for_selector(".row:nth-child(2) .box")
    chosen = "[...document.querySelectorAll('.box[aria-pressed=true] span')].map(each => each.textContent)"
    assert page.evaluate(chosen) == ["…", "…"]
    page.locator(".row").first.get_by_text("dog", exact=True).click()
    until(page, f"{chosen}.join() === 'dog,dog'")
    page.locator(".row").first.get_by_text(",", exact=True).click()
    until(page, f"{chosen}.join() === ',,mat,'")


def test_generation_streams_and_stops(browser: Any) -> None:
    limits = Limits(max_tokens=2048)
    with serving({"words": fit("word")}, limits=limits) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("textarea")
        typed(page, "the cat")
        page.click("#tab-generate")
        page.fill("input[name=max_tokens]", "12")
        page.click("button.act:not(.stop)")
        until(page, "document.querySelector('.made').textContent.length > 20")
        once = page.locator(".made").inner_text()
        assert once.startswith("the cat")
        page.wait_for_selector("button.stop:disabled")
        page.click("button.act:not(.stop)")
        page.wait_for_selector("button.stop:disabled")
        assert page.locator(".made").inner_text() == once  # the same seed
        page.fill("input[name=max_tokens]", "2048")
        page.click("button.act:not(.stop)")
        page.wait_for_selector("button.stop:enabled")
        page.click("button.stop")
        stopped = page.locator(".made").inner_text()
        page.wait_for_timeout(300)
        assert page.locator(".made").inner_text() == stopped
        page.fill("input[name=max_tokens]", "2048")
        page.fill("input[name=stop]", "cat|dog")
        page.click("button.act:not(.stop)")
        page.wait_for_selector("button.stop:disabled")
        made = page.locator(".made").inner_text().removeprefix("the cat")
        assert "cat" not in made and "dog" not in made
        page.close()


def test_what_goes_wrong_is_said(browser: Any) -> None:
    page = browser.new_page()
    with serving({"words": fit("word")}, key="sesame") as address:
        page.goto(address)
        page.wait_for_selector("#ask-key:not([hidden])")
        assert page.locator("#trouble").inner_text() == "This server wants its API key."
        assert page.locator("header select:visible").count() == 0
        for wrong in ("open", "s\u00e9same"):
            page.fill("#key", wrong)
            page.keyboard.press("Enter")
            page.wait_for_timeout(300)
            assert "API key is missing or wrong" in page.locator("#trouble").inner_text()
        page.fill("#key", "sesame")
        page.keyboard.press("Enter")
        page.wait_for_selector("textarea")
        typed(page, "the ")
        page.wait_for_selector(".typing-chip")
    page.locator("textarea").first.press_sequentially("c")
    page.wait_for_selector("#trouble:not(:empty)")
    assert "does not answer" in page.locator("#trouble").inner_text()
    page.close()


def test_too_much_at_once_is_said(browser: Any) -> None:
    limits = Limits(max_running=1, max_tokens=2048)
    with serving({"words": fit("word"), "letters": fit("char")}, limits=limits) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("textarea")
        page.click("#tab-generate")
        page.fill("input[name=max_tokens]", "2048")
        page.click("button.act:not(.stop)")
        page.wait_for_selector("#trouble:not(:empty)")
        assert "as many as this server takes; try again in a" in page.locator("#trouble").inner_text()
        page.click("button.stop")
        page.close()


def test_a_stream_that_breaks_off_is_said(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector("textarea")
    page.click("#tab-generate")
    half = 'data: {"choices": [{"text": "the cat"}]}\n\n'
    page.route("**/v1/completions", lambda route: route.fulfill(body=half, content_type="text/event-stream"))
    page.click("button.act:not(.stop)")
    page.wait_for_selector("#trouble:not(:empty)")
    assert "broke off" in page.locator("#trouble").inner_text()
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_needs_no_sideways_scrolling(browser: Any, address: str, scheme: Any) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 640}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("textarea")
    # A word longer than the screen is broken.
    typed(page, "the catalogue is on the mat, and the dog ran. " + "averyveryverylongword" * 5)
    for name in ("type", "surprise", "memory", "generate"):
        page.click(f"#tab-{name}")
        if name in ("surprise", "memory"):
            page.wait_for_selector(f"#{name} .token, #{name} .box")
        page.wait_for_timeout(150)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
        inside = page.locator(f"#tab-{name}").bounding_box()
        assert inside["x"] >= 0 and inside["x"] + inside["width"] <= 360
    ink, ground = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    lights = [sum(map(int, color.removeprefix("rgb(").removesuffix(")").split(","))) for color in (ink, ground)]
    assert (lights[0] < lights[1]) == (scheme == "light")
    context.close()


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
    assert page.evaluate("document.activeElement.id") == "tab-generate"


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
    until(page, f"{GHOST} !== ''")
    press("Tab", "Escape", "Tab")
    word = page.locator(".typing-word").nth(1).inner_text()
    press("2")
    before = page.locator("textarea").first.input_value()
    assert before.endswith(f" {word}") and page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    press("Shift+Tab")
    assert page.evaluate("document.activeElement.id") == "tab-type"
    press("ArrowRight")
    page.wait_for_selector(".token")
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


def test_a_hostile_vocabulary_is_only_text(browser: Any) -> None:
    bad = "<img/src=x/onerror=alert(1)>"
    import numpy as np

    from elman.models.ngram.query import NgramConfig, fit_ngram
    from elman.text.speller import Speller
    from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig

    lines = [f"say {bad} now"] * 5
    tokenizer = Tokenizer.fit(lines, config=TokenizerConfig(pretokenized=True, min_count=1))
    ids = np.concatenate([[*tokenizer.encode(line).ids, EOS_ID] for line in lines])
    model = Model(fit_ngram(ids, np.array([0, len(ids)]), tokenizer, config=NgramConfig(order=2)), Speller.fit({}))
    with serving({bad: model}) as address:
        page = browser.new_page()
        asked: list[Any] = []
        page.on("dialog", lambda dialog: (asked.append(dialog), dialog.dismiss()))
        page.goto(address)
        page.wait_for_selector("textarea")
        typed(page, "say ")
        page.wait_for_selector(".typing-chip")
        assert bad in page.locator(".typing-chip").first.inner_text()
        page.keyboard.press("Tab")
        for name in ("surprise", "memory", "generate"):
            page.click(f"#tab-{name}")
            page.wait_for_timeout(150)
        assert not asked and page.locator("img").count() == 0
        page.close()


def test_only_its_own_files_are_served(address: str) -> None:
    from urllib.error import HTTPError

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
