"""The page's view "Classify" in a real browser: bars and shaded words while one types."""

from typing import Any

import pytest
from tests.serve.classifiers import REVIEW, classifier
from tests.serve.conftest import Open, Visit, contrast, fit, settle, typed, until

from elman.data.labels import LabelSet
from elman.evaluation.explanation import explain_text
from elman.serve.limits import Limits
from elman.tasks.classify.model import TextClassifier


def shown(page: Any) -> dict[str, float]:
    """The label of each bar, and how long the bar is."""
    rows = page.locator("#classify .bars li").evaluate_all(
        "all => all.map(row => [row.querySelector('.bars-label').textContent, row.querySelector('i').style.width])"
    )
    return {label: float(width.removesuffix("%")) / 100 for label, width in rows}


def shaded(page: Any) -> dict[str, str]:
    """The classes of each word that is shaded."""
    spans = page.locator(".shaded .typing-mirror span")
    return dict(spans.evaluate_all("all => all.filter(e => e.className).map(e => [e.textContent, e.className])"))


def test_bars_and_words_follow_what_is_typed(opened: Open) -> None:
    page = opened({"reviews": classifier()}).page
    assert page.locator("[role=tab]:visible").count() == 0  # there is nothing else to look at
    until(page, "document.querySelectorAll('#classify .bars li').length === 2")
    assert shown(page) == {"neg": 0, "pos": 0} and page.locator(".bars-share").all_inner_texts() == ["", ""]
    page.evaluate("document.querySelectorAll('#classify .bars li').forEach(row => { row.same = true; })")
    for part, whole in (("a good film", "a good film"), (", but dull", "a good film, but dull"), (" " + REVIEW, None)):
        typed(page, part)
        text = whole or f"a good film, but dull {REVIEW}"
        wanted = dict(zip(("neg", "pos"), classifier().predict_proba([text])[0].tolist(), strict=True))
        until(page, "document.querySelector('.bars .chosen') !== null")
        assert shown(page) == pytest.approx(wanted, abs=1e-5)
        assert page.locator(".bars .chosen .bars-label").inner_text() == max(wanted, key=wanted.__getitem__)
    # The rows are those that were there before, so that nothing flickers.
    assert page.evaluate("[...document.querySelectorAll('#classify .bars li')].every(row => row.same)")
    words = shaded(page)
    positive = page.locator(".bars .chosen .bars-label").inner_text() == "pos"
    for word, praises in (("lovely", True), ("awful", False)):
        assert words[word] == ("speaks-for" if praises == positive else "speaks-against") + " much"
    page.fill("textarea", "")
    settle(page)
    assert shown(page) == {"neg": 0, "pos": 0} and shaded(page) == {}


def test_a_word_tells_what_it_does(opened: Open) -> None:
    page = opened({"reviews": classifier()}).page
    typed(page, "a fine film, good but dull")
    until(page, "document.querySelectorAll('.speaks-for').length > 0")
    told = page.locator(".told")
    assert told.inner_text() == "Point at a word, or put the cursor into it."
    whole, less = classifier().predict_proba(["a fine film, good but dull", "a fine film, good but"])[:, 1]
    assert 0.5 < whole < less
    page.keyboard.press("ArrowLeft")
    said = f"Without “dull”, “pos” rises from {100 * whole:.0f}% to {100 * less:.0f}%."
    until(page, f"document.querySelector('.told').textContent === '{said}'")
    assert page.locator(".shaded .meant").inner_text() == "dull"
    box = page.locator(".shaded .typing-mirror span", has_text="fine").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    until(page, "document.querySelector('.told').textContent.startsWith('Without “fine”, “pos” falls from')")
    page.mouse.move(5, 5)
    until(page, "document.querySelector('.told').textContent.startsWith('Point at')")
    found = explain_text(classifier().predict_proba, "a fine film, good but dull", names=("neg", "pos"))
    sides = [
        [word.text for word in sorted(found.words, key=lambda word: -sign * word.contribution)
         if sign * word.contribution >= 0.2 and word.text.isalpha()] for sign in (1, -1)
    ]  # fmt: skip
    assert {"fine", "good"} <= {*sides[0]} and sides[1][0] == "dull"
    wanted = f"For “pos”: {', '.join(sides[0])}. Against it: {', '.join(sides[1])}."
    assert page.locator(".reasons").inner_text() == wanted
    # The colours lie exactly behind the letters: field and mirror have one size.
    sizes = page.evaluate(
        "['field', 'mirror'].map(n => document.querySelector(`.typing-${n}`).getBoundingClientRect())"
    )
    assert sizes[0] == sizes[1]


