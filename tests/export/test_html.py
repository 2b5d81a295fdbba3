"""Networks, n-grams and mixtures as one page, opened from disk in a real browser, complete as in
Python."""

import json
from typing import Any

import numpy as np
import pytest
from tests.export.pages import (
    SCRIPT_PROMPTS,
    SCRIPTS,
    TYPED,
    TYPED_PROMPTS,
    Opened,
    disagreements,
    network,
    ngram,
)

from elman.cells.registry import CELLS
from elman.decode.completion import complete
from elman.decode.offers import Offers, offers_from
from elman.export.page_check import completed
from elman.inference.model import InferenceModel
from elman.models.combine import Mixture

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
    page.get_by_text("What this page is").click()
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
    page.get_by_text("What this page is").click()
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
        page.get_by_text("What this page is").click()
        page.click("#check")
        assert "every log-probability of its parts has the same bits" in page.locator("#said").inner_text()


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
    page.get_by_text("What this page is").click()
    page.click("#check")
    assert "contexts are completed otherwise" in page.locator("#said").inner_text()
