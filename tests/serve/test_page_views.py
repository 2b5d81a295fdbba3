"""The page's other views in a real browser: Surprise, Memory, Generate."""

import json
from urllib.request import Request, urlopen

from tests.serve.conftest import Open, Visit, fit, typed, until

from elman.serve.limits import Limits


def test_surprise_shades_words_and_tells_what_was_expected(visit: Visit) -> None:
    page = visit.page
    typed(page, "the cat sat on the zebra")
    page.click("#tab-surprise")
    until(page, "document.querySelectorAll('#surprise .figures b').length === 4")  # both models have answered
    first = page.locator("#surprise .columns > div").first
    assert "bits per byte" in first.inner_text() and "perplexity" in first.inner_text()
    shares = first.locator(".token").evaluate_all("all => all.map(each => +each.style.getPropertyValue('--share'))")
    assert shares[5] == max(shares) > 0.5 > shares[1]
    first.locator(".token").nth(1).hover()
    detail = first.locator(".detail").inner_text()
    assert detail.startswith("cat") and "bits" in detail and "catalogue" in detail
    assert first.locator(".token.unknown").all_inner_texts() == [" zebra"]
    # The other column shows the same place: there, words are letters.
    second = page.locator("#surprise .columns > div").nth(1)
    assert second.locator(".token[aria-pressed=true]").all_inner_texts() == [" "]
    assert second.locator(".detail").inner_text() != detail
    first.locator(".token").nth(4).focus()
    assert first.locator(".detail").inner_text().startswith("the")


def test_lines_of_two_models_stand_side_by_side_and_a_long_text_comes_in_parts(visit: Visit, address: str) -> None:
    page = visit.page
    lines = ["the cat sat on the mat", "", "a dog ran " * 30, "猫 and a dog", "the mat"] * 5
    page.locator("textarea").first.fill("\n".join(lines))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("v1/score") else None)
    page.click("#tab-surprise")
    until(page, "document.querySelectorAll('#surprise .figures b').length === 4")
    assert len(asked) == 4  # two of each model
    tops = page.evaluate("""[...document.querySelectorAll('#surprise .columns > div')].map((column) =>
        [...column.querySelectorAll('.text')].map((row) => Math.round(row.getBoundingClientRect().top)))""")
    assert len(tops[0]) == len(lines) and tops[0] == tops[1]
    # All lines but the last, which has no end yet, are those of one question.
    body = {"model": "words", "text": "\n".join(lines)}
    request = Request(f"{address}v1/score", json.dumps(body).encode(), {"Content-Type": "application/json"})
    found = json.load(urlopen(request))
    bits = found["bits"] - found["lines"][-1]["per_token"][-1]["bits"]
    size = len("\n".join(lines).encode()) - sum(line.endswith(" ") for line in lines)
    assert page.locator("#surprise .figures b").first.inner_text() == f"{bits / size:.3f}"


def test_the_text_is_edited_in_every_view(visit: Visit) -> None:
    page = visit.page
    for name, shown in (("surprise", ".token"), ("memory", ".row:first-child .box span"), ("generate", ".given")):
        page.click(f"#tab-{name}")
        page.locator(f"#{name} textarea").fill(f"the mat {name}")
        until(page, f"[...document.querySelectorAll('#{name} {shown}')].some(each => each.textContent.includes('mat'))")
        page.click("#tab-type")
        assert page.locator("#type textarea").first.input_value() == f"the mat {name}"


def test_bytes_are_shown_as_the_characters_that_they_are(opened: Open) -> None:
    page = opened({"bytes": fit("byte", order=6)}).page
    typed(page, "café 猫!")
    page.click("#tab-surprise")
    page.wait_for_selector("#surprise .token")
    assert page.locator("#surprise .token").all_inner_texts() == [*"café 猫!"]  # the line has not ended
    labels = page.locator("#surprise .token").evaluate_all("all => all.map(each => each.ariaLabel)")
    found = page.evaluate("""async () => (await (await fetch("v1/score", {method: "POST", body: JSON.stringify(
        {text: "café 猫!"}), headers: {"Content-Type": "application/json"}})).json()).lines[0].per_token""")
    cat = sum(token["bits"] for token in found[6:9])
    assert labels[5] == f"猫, {cat:.1f} bits" and len(found) == 11


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
    # The letters' model has words as well; choosing in its row chooses in both, and the focus
    # stays.
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


def test_generation_streams_and_stops(opened: Open) -> None:
    visit = opened({"words": fit("word")}, limits=Limits(max_tokens=100_000))
    page = visit.page
    typed(page, "the cat")
    page.click("#tab-generate")
    page.fill("input[name=max_tokens]", "12")
    page.click("button.act:not(.stop)")
    page.wait_for_selector("button.stop:disabled")  # all has come
    once = page.locator(".made").inner_text()
    assert once.startswith("the cat") and len(once) > 20
    page.click("button.act:not(.stop)")
    page.wait_for_selector("button.stop:disabled")
    assert page.locator(".made").inner_text() == once  # the same seed
    # So many, and in the page itself: on a busy machine a click from here comes after the last
    # token.
    page.evaluate("document.querySelector('input[name=max_tokens]').max = 100000")
    page.fill("input[name=max_tokens]", "100000")
    assert page.evaluate("""async () => {
      document.querySelector("button.act:not(.stop)").click();
      const made = document.querySelector(".made"), stop = document.querySelector("button.stop");
      while (made.textContent.length < 10) await new Promise((done) => setTimeout(done, 5));
      const running = !stop.disabled;
      stop.click();
      return running;
    }""")
    stopped = page.locator(".made").inner_text()
    page.wait_for_timeout(300)
    assert page.locator(".made").inner_text() == stopped
    page.fill("input[name=max_tokens]", "2048")
    page.fill("input[name=stop]", "cat|dog")
    page.click("button.act:not(.stop)")
    page.wait_for_selector("button.stop:disabled")
    made = page.locator(".made").inner_text().removeprefix("the cat")
    assert "cat" not in made and "dog" not in made
    visit.load()  # what is chosen for generating stays as long as the page