def test_the_last_answer_wins_and_colours_stay_meanwhile(opened: Open) -> None:
    page = opened({"reviews": classifier()}).page
    typed(page, "a good film")
    until(page, "document.querySelectorAll('.speaks-for').length > 0")
    late: list[Any] = []
    page.route("**/v1/predict", lambda route: late.append(route))
    page.keyboard.type(" 猫")
    page.wait_for_timeout(200)
    page.keyboard.press("Home")
    page.keyboard.type("what ")
    page.wait_for_timeout(200)
    assert len(late) >= 2
    assert "good" in shaded(page) and page.locator("textarea").input_value() == "what a good film 猫"
    # In whatever order they are let go, only the question about this very text counts.
    for route in reversed(late):
        route.continue_()
    wanted = classifier().predict_proba(["what a good film 猫"])[0, 1]
    until(
        page,
        f"Math.abs(parseFloat(document.querySelector('.bars li:nth-child(2) i').style.width) - {100 * wanted}) < .01",
    )
    page.wait_for_timeout(300)
    assert shown(page)["pos"] == pytest.approx(wanted, abs=1e-5)


def test_each_view_has_the_models_that_can(opened: Open) -> None:
    models = {"reviews": classifier(), "words": fit("word"), "topics": classifier(labels=5, multi_label=True)}
    page = opened(models).page
    options = "[...document.querySelectorAll('#model option')].map(each => each.value)"
    assert page.locator("[role=tab]:visible").count() == 8 and page.evaluate(options) == ["words"]
    assert page.locator("#second:visible").count() == 0
    typed(page, "the good cat")
    page.locator("#tab-type").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.id") == "tab-classify"
    assert page.evaluate(options) == ["reviews", "topics"] and page.locator("#second").input_value() == "topics"
    fields = page.locator("#classify textarea")
    assert [fields.nth(number).input_value() for number in range(2)] == ["the good cat"] * 2
    fields.nth(1).focus()
    page.keyboard.press("End")
    page.keyboard.type(" and lovely")
    settle(page)
    assert fields.nth(0).input_value() == "the good cat and lovely"
    chosen = page.locator("#classify .classify").nth(1).locator(".chosen .bars-label").all_inner_texts()
    assert tuple(chosen) == models["topics"].predict("the good cat and lovely")
    page.select_option("#second", "")
    assert page.locator("#classify .classify").count() == 1
    page.click("#tab-type")
    assert page.evaluate(options) == ["words"]
    page.click("#tab-classify")
    assert page.locator("#second").input_value() == ""  # the choice is kept


def test_models_of_text_alone_have_no_such_view(visit: Visit) -> None:
    assert visit.page.locator("[role=tab]:visible").all_inner_texts() == [
        "Type", "Surprise", "Memory", "Generate", "Correct", "Rescore", "Summarize"
    ]  # fmt: skip


@pytest.mark.parametrize("width", [360, 1280])
def test_many_labels(opened: Open, width: int) -> None:
    model = classifier(labels=50)
    page = opened({"topics": model}, width=width).page
    typed(page, "a lovely good film")
    until(page, "document.querySelectorAll('.bars .chosen').length === 1")
    chances = dict(zip(model.labels, model.predict_proba(["a lovely good film"])[0].tolist(), strict=True))
    best = sorted(model.labels, key=lambda label: -chances[label])[:8]
    assert list(shown(page)) == best
    page.get_by_role("button", name="All 50 labels").click()
    assert list(shown(page)) == list(model.labels)
    assert page.evaluate(
        "(all => all.scrollHeight > all.clientHeight && all.tabIndex === 0)(document.querySelector('.bars'))"
    )
    page.get_by_role("button", name="Only the 8 likeliest").click()
    assert list(shown(page)) == best
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_long_texts(opened: Open) -> None:
    visit = opened({"reviews": classifier()}, limits=Limits(max_explain=800), width=360)
    page = visit.page
    page.fill("textarea", f"{REVIEW}\n" * 8)  # more than is explained with the first answer
    until(page, "document.querySelector('.bars .chosen') !== null")
    until(page, "document.querySelectorAll('.typing-mirror span').length > 100")
    assert page.locator("#classify .note:visible").count() == 0
    page.fill("textarea", f"{REVIEW} averyveryverylongword{'word' * 40}\n" * 40)
    page.wait_for_selector("#classify .note:visible")
    assert "too long to colour" in page.locator("#classify .note").inner_text() and shaded(page) == {}
    wanted = classifier().predict_proba([page.locator("textarea").input_value()])[0].tolist()
    assert list(shown(page).values()) == pytest.approx(wanted, abs=1e-5)
    assert page.locator("#trouble").inner_text() == ""
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator(".typing-paper").bounding_box()["height"] < 450
    page.fill("textarea", "short and lovely")
    settle(page)
    assert page.locator("#classify .note:visible").count() == 0 and "lovely" in shaded(page)
    assert all("413" in mistake for mistake in visit.mistakes)  # that the browser notes
    visit.mistakes.clear()


