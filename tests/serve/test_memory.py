"""What each earlier word matters, and the likely tokens at each place, against the models asked
step by step."""

import math
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.serve.conftest import LEVELS, Make, ask

from elman.api import Model
from elman.serve.limits import Limits
from elman.serve.memory import pieces_of
from elman.text.tokenizer import EOS_ID

MEMORY, SCORE = "/v1/memory", "/v1/score"
TEXT = "the cat sat on the mat"


def after(model: Model, ids: Any) -> np.ndarray:
    """The slow twin: one token after the other."""
    state = model.lm.start()
    for token in ids:
        state = model.lm.advance(np.array([token]), state)
    return model.lm.log_probs(state)[0].astype(np.float64)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("place", [None, 0, 2, 5])
def test_what_is_left_out_is_left_out(
    client: TestClient, models: dict[str, Model], level: str, place: int | None
) -> None:
    model = models[level]
    found = ask(client, MEMORY, text=TEXT, model=level, place=place, top=3)
    pieces = pieces_of(model.lm.tokenizer, TEXT)
    if level != "subword":
        assert [word["text"].strip() for word in found["words"]] == TEXT.split()
    assert "".join(word["text"] for word in found["words"]) == TEXT
    here = len(pieces) if place is None else place
    ids = model.lm.tokenizer.encode(TEXT).ids
    end = pieces[here].first if here < len(pieces) else len(ids)
    whole = after(model, ids[:end])
    for number, (piece, word) in enumerate(zip(pieces, found["words"], strict=True)):
        if number >= here:
            assert word["bits"] is None and word["change"] is None
            continue
        less = after(model, [*ids[: piece.first], *ids[piece.end : end]])
        wanted = (np.exp(whole) * (whole - less)).sum() / math.log(2)
        assert word["bits"] == pytest.approx(wanted, abs=1e-5)
        if here < len(pieces):
            assert word["change"] == pytest.approx((whole[ids[end]] - less[ids[end]]) / math.log(2), abs=1e-5)
    best = np.argsort(-whole, kind="stable")[:3]
    assert [top["bits"] for top in found["top"]] == pytest.approx((-whole[best] / math.log(2)).tolist(), abs=1e-5)
    if here < len(pieces):
        assert found["target"]["bits"] == pytest.approx(-whole[ids[end]] / math.log(2), abs=1e-5)
    else:
        assert found["target"] is None


def test_an_n_gram_sees_its_order_and_nothing_before(client: TestClient) -> None:
    found = ask(client, MEMORY, text="a dog sat on the cat sat on the mat", model="word")
    bits = [word["bits"] for word in found["words"]]
    assert bits[:-2] == [0] * 8 and bits[-1] > 0.01


def test_likely_tokens_at_each_place(client: TestClient, models: dict[str, Model]) -> None:
    for level in LEVELS:
        model = models[level]
        found = ask(client, SCORE, text="the cat\na dog", model=level, top=2)
        for line in found["lines"]:
            ids = [*model.lm.tokenizer.encode(line["text"]).ids, EOS_ID]
            for place, token in enumerate(line["per_token"]):
                table = after(model, ids[:place])
                best = -np.sort(-table)[:2] / -math.log(2)
                assert [top["bits"] for top in token["top"]] == pytest.approx(best.tolist(), abs=1e-5)
    assert ask(client, SCORE, text="the", top=1)["lines"][0]["per_token"][0]["top"][0]["text"] == "the"
    assert "top" not in ask(client, SCORE, text="the")["lines"][0]["per_token"][0]


def test_mistakes(client: TestClient, models: dict[str, Model], make: Make) -> None:
    for body, status, said in (
        ({"text": "the cat", "place": 3}, 422, "place is 3; the text has 2 words"),
        ({"text": "a\nb"}, 422, "several lines"),
        ({"text": "the", "top": 21}, 422, "top is 21"),
        ({"text": "the", "place": -1}, 422, "place is -1"),
    ):
        assert said in ask(client, MEMORY, status=status, **body)["error"]["message"]
    small = make(models, limits=Limits(max_memory_tokens=4))
    assert "left out" not in ask(small, MEMORY, text="the cat sat on")["model"]
    assert "more than the 4" in ask(small, MEMORY, text="the cat sat on the", status=413)["error"]["message"]
    assert ask(client, MEMORY, text="")["words"] == []


@pytest.mark.parametrize("level", LEVELS)
def test_before_the_first_word_there_is_nothing_to_leave_out(client: TestClient, level: str) -> None:
    found = ask(client, MEMORY, text="", model=level, top=2)
    assert (found["place"], found["words"], found["target"], len(found["top"])) == (0, [], None, 2)
