"""Networks, n-grams and mixtures as one page, opened from disk in a real browser, against Python."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import elman
from elman.cells.registry import CELLS
from elman.decode.completion import complete
from elman.decode.offers import Offers, offers_from
from elman.errors import ModelError
from elman.export.html import write_page
from elman.export.ngram_page import page_ngram
from elman.export.page_check import completed
from elman.inference.model import InferenceModel, inference_model
from elman.inference.weights import groups_of
from elman.models.combine import Mixture
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network, NeuralModel
from elman.models.ngram.prune import context_probs_without_text
from elman.models.ngram.query import NgramConfig, NgramModel, fit_ngram
from elman.models.temperature import Tempered
from elman.progress import Progress
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig
from elman.text.tokenizer_config import RULES

LINES = [
    "The cat's whiskers weren't long, were they?",
    'Don\'t say "well-known" words: café, naïve, 1999 and 3rd...',
    "It costs 5 €! 👍🏽 yes <b> & </script> {{ x }}",
    "the  cat sat on the mat",
    "ʻokina and l’été, x1 y2 z",
    "a-b c/d e.g. i.e.",
    "Кошка сидела",
    "cafe\u0301 again (and again) -- so -- far",
] * 3
_PROMPTS = """The|The |the c|The cat's|The cat' |weren|don't s|well-|well-kn|3|3r|5 €|5 €! |"|say "w|the  cat|zzz|zzz
café|CAF|x1 y|(an|-- |...|👍|<|</s|Ко|   |the cat sat on the mat the cat sat on the|l’|l’é|don'|'|e.g. i.|Don'|it's
|THE|THE C|tHE c|DON’|don’t |WERENʼ|кош|КОШ|кошка |the the |cat’s |x1 1999-12-"""
PROMPTS = re.split(r"[|\n]", _PROMPTS) + [
    "",
    "zzz ",
    "cafe\u0301",
    "\u00a0the ",
    "the cat\n",
    "the cat\nth",
    "yes\r\nIt",
]


# Letters beyond U+FFFF and right below, scripts without spaces, white space that JavaScript and
# Python see differently, and capitals whose small letters depend on their place.
SCRIPTS = [
    "ab ａｂｃ ａｂｄ abＸ cat ﬁne",
    "𝒜bc 𐐀𐐁 👍🏽 𠮷野家 cat",
    "私は猫です。 猫が好き 猫 我们 狗",
    "ลูกแมว น่ารัก แมว ١٢٣",
    "고양이가 हिन्दी שָׁלוֹם العربية",
    "dog\u00a0bird x\u3000y \u0301z",
    "ΟΔΥΣΣΕΥΣ σοφός İstanbul",
] * 3
SCRIPT_PROMPTS = re.split(
    r"\|",
    "|ab |ａ|ａｂ|abＸ|ﬁ|𝒜|𐐀|𝒜𐐀|cat 𝒜𐐀|👍|👍🏽 |𠮷|𠮷野|私|私は|猫|猫が|我们 |cat猫|猫cat|猫'|ลูก|แม|고|हि|של|ال|١"
    "|\u0301|3\u0301|dog\u00a0|x\u3000|the\ufeff|cat\x1c|cat\x85\nab |cat\ufeff\nab |cat\x1f\nab |ΟΔ"
    "|ΟΔΥΣ|ΟΔΥΣΣΕΥΣ|ΟΔΥΣΣΕΥΣ |σοφ|İ|Ὀ",
)

# What people type around words and in place of them.
TYPED = [
    "«\u00a0Bonjour\u202f!\u00a0» dit-elle (à\tl’ami, l'ami, lʼami) aujourd'hui",
    "see https://example.org/a_(b)?q=1 or mail ann.lee@example.org, @ann_lee :-) <3 #tag",
    "🇫🇷🇩🇪 1️⃣ 👨‍👩‍👧 ok😂😂",
    "1,234.56 at 10:30 on the 3rd, co­operate ‎left ខ្ញុំ​ទៅ​ផ្សារ foo​bar",
    "ΔΡΟΜΟΣ δρομος ISPARTA İstanbul ﬁne ａｂｃ rock'n’roll",
] * 3
TYPED_PROMPTS = re.split(
    r"\|",
    "«|«\u00a0|«\u00a0Bon|(|(l'|(l’a|lʼ|lʼa|(lʼami |dit-|dit-el|aujourd’h|rock'n’|rock’n'r|rock’n’roll |see ht"
    "|@ann|mail ann.lee@example.org|:|:-)|:-) |<3|#t|🇫🇷|ok😂|ok😂o|1\ufe0f\u20e3s"
    "|@|see @|(@|x@|#|\u00a0#|a.@|see https:|see https://exam|ann.|ann.lee@|say https.|rock'|1,"
    "|1,2|1,234.56 |10:|10:3|the 3r|co\u00adop|co\u00adoperate |\u200el|\u200ele|ខ្ញុំ\u200bទ|ខ្ញុំ\u200b|foo\u200bb"
    "|ΔΡ|ΔΡΟΜΟΣ|ΔΡΟΜΟΣ |δρομο|ISP|ısp|İST|ﬁ|ａｂ|ﬁne |  see|\t|\tsee|see  |see \u00a0|ann,|ann, |\u02bc|’|l|«ﬁ",
) + ["ក្", "ក្ក", "น้ำ", "\U0001f469\u200d", "\U0001f1eb", "\U0001f468\u200d\U0001f469", "a\u200e", "x\U0001f3fd"]


def network(
    cell: str,
    *,
    lines: list[str] = LINES,
    lowercase: bool = False,
    pretokenized: bool = False,
    rules: int = RULES,
    int8: bool = True,
    **shape: Any,
) -> InferenceModel:
    """A small network whose weights are large, so that its probabilities lie far apart."""
    spelling = {name: shape.pop(name) for name in ("locale", "compatibility") if name in shape}
    config = TokenizerConfig(min_count=1, lowercase=lowercase, pretokenized=pretokenized, rules=rules, **spelling)
    tokenizer = Tokenizer.fit(lines, config=config)
    torch.manual_seed(3)
    settings = NeuralConfig(cell=cell, **{"embedding_size": 10, "hidden_size": 18, **shape})  # type: ignore[arg-type]
    module = Network(settings, tokenizer.size)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.uniform_(-0.8, 0.8) if "weight" in name else parameter.uniform_(-0.5, 0.5)
    model = NeuralModel(module, tokenizer, settings)
    arrays = model.to_arrays()
    about: dict[str, Any] = {"model_hash": model.model_hash, "about": model.describe()}
    groups = [group for group in groups_of(arrays) if int8 or not group.startswith("stack.")]
    return inference_model(arrays, settings, tokenizer, int8=groups, **about)


def ngram(order: int, *, lines: list[str] = LINES, room: int | None = None, **options: Any) -> NgramModel:
    """An n-gram as a page holds it, pruned if it needs more than ``room`` bytes there."""
    tokenizer = Tokenizer.fit(lines, config=TokenizerConfig(min_count=1, rules=RULES, **options))
    ids = np.concatenate([[*tokenizer.encode(line).ids, EOS_ID] for line in lines])
    whole = fit_ngram(ids, np.array([0, len(ids)]), tokenizer, config=NgramConfig(order=order))
    return page_ngram(whole, room=room, context_probs=context_probs_without_text(whole.backoff_tables()))


class Opened:
    """Pages opened from disk, what they asked for and what went wrong in them."""

    def __init__(self, browser: Any, folder: Path) -> None:
        self._context = browser.new_context()
        self._folder = folder
        self.requests: list[str] = []
        self.mistakes: list[str] = []

    def open(
        self, lm: Any, *, name: str = "model", block: tuple[str, ...] = (), secrets: bool = False, **card: Any
    ) -> Any:
        file = self._folder / f"{len(list(self._folder.iterdir()))}.html"
        rules: dict[str, Any] = {"block": block, "secrets": secrets}
        self.facts = write_page(file, lm, card=card, name=name, version="0", progress=Progress(), **rules)
        self.text = file.read_text(encoding="utf-8")
        page = self._context.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        page.on("console", lambda message: self.mistakes.append(message.text))
        page.goto(file.as_uri())
        page.wait_for_selector("textarea")
        return page

    def close(self) -> None:
        self._context.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opened]:
    found = Opened(browser, tmp_path)
    yield found
    found.close()
    assert not found.mistakes
    assert all(url.startswith(("file:", "data:")) for url in found.requests), found.requests


def disagreements(page: Any, lm: Any, prompts: list[str] = PROMPTS, offers: Offers | None = None) -> list[Any]:
    wanted = [completed(lm, prompt, offers) for prompt in prompts]
    return page.evaluate("(contexts) => document.elman.check(contexts)", wanted)


CASES: list[tuple[str, dict[str, Any]]] = [
    *[(cell, {}) for cell in CELLS],
    ("lstm", {"tied": False, "input": "one-hot", "skip": False}),
    ("gru", {"softmax": "adaptive"}),
    ("rnn", {"softmax": "adaptive", "tied": False, "layers": 3}),
    ("gru", {"projection": True}),
    ("lstm", {"lowercase": True}),
    ("lstm", {"pretokenized": True}),
]


@pytest.mark.parametrize(("cell", "shape"), CASES, ids=lambda each: str(each))
def test_it_completes_as_python_does(opened: Opened, cell: str, shape: dict[str, Any]) -> None:
    lm = network(cell, **shape)
    page = opened.open(lm)
    assert disagreements(page, lm) == []
    page.click("summary")
    page.click("#check")
    assert page.locator("#said").inner_text().startswith("All 60 contexts are completed here as by elman: ")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lowercase": True},
        {"pretokenized": True},
        {"rules": 1},
        {"rules": 1, "lowercase": True},
        {"lowercase": True, "locale": "tr", "compatibility": True},
    ],
    ids=str,
)
def test_every_script_is_read_as_in_python(opened: Opened, options: dict[str, Any]) -> None:
    lm = network("gru", lines=SCRIPTS + TYPED, **options)
    page = opened.open(lm, secrets=True)
    prompts = SCRIPT_PROMPTS + TYPED_PROMPTS
    assert disagreements(page, lm, prompts, Offers()) == []
    halves = page.evaluate("(texts) => texts.map((text) => document.elman.complete(text).partial)", prompts)
    assert halves == [complete(lm, prompt).partial for prompt in prompts]


@pytest.mark.parametrize(
    "options",
    [
        {"order": 1},
        {"order": 4},
        {"order": 5, "room": 3000},
        {"order": 3, "lowercase": True},
        {"order": 2, "pretokenized": True},
    ],
    ids=str,
)
def test_an_ngram_completes_as_python_does(opened: Opened, options: dict[str, Any]) -> None:
    lm = ngram(**options)
    if "room" in options:
        assert 0 < sum(lm.tables.counts[1:]) < 0.8 * sum(ngram(options["order"]).tables.counts[1:])
    page = opened.open(lm)
    assert disagreements(page, lm) == []
    page.evaluate("document.elman.predictor.unigrams[4] *= 1 + 1e-6; document.elman.path.length = 1")
    page.click("summary")
    page.click("#check")
    assert "contexts are completed otherwise" in page.locator("#said").inner_text()


def test_a_mixture_completes_as_python_does(opened: Opened) -> None:
    parts = [network("gru", int8=False), ngram(3), network("lstm")]
    inner = Mixture(parts[:2], weights=[0.25, 0.75])
    for lm in (inner, Mixture([inner, *parts], weights=[0.5, 0, 0.2, 0.3])):
        page = opened.open(lm)
        assert disagreements(page, lm) == []
        context = completed(lm, "the ")
        (word, share), *words = context["words"]
        other = [context | {"digest": context["digest"] ^ 1}, context | {"words": [(word, share * (1 + 1e-8)), *words]}]
        assert len(page.evaluate("(contexts) => document.elman.check(contexts)", [context, *other])) == 2
        page.click("summary")
        page.click("#check")
        assert "every log-probability of its parts has the same bits" in page.locator("#said").inner_text()


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


def test_equally_likely_words_come_in_the_same_order(opened: Opened) -> None:
    """In that of their code points: UTF-16, in which JavaScript compares, has letters beyond U+FFFF
    first.
    """
    lines = ["ｇｈ 𝒜b ｃｄ 𐐀x ｅｆ 𝒞y ａｂ 𐐁z cat dog"] * 3
    lm = network("gru", lines=lines)
    lm = InferenceModel(
        {name: np.zeros_like(part) for name, part in lm.weights.arrays.items()}, lm.tokenizer, lm.config
    )
    found = complete(lm, "cat zzz ", n=5).words
    assert [word for word, _ in found] == ["cat", "dog", "ａｂ", "ｃｄ", "ｅｆ"]
    assert len({probability for _, probability in found}) == 1
    assert disagreements(opened.open(lm), lm, ["", "cat", "cat ", "cat, ", "zzz", "zzz ", "𝒜", "ｇ", "cat zzz "]) == []


def test_a_context_without_words_is_checked_too(opened: Opened) -> None:
    lm = network("gru")
    page = opened.open(lm, block=("/./",))
    nothing = [completed(lm, prompt, offers_from(["/./"], secrets=False)) for prompt in ("zzz", "the ")]
    assert [context["words"] for context in nothing] == [[], []]
    other = nothing[1] | {"digest": nothing[1]["digest"] ^ 1}
    assert page.evaluate("(contexts) => document.elman.check(contexts)", [*nothing, other]) == [other]


def test_one_other_bit_is_seen(opened: Opened) -> None:
    lm = network("gru")
    page = opened.open(lm)
    context = completed(lm, "the ")
    (first, share), *words = context["words"]
    others = [
        context | {"digest": context["digest"] ^ 1},
        context | {"words": [(first, share * (1 + 1e-8)), *words]},
        context | {"words": [words[0], (first, share), *words[1:]]},
    ]
    assert page.evaluate("(contexts) => document.elman.check(contexts)", [context, *others]) == json.loads(
        json.dumps(others)
    )


def test_layers_that_stay_float32_are_in_it_too(opened: Opened) -> None:
    lm = network("lstm", int8=False)
    assert lm.precision == "int8+fp32"
    assert disagreements(opened.open(lm), lm) == []


def test_a_page_that_computes_otherwise_says_so(opened: Opened) -> None:
    page = opened.open(network("lstm"))
    page.evaluate("document.elman.predictor.output.memory.fixed[7] += 3")
    page.evaluate("document.elman.path.forEach((place) => { delete place.logProbs; })")
    page.click("summary")
    page.click("#check")
    assert "contexts are completed otherwise" in page.locator("#said").inner_text()


def test_typing_takes_one_step_a_word_and_none_back(opened: Opened) -> None:
    page = opened.open(network("lstm"))
    page.wait_for_timeout(500)  # until the field has made its guess for the empty text
    steps = "document.elman.steps"
    ask = "([text]) => document.elman.complete(text).words.length"
    for text, more in (
        ("the", 1),
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
    page.click("summary")
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