def test_a_screen_reader_finds_everything(opened: Open) -> None:
    page = opened({"reviews": classifier()}).page
    typed(page, "a lovely film")
    until(page, "document.querySelector('#classify [role=status]').textContent !== ''")
    tree = page.locator("body").aria_snapshot()
    share = f"{100 * classifier().predict_proba(['a lovely film'])[0, 1]:.0f}%"
    for said in ('textbox "Text, labelled by reviews"', "text: a lovely film", 'list "Labels by reviews"',
                 f"listitem: pos {share}", "For “pos”: lovely.", f"status: pos {share}"):  # fmt: skip
        assert said in tree, tree
    described = page.locator("textarea").get_attribute("aria-describedby")
    assert page.locator(f"#{described}").inner_text().startswith("Point at")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "BODY"  # Tab leaves the field


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read_on_every_shade(opened: Open, scheme: str) -> None:
    page = opened({"reviews": classifier()}, scheme=scheme).page
    found = page.evaluate("""() => ["speaks-for", "speaks-against"].map(name => {
        const span = document.createElement("span");
        span.className = name;
        span.style.setProperty("--share", 1);
        document.querySelector(".shaded .typing-mirror").append(span);
        const color = (element, what) => getComputedStyle(element)[what].match(/[\\d.]+/g).map(Number);
        return [color(span, "backgroundColor"), color(document.querySelector(".typing-paper"), "backgroundColor"),
          color(document.querySelector(".typing-field"), "color")];
    })""")
    for shade, paper, ink in found:
        alpha = shade[3]
        mixed = [alpha * over + (1 - alpha) * under for over, under in zip(shade[:3], paper, strict=False)]
        assert contrast(mixed, ink) >= 4.5, (mixed, ink)  # WCAG 2, AA


def test_hostile_names_are_only_text(opened: Open) -> None:
    bad = "<img/src=x/onerror=alert(1)>" + "verylong" * 30
    model = classifier()
    names = LabelSet((bad, "__proto__"), (1, 1), 2)
    hostile = TextClassifier(model.encoder, model.tokenizer, names, model.config)
    page = opened({bad[:100]: hostile}, width=390).page
    text = "\U0001f600 a lovely <b>film</b>"  # a character of two UTF-16 units comes first
    typed(page, text)
    until(page, "document.querySelector('.bars .chosen') !== null")
    assert "lovely" in shaded(page)
    wanted = hostile.predict_proba([text])[0].tolist()
    assert shown(page) == pytest.approx({bad: wanted[0], "__proto__": wanted[1]}, abs=1e-5)
    assert page.locator("img, .typing-mirror b").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_goes_wrong_is_said_and_unsaid(opened: Open) -> None:
    visit = opened({"reviews": classifier()})
    page = visit.page
    page.route("**/v1/predict", lambda route: route.abort())
    typed(page, "a lovely")
    page.wait_for_selector("#trouble:not(:empty)")
    assert "does not answer" in page.locator("#trouble").inner_text()
    page.unroute("**/v1/predict")
    typed(page, " film")
    until(page, "document.querySelector('#trouble').textContent === ''")
    assert "lovely" in shaded(page)
    visit.mistakes.clear()  # the browser's own word on what we aborted
