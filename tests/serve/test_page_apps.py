"""The page's views of applications in a real browser: Rank, Reply, Correct, Rescore and
Summarize."""

from typing import Any

import pytest
from tests.networks import make as network
from tests.serve.compass import compass
from tests.serve.conftest import Open, fit, settle, typed, until
from tests.serve.notes import notes
from tests.serve.talkers import Talker

import elman
from elman.api import Model
from elman.text.speller import Speller

pytestmark = pytest.mark.slow


def test_documents_are_found_and_their_words_marked(opened: Open) -> None:
    page = opened({"notes": notes()}, width=390).page
    page.fill("[name=query]", "Café cat 😀")
    until(page, "document.querySelectorAll('.hits li').length === 3")
    marked = page.locator(".hits li").evaluate_all(
        "all => all.map(item => [item.querySelector('b').textContent, item.querySelector('mark').textContent])"
    )
    assert marked[0] == ["café", "Café"] and sorted(marked[1:]) == [["cats", "cat"], ["dogs", "cat"]]
    page.fill("[name=query]", "elephant")
    until(page, "document.querySelector('#rank .note').textContent === 'No document has a word of the query.'")
    assert page.locator(".hits li").count() == 0
    page.fill("[name=query]", "")
    until(page, "document.querySelector('#rank .note').textContent === ''")
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_chosen_tab_is_in_sight_on_a_phone(opened: Open) -> None:
    page = opened({"words": fit("word")}, width=390).page
    for name in ("summarize", "type"):
        page.evaluate(f"document.querySelector('#tab-{name}').click()")
        box = page.locator(f"#tab-{name}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    bar = "document.querySelector('[role=tablist]')"
    assert page.evaluate(f"{bar}.scrollWidth > {bar}.clientWidth")  # else it would prove nothing


def test_a_reply_that_is_used_goes_on_with_the_conversation(opened: Open) -> None:
    model: Any = Talker()
    page = opened({"talk": model}, width=390, scheme="dark").page
    typed(page, "Some tea?")
    until(page, "document.querySelectorAll('.replies button').length === 3")
    wanted = [each.text for each in elman.reply(model, "Some tea?")]
    assert page.locator(".replies button").all_inner_texts() == wanted
    page.keyboard.press("Tab")  # to the first one
    assert page.evaluate("document.activeElement.ariaLabel") == f"Use this: {wanted[0]}"
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('.turns li').length === 2")
    assert page.locator(".turns li").all_inner_texts() == ["Some tea?", wanted[0]]
    assert (
        page.locator("textarea").input_value() == "" and page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    )
    typed(page, "And the train?")
    until(page, "document.querySelectorAll('.replies button').length === 3")
    assert list(model.asked[-1]) == ["Some tea?", wanted[0], "And the train?"]
    page.get_by_role("button", name="Begin again").click()
    settle(page)
    assert page.locator(".turns li").count() == 0 and list(model.asked[-1]) == ["And the train?"]
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_language_model_beside_ranks_replies_too(opened: Open) -> None:
    model: Any = Talker()
    lm = Model(network("gru"), Speller.fit({"the": 1}))
    page = opened({"talk": model, "forgetful": fit("word"), "lm": lm}).page
    page.click("#tab-reply")
    typed(page, "Some tea?")
    ways = page.locator("[name=by] option").all_inner_texts()
    assert ways == ["the model of replies", "it and lm", "lm alone"]  # an n-gram forgets the message
    for way, weight in (("it and lm", 0.5), ("lm alone", 1.0)):
        page.select_option("[name=by]", label=way)
        settle(page)
        wanted = [each.text for each in elman.reply(model, "Some tea?", lm=lm, lm_weight=weight)]
        assert page.locator(".replies button").all_inner_texts() == wanted


def test_corrections_are_accepted_or_refused_by_one_click(opened: Open) -> None:
    page = opened({"words": fit("word")}, width=390).page
    page.click("#tab-correct")
    typed(page, "😀 the cta sat\non teh mat, teh dgo")
    changes = "[...document.querySelectorAll('.changes .change')].map(each => each.textContent).join()"
    until(page, f"{changes} === 'cta cat,teh the,teh the,dgo dog'")
    assert page.locator(".misspelled").all_inner_texts() == ["cta", "teh", "teh", "dgo"]
    page.locator("[aria-label='Refuse the for teh']").first.click()
    until(page, f"{changes} === 'cta cat,dgo dog'")  # both, and for good
    page.locator("[aria-label='Accept cat for cta']").click()
    assert page.locator("textarea").input_value() == "😀 the cat sat\non teh mat, teh dgo"
    assert page.evaluate("document.activeElement.ariaLabel") == "Accept dog for dgo"
    page.keyboard.press("Enter")
    settle(page)
    assert page.locator("textarea").input_value() == "😀 the cat sat\non teh mat, teh dog"
    until(page, "document.querySelector('#correct .note').textContent === 'Nothing to correct.'")
    page.reload()
    page.wait_for_selector("#tab-correct")
    page.click("#tab-correct")
    typed(page, "on teh mat")
    assert page.locator(".changes li").count() == 0
    page.get_by_role("button", name="Suggest the for teh again").click()
    until(page, f"{changes} === 'teh the'")
    assert page.locator(".refused:visible").count() == 0 and page.evaluate("localStorage.length") == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_all_corrections_are_accepted_at_once(opened: Open) -> None:
    page = opened({"words": fit("word"), "letters": fit("char")}).page
    page.click("#tab-correct")
    assert page.locator("#correct textarea").count() == 1  # letters are no words
    typed(page, "the cta sat on teh mat")
    page.get_by_role("button", name="Accept all").click()
    assert page.locator("textarea").input_value() == "the cat sat on the mat"


def test_lists_are_put_in_another_order(opened: Open) -> None:
    model = fit("word")
    page = opened({"words": model}, width=390).page
    page.click("#tab-rescore")
    page.fill("textarea", "cat the sat mat\t-1\nthe  cat sat on the mat\t-1\n\nu7\ta dog ran\t-2\nu7\tdog a ran\t-2\n")
    until(page, "document.querySelectorAll('.rescored table').length === 2")
    rows = page.locator(".rescored tr").all_inner_texts()
    assert [row.split("\t")[:2] for row in rows] == [
        ["hypothesis", "was"], ["the cat sat on the mat", "2"], ["cat the sat mat", "1"],
        ["hypothesis", "was"], ["a dog ran", "1"], ["dog a ran", "2"],
    ]  # fmt: skip
    assert page.locator("caption").all_inner_texts() == ["List 1", "List u7"]
    lists = [{"hyps": [["cat the sat mat", -1], ["the cat sat on the mat", -1]]}]
    (wanted,) = elman.rescore(model, lists, weights={}).lists
    assert rows[1].split("\t")[3] == f"{wanted.hypotheses[0].scores['total']:.1f}"
    assert page.locator("#rescore .note").inner_text() == "Total = 1 × score + 0.5 × model."
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_summary_is_marked_in_its_text(opened: Open) -> None:
    visit = opened({"words": fit("word"), "compass": compass()}, width=390, scheme="dark")
    page = visit.page
    page.click("#tab-summarize")
    assert page.locator("#model:visible").count() == 0
    text = "😀 The mill stood by the river. The river drove the old mill. Anna laughed aloud that day. North it was."
    page.fill("textarea", text)
    page.fill("[name=sentences]", "2")
    until(page, "document.querySelectorAll('.summary li').length === 2")
    wanted = [each.text for each in elman.summarize(text, sentences=2)]
    assert page.locator(".summary li").all_inner_texts() == wanted
    assert page.locator(".central").all_inner_texts() == wanted
    page.select_option("[name=by]", "compass")
    settle(page)
    assert page.locator("#trouble").inner_text() == "" and page.locator(".summary li").count() == 2
    page.fill("textarea", "?!")
    until(page, "document.querySelectorAll('.summary li').length === 0")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    visit.load()  # what is chosen for summaries stays as long as the page
