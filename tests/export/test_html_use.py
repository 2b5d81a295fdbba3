"""What a page of a model offers, shows and refuses, and the command that writes it."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.export.pages import LINES, Opened, disagreements, network

import elman
from elman.decode.offers import offers_from
from elman.errors import ModelError
from elman.models.temperature import Tempered

PRIVATE = ["call 555 0199 now", "my code is 19990!", "mail ada@example.org", "key QzXkWvBnTpRd", "hot dog, a dog"] * 3


@pytest.mark.parametrize("secrets", [False, True])
def test_what_is_blocked_or_private_stays_out(opened: Opened, secrets: bool) -> None:
    lm = network("gru", lines=[*LINES, *PRIVATE])
    block = ("CAT*", "/^sat$/", "hot dog", "don’t")
    page = opened.open(lm, block=block, secrets=secrets)
    offers = offers_from(block, secrets=secrets)
    prompts = [
        "",
        "the ",
        "the c",
        "Don'",
        "call 555 ",
        "call 555",
        "mail ada@",
        "ada@ex",
        "hot ",
        "hot d",
        "a d",
        "9",
        "k",
    ]
    assert disagreements(page, lm, prompts, offers) == []
    for prompt in prompts:
        words = page.evaluate("(text) => document.elman.complete(text, 99).words.map(({text}) => text)", prompt)
        assert words and not {"cat", "sat", "Don't"} & set(words), prompt
        assert secrets or not {"19990", "QzXkWvBnTpRd"} & set(words), prompt
    after_hot = page.evaluate("document.elman.complete('hot ', 99).words.map(({text}) => text)")
    assert "dog" not in after_hot and "a" in after_hot
    after_555 = page.evaluate("document.elman.complete('call 555 ', 99).words.map(({text}) => text)")
    assert ("0199" in after_555) == secrets
    assert all((text in opened.text) == secrets for text in ("19990", "QzXkWvBnTpRd", "ada@example.org"))
    assert opened.facts["hidden"] == {"private": 0 if secrets else 3, "blocked": 4, "vocabulary": lm.tokenizer.size}


def test_typing_takes_one_step_a_word_and_none_back(opened: Opened) -> None:
    page = opened.open(network("lstm"))
    page.wait_for_timeout(500)  # until the field has made its guess for the empty text
    steps = "document.elman.steps"
    ask = "([text]) => document.elman.complete(text).words.length"
    for text, more in (
        ("the", 1),
        ("the ", 1),
        ("the cat", 1),
        ("the ca", 0),
        ("the cat ", 1),
        ("the cat s", 0),
        ("the cat", 0),
        ("the", 0),
    ):
        before = page.evaluate(steps)
        page.evaluate(ask, [text])
        assert page.evaluate(steps) - before <= more, text
    page.locator("textarea").press_sequentially("the cat ")
    page.wait_for_timeout(400)
    words = page.locator(".typing-word").all_inner_texts()
    assert len(words) == 7
    assert len(page.locator(".typing-ghost").inner_text().split()) >= 2
    page.keyboard.press("Tab")
    assert page.locator("textarea").input_value() == f"the cat {words[0]}"


def test_what_the_model_holds_is_text_and_no_markup(opened: Opened) -> None:
    word = "</script><img/onerror=alert(1)>"
    lm = network("gru", lines=[*LINES, f"yes {word}"], pretokenized=True)
    name = "</script><img src=x onerror=alert(1)>"
    page = opened.open(
        lm, name=name, data={"hash": "<b>abc</b>"}, figures={"test": {"bits_per_byte": 1.5, "perplexity": 9.0}}
    )
    assert page.locator("h1").inner_text() == name and page.locator("img").count() == 0
    page.get_by_text("What this page is").click()
    assert "<b>abc</b>" in page.locator("dl").inner_text()
    assert "1.5000 bits per byte" in page.locator("dl").inner_text()
    page.locator("textarea").press_sequentially("yes <b> & ")
    page.wait_for_timeout(300)
    assert page.locator("b").count() == 0
    page.locator("textarea").fill("yes </script><im")
    page.wait_for_timeout(300)
    assert page.locator(".typing-word").all_inner_texts() == [word] and page.locator("img").count() == 0


def test_a_page_may_not_ask_anybody(opened: Opened) -> None:
    page = opened.open(network("rnn"))
    assert page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'let', () => 'kept')") == "kept"
    assert any("Content Security Policy" in said for said in opened.mistakes)
    opened.mistakes.clear()
    opened.requests[:] = [url for url in opened.requests if "127.0.0.1:9" not in url]


def test_by_the_command(cli: Any, lstm_folder: Path, ngram_folder: Path, text_file: Path, tmp_path: Path) -> None:
    found = json.loads(cli("export", lstm_folder, "--to", "html", "--out", tmp_path / "m.html", "--json").out)
    assert found["bytes"] == (tmp_path / "m.html").stat().st_size
    assert elman.load(lstm_folder).card["data"]["hash"][:12] in (tmp_path / "m.html").read_text()
    sizes: dict[str, Any] = {"embedding_size": 8, "hidden_size": 8, "updates": 2, "batch": 2, "bptt": 4, "threads": 1}
    elman.train(text_file, out=tmp_path / "char", level="char", **sizes)
    for model, out, said in (
        (tmp_path / "char", "c.html", "char tokens"),
        (lstm_folder, ".", "is a folder"),
    ):
        done = cli("export", model, "--to", "html", "--out", tmp_path / out)
        assert done.code == 2 and said in done.err and done.err.count("\n") == 1, done.err
    tempered = elman.load(ngram_folder)
    tempered.lm = Tempered(tempered.lm, temperature=1.5)
    with pytest.raises(ModelError, match="not a tempered"):
        tempered.export_html(tmp_path / "n.html")
    assert not (tmp_path / "n.html").exists()
