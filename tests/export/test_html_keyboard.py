"""An exported page as a keyboard: corrections as in Python, the user's own words, spacing."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.export.pages import Opened, ngram

from elman.apps.keyboard.keyboard import Keyboard
from elman.apps.keyboard.keyboard_model import KeyboardModel
from elman.text.speller import Speller

MISTYPED = (
    "teh",
    "the cta",
    "the  cat aganin",
    "Teh",
    "THR",
    "the whsikers",
    "don't sya",
    "zzz",
    "tttt",
    "th",
)


def test_corrections_are_those_of_python(opened: Opened) -> None:
    lm = ngram(3)
    page, keyboard = opened.open(lm), Keyboard([KeyboardModel(lm, Speller.fit({}))])
    corrected = 0
    for prompt in MISTYPED:
        here = page.evaluate("(text) => document.elman.complete(text, 5, true)", prompt)
        found = keyboard.complete(prompt, n=5, secrets=False)
        pairs = [{**pair, "probability": pytest.approx(pair["probability"], rel=1e-5)} for pair in found.pairs]
        assert (here["words"], here["partial"]) == (pairs, found.partial), prompt
        corrected += len(found.kinds)
    assert corrected > 5


def test_words_with_a_capital_are_those_of_python(opened: Opened) -> None:
    lines = [
        "ein Haus hat ein Dach",
        "Bitte ein Haus",
        "das Dach hat dann ein Haus",
        "ein Hase hat hier Hunger",
        "Bitte das Dach",
    ]
    lm = ngram(3, lines=[line for line in lines for _ in range(4)])
    page, keyboard = opened.open(lm), Keyboard([KeyboardModel(lm, Speller.fit({}))])
    for prompt in (
        "ein h",
        "ein ha",
        "das d",
        "das da",
        "ha",
        "das bitt",
        "bitt",
        "ein hsa",
        "ein Ha",
        "ein HA",
        "ein dcah",
        "x. h",
    ):
        here = page.evaluate("(text) => document.elman.complete(text, 5, true)", prompt)
        found = keyboard.complete(prompt, n=5, secrets=False)
        pairs = [{**pair, "probability": pytest.approx(pair["probability"], rel=1e-5)} for pair in found.pairs]
        assert (here["words"], here["partial"]) == (pairs, found.partial), prompt
    assert keyboard.complete("ein ha").words[0][0] == "Haus" and keyboard.complete("das bitt").words[0][0] == "bitte"


@pytest.mark.parametrize("options", [{}, {"pretokenized": True}])
def test_rare_words_are_half_typed_as_in_python(opened: Opened, options: dict[str, bool]) -> None:
    lines = ["we saw the cat", "we saw then", "the cat saw", "then the", "saw th cat", "The cat", "Then we saw"]
    lm = ngram(3, lines=[line for line in lines for _ in range(1 if "th " in line else 40)], **options)
    page, keyboard = opened.open(lm), Keyboard([KeyboardModel(lm, Speller.fit({}))])
    halves = []
    for prompt in ("we saw th", "th", "saw the", "saw. th", "saw. the", "cat", "saw th c", "Th"):
        here = page.evaluate("(text) => document.elman.complete(text, 5, true)", prompt)
        found = keyboard.complete(prompt, n=5, secrets=False)
        pairs = [{**pair, "probability": pytest.approx(pair["probability"], rel=1e-5)} for pair in found.pairs]
        assert (here["words"], here["partial"]) == (pairs, found.partial), prompt
        halves.append(found.partial)
    assert halves[0] == "th" and halves[2] == ""


def test_a_correction_takes_the_place_of_what_was_typed(opened: Opened) -> None:
    page = opened.open(ngram(3))
    field = page.locator("textarea")
    field.press_sequentially("the cta")
    chip = page.locator(".typing-correction").first
    assert (
        chip.get_attribute("aria-label").endswith("a correction") and chip.locator(".typing-word").inner_text() == "cat"
    )
    chip.click()
    assert field.input_value() == "the cat"


def test_words_are_learned_kept_and_erased(opened: Opened, tmp_path: Path) -> None:
    page = opened.open(ngram(3))
    field, title = page.locator("textarea"), page.locator(".learned summary")

    def typed(text: str) -> None:
        field.fill("")
        field.press_sequentially(text)
        page.wait_for_timeout(250)

    typed("the Zaphod sat, hunter2 hunter2 the Zaphod, the cat ")
    assert title.inner_text() == "Words of yours: 1"
    typed("the zap")
    assert page.locator(".typing-learned .typing-word").all_inner_texts() == ["Zaphod"]
    page.keyboard.press("Alt+1")
    assert field.input_value() == "the Zaphod"
    page.reload()
    assert title.inner_text() == "Words of yours: 1"
    title.click()
    with page.expect_download() as download:
        page.get_by_text("Export").click()
    kept = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert kept == {"word": "Zaphod", "count": 2, "after": {"the": 2}, "before": {"sat": 1}}
    page.get_by_label("Word Zaphod").fill("hunter2")
    page.keyboard.press("Tab")
    assert "cannot be kept" in page.locator(".learned").inner_text()
    page.get_by_label("Word Zaphod").fill("Trillian")
    page.keyboard.press("Tab")
    page.get_by_text("Erase all").click()
    assert title.inner_text() == "Words of yours: 0"
    (tmp_path / "own.jsonl").write_text('{"word": "Arthur", "count": 4}\n', encoding="utf-8")
    for count in ("4×", "8×"):  # imported words are added to those that are there
        page.locator("input[type=file]").set_input_files(tmp_path / "own.jsonl")
        page.get_by_text(count).wait_for(timeout=2000)
        assert title.inner_text() == "Words of yours: 1"
    (tmp_path / "bad.jsonl").write_text('{"word": "hunter2", "count": 4}\n', encoding="utf-8")
    page.locator("input[type=file]").set_input_files(tmp_path / "bad.jsonl")
    page.wait_for_timeout(100)
    assert "Line 1 is no learned word" in page.locator(".learned").inner_text()
    page.get_by_label("Forget Arthur").click()
    assert title.inner_text() == "Words of yours: 0"


def test_marks_stand_right_after_their_word(opened: Opened) -> None:
    page: Any = opened.open(ngram(2))
    field = page.locator("textarea")
    for keys, text in (
        ("the cat .", "the cat. "), ("the cat . the", "the cat. the"), ("the cat , sat", "the cat, sat"),
        ("3 ... 4", "3. .. 4"), ("cat !", "cat !"), ("say ,", "say, "), (" .", " ."),
    ):  # fmt: skip
        field.fill("")
        field.press_sequentially(keys)
        assert field.input_value() == text


def test_words_stand_right_after_a_bracket(opened: Opened) -> None:
    page: Any = opened.open(ngram(2))
    field = page.locator("textarea")
    for before in ("say (", 'say "', "the cat", "well-"):
        field.fill("")
        field.press_sequentially(before)
        page.wait_for_timeout(250)
        word = page.locator(".typing-word").first.inner_text()
        page.keyboard.press("Alt+1")
        assert field.input_value() == (f"{before} {word}" if before == "the cat" else f"{before}{word}")
