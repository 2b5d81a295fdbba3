"""The page's view "Tags" in a real browser: colours while one types, and corrections that are
saved."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.serve.classifiers import classifier
from tests.serve.conftest import Open, contrast, settle, typed, until
from tests.serve.taggers import WORDS, tagger

pytestmark = pytest.mark.slow

SENTENCE = "Ann Lee saw New York"


def coloured(page: Any) -> list[tuple[str, str]]:
    """The parts that have a colour, and the types written under them."""
    spans = page.locator("#tags .typing-mirror .tagged")
    return [tuple(pair) for pair in spans.evaluate_all("all => all.map(e => [e.textContent, e.dataset.kind ?? ''])")]


def put(page: Any, start: int, end: int) -> None:
    """Put the cursor into the text, or select."""
    page.locator("textarea").focus()
    page.evaluate(f"document.querySelector('textarea').setSelectionRange({start}, {end})")
    settle(page)


def offered(page: Any) -> list[str]:
    return page.locator("#tags .tags-choice:visible button").all_inner_texts()


def test_spans_follow_what_is_typed(opened: Open) -> None:
    page = opened({"names": tagger()}).page
    assert page.locator("[role=tab]:visible").count() == 0
    typed(page, f"\U0001f600 {SENTENCE}\n\n")  # a character of two UTF-16 units comes first
    assert coloured(page) == [("Ann Lee", "person"), ("New York", "place")]
    typed(page, "  Oslo")
    assert coloured(page)[2:] == [("Oslo", "place")]
    assert page.locator("#tags .kinds button").all_inner_texts() == ["person 1", "place 2"]
    spans = tagger().predict([f"\U0001f600 {SENTENCE}", "  Oslo"])
    wanted = [f"{span.type} {100 * span.probability:.0f}%" for each in spans for span in each.spans]
    assert page.locator("#tags .tags-found li .soft").all_inner_texts() == wanted
    put(page, 5, 5)
    assert page.locator("#tags .told").inner_text().startswith(f"“Ann Lee” is person: {wanted[0].split()[1]}")
    assert page.locator("#tags .tags-choice:visible").count() == 0  # nothing is corrected without --corrections
    box = page.locator(".typing-mirror span", has_text="Oslo").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] / 2)
    until(page, "document.querySelector('#tags .told').textContent.startsWith('“Oslo” is place')")
    page.get_by_role("button", name="place 2").click()
    assert page.locator("#tags .typing-mirror .marked").all_inner_texts() == ["New York", "Oslo"]
    sizes = page.evaluate(
        "['field', 'mirror'].map(n => document.querySelector(`.typing-${n}`).getBoundingClientRect())"
    )
    assert sizes[0] == sizes[1]
    page.fill("textarea", " ")
    settle(page)
    assert coloured(page) == [] and page.locator("#tags .tags-found:visible").count() == 0


def test_tags_of_words_have_bars(opened: Open) -> None:
    page = opened({"reviews": classifier(), "pos": tagger(WORDS), "names": tagger()}).page
    page.click("#tab-tags")
    page.select_option("#second", "")
    typed(page, "we bank .")
    assert [text for text, _ in coloured(page)] == ["we", "bank", "."]
    put(page, 4, 4)
    (chances,) = tagger(WORDS).predict(["we bank ."])
    rows = page.locator("#tags .bars li").evaluate_all("all => all.map(row => row.innerText.split('\\n'))")
    shown = {row[0]: row[-1] for row in rows}
    assert shown["NOUN"] == f"{100 * chances.probabilities[1].max():.0f}%" and set(shown) == {*WORDS.values(), "X"}
    assert page.locator("#tags .tags-word").inner_text() == "“bank”"


def test_corrections_are_saved_as_training_lines(opened: Open, tmp_path: Path) -> None:
    file = tmp_path / "corrections.jsonl"
    page = opened({"names": tagger()}, corrections=file).page
    typed(page, f"\U0001f600 {SENTENCE}\nOslo")
    put(page, 11, 19)  # "saw New", which is a part of a span
    assert page.locator("#tags .tags-word").inner_text() == "“saw New”"
    assert offered(page) == ["person", "place", "no span"]
    page.locator(".tags-choice button", has_text="person").click()
    assert coloured(page) == [("Ann Lee", "person"), ("saw New", "person"), ("Oslo", "place")]
    put(page, 4, 4)
    page.locator(".tags-choice button", has_text="no span").click()
    assert coloured(page)[0] == ("saw New", "person") and not file.exists()
    assert page.locator("#tags .told").inner_text().startswith("Put the cursor")
    page.get_by_role("button", name="Save 1 line for training").click()
    until(page, "document.querySelector('.tags-saved').textContent !== ''")
    (line,) = file.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "text": f"\U0001f600 {SENTENCE}", "spans": [{"start": 10, "end": 17, "label": "person"}],
    }  # fmt: skip
    assert page.get_by_role("button", name="Save").count() == 0
    end = len(SENTENCE) + len("xx \nOslo")
    put(page, end, end)
    typed(page, " and Bergen")
    assert coloured(page)[0] == ("saw New", "person")  # what was saved stays
    put(page, 24, 24)
    page.locator(".tags-choice button", has_text="person").click()
    page.get_by_role("button", name="Forget them").click()
    settle(page)
    assert coloured(page)[1:] == [("Oslo", "place"), ("Bergen", "place")] and len(file.read_text().splitlines()) == 1


def test_tags_of_words_are_corrected(opened: Open, tmp_path: Path) -> None:
    file = tmp_path / "corrections.jsonl"
    page = opened({"pos": tagger(WORDS)}, corrections=file).page
    typed(page, "we bank .")
    put(page, 3, 9)
    page.locator(".tags-choice button", has_text="VERB").click()
    put(page, 9, 9)
    page.locator(".tags-choice button", has_text="PUNCT").click()
    page.get_by_role("button", name="Save 1 line").click()
    until(page, "document.querySelector('.tags-saved').textContent !== ''")
    assert [token["tag"] for token in json.loads(file.read_text())["tokens"]] == ["PRON", "VERB", "PUNCT"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_on_every_colour(opened: Open, scheme: str) -> None:
    tags = {**WORDS, **{f"w{number}": f"tag {number}" for number in range(20)}}
    page = opened({"pos": tagger(tags)}, scheme=scheme, width=390).page
    typed(page, " ".join(tags))
    assert len(coloured(page)) == len(tags)
    found = page.evaluate("""() => [...document.querySelectorAll("#tags .typing-mirror .tagged")].map(span => {
        const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
        const pixel = (color) => {
          canvas.fillStyle = color;
          canvas.fillRect(0, 0, 1, 1);
          return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
        };
        return [pixel(getComputedStyle(span).backgroundColor),
          pixel(getComputedStyle(document.querySelector(".typing-field")).color)];
    })""")
    assert len({tuple(shade) for shade, _ in found}) == len({*tags.values()})
    for shade, ink in found:
        assert contrast(shade, ink) >= 4.5, (shade, ink)  # WCAG 2, AA
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_hostile_names_and_texts_are_only_text(opened: Open, tmp_path: Path) -> None:
    bad = "<img/src=x/onerror=alert(1)>" + "verylong" * 30
    model = tagger({"x": f"B-{bad}", "y": "B-__proto__"})
    page = opened({"names": model}, width=390, corrections=tmp_path / "c.jsonl").page
    page.fill("textarea", f"x <b>y</b> {'word' * 100}\n" * 20)
    settle(page)
    assert coloured(page)[:2] == [("x", bad), ("y", "__proto__")]
    put(page, 0, 0)
    assert offered(page) == [bad, "__proto__", "no span"]
    assert page.locator("img, .typing-mirror b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_screen_reader_finds_everything(opened: Open) -> None:
    page = opened({"names": tagger()}).page
    typed(page, SENTENCE)
    # On a busy machine it first tells what there is in half of the text.
    until(page, "document.querySelector('#tags .typing-told').textContent.includes('New York')")
    tree = page.locator("body").aria_snapshot()
    for said in ('textbox "Text, tagged by names"', 'list "Spans by names"', "listitem: Ann Lee person",
                 'group "Tags in this text"', "status: Ann Lee person, New York place"):  # fmt: skip
        assert said in tree, tree
