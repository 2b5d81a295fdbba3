"""The served page as a keyboard: two languages in one field, and the user's own words."""

import pytest
from playwright.sync_api import Error
from tests.serve.conftest import Open, Visit, fit, typed, until

from elman.api import Model
from elman.apps.keyboard.learned_words import LearnedWords, may_be_learned

WORDS = "document.querySelector('.typing-chips').innerText"


def test_two_languages_in_one_field(opened: Open, models: dict[str, Model]) -> None:
    german = fit("word", lines=["die Katze saß auf der Matte", "ein Hund lief zum Haus"] * 4)
    page = opened({"english": models["word"], "german": german}).page
    page.get_by_text("one field").click()
    assert page.locator("textarea").count() == 1
    typed(page, "the cat die Kat")
    until(page, f"{WORDS}.includes('Katze')")
    page.get_by_text("one field").click()
    assert page.locator("textarea").count() == 2


def test_words_of_the_user_are_offered(visit: Visit) -> None:
    page = visit.page
    typed(page, "the zebra sat, the zebra ran ")
    until(page, "document.querySelector('.learned summary').textContent.endsWith(' 1')")
    typed(page, "the zeb")
    until(page, f"{WORDS}.includes('zebra')")
    assert page.locator(".typing-learned").count() > 0
    assert not any("learn" in url.rpartition("/v1/")[2] for url in visit.requests if "/v1/" in url)


def test_the_page_counts_and_weighs_as_python_does(visit: Visit) -> None:
    page = visit.page
    words = [
        "Zaphod",
        "O'Hara",
        "x",
        "hunter2",
        "ada@example.org",
        "😀",
        "...",
        "aXkQzLpWvR",
        "well-known",
        "a-",
        "'s",
        "Qa'WsEdRfTg",
    ]
    words += [
        "getElementById",
        "strngthsxx",
        "90210",
        "Angstschweiß",
        "猫",
        "don’t",
        "हिन्दी",
        "https://x.org",
        "my_pass",
    ]
    words.append("q" * 41)
    module = "import('./web/learned.js')"
    assert page.evaluate(f"(words) => {module}.then(m => words.map(m.mayBeLearned))", words) == [
        may_be_learned(word) for word in words
    ]
    own = LearnedWords()
    for line in ("Mr Abel Cain", "Mr Abel said", "to Cain", "to Cain"):
        own.learn(line, known=lambda word: word in ("Mr", "said", "to"))
    lines = own.to_lines()
    assert (
        page.evaluate(f"(lines) => {module}.then(m => m.Learned.fromLines(lines).toLines())", lines)
        .replace('":', '": ')
        .replace(',"', ', "')
        == lines
    )
    for last in ("", "Mr", "to"):
        shares = page.evaluate(
            f"([lines, last]) => {module}.then(({{Learned}}) => {{"
            "const own = Learned.fromLines(lines); return own.shares(own.entries, last); })",
            [lines, last],
        )
        assert dict(map(tuple, shares)) == pytest.approx(dict(own.beginning("", before=last)))


def test_the_page_adds_counts_as_python_does(visit: Visit) -> None:
    first = LearnedWords.from_lines(
        '{"word": "Zaphod", "count": 2, "after": {"constructor": 1}, "before": {"said": 1000}}\n'
        '{"word": "Abel", "count": 3, "before": {"toString": 1}}\n',
        name="first",
    )
    second = LearnedWords.from_lines(
        '{"word": "Abel", "count": 4, "after": {"Mr": 2, "constructor": 1}}', name="second"
    )
    lines = [first.to_lines(), second.to_lines()]
    first.add(second)
    first.learn("constructor Zaphod", known=lambda word: word == "constructor")
    entries, shares, follow = visit.page.evaluate(
        """(lines) => import('./web/learned.js').then(({Learned}) => {
            const [own, other] = lines.map((each) => Learned.fromLines(each));
            own.add(other);
            own.count('Zaphod', 'constructor');
            return [own.entries, own.shares(own.entries, 'valueOf'), own.following('Zaphod')];
        })""",
        lines,
    )
    assert {each["word"]: each for each in entries} == {each.word: each._asdict() for each in first}
    assert dict(map(tuple, shares)) == pytest.approx(dict(first.beginning("", before="valueOf")))
    assert dict(map(tuple, follow)) == pytest.approx(dict(first.following("Zaphod")))
    twice = "(line) => import('./web/learned.js').then(({Learned}) => { Learned.fromLines(line + line); })"
    with pytest.raises(Error, match="Line 2: “Abel” stands there twice"):
        visit.page.evaluate(twice, second.to_lines())


def test_a_misspelled_word_before_the_cursor_is_said_to_be_read_as_another(
    visit: Visit, models: dict[str, Model]
) -> None:
    text = "the cat szt "
    read = models["word"].complete(text).read_as
    assert read, "the model reads it as it stands"
    (meant,) = read.values()
    page = visit.page
    typed(page, text)
    until(page, "document.querySelector('.typing-note').innerText !== ''")
    assert page.locator(".typing-note").first.inner_text() == f"“szt” is read as “{meant}”."
