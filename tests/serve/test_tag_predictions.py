"""/v1/predict of taggers, by hand and as the model itself says; limits and mistakes."""

import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.serve.classifiers import classifier
from tests.serve.conftest import HOST, Make, ask
from tests.serve.taggers import SURE, WORDS, tagger

from elman.serve.app import create_app
from elman.serve.limits import Limits

PREDICT = "/v1/predict"
MANY = [f"tag {number}" for number in range(40)]
TEXTS = ["Ann Lee sang in New York.", "", "\U0001f600  Oslo", " Bergen \n Oslo ", "nobody here", "Ann " * 30]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    models = {"names": tagger(), "reviews": classifier(), "pos": tagger(WORDS), "many": tagger(WORDS, labels=MANY)}
    with TestClient(create_app(models), base_url=HOST) as opened:
        yield opened


def test_spans_stand_in_the_users_own_string(client: TestClient) -> None:
    found = ask(client, PREDICT, input=TEXTS, model="names")
    assert (found["scheme"], found["types"]) == ("BIO", ["person", "place"])
    assert found["labels"] == ["B-person", "B-place", "I-person", "I-place", "O"]
    spans = [[(each["type"], each["text"]) for each in one["spans"]] for one in found["predictions"]]
    assert spans[0] == [("person", "Ann Lee"), ("place", "New York")]
    assert spans[1:5] == [[], [("place", "Oslo")], [("place", "Bergen"), ("place", "Oslo")], []]
    for text, one in zip(TEXTS, found["predictions"], strict=True):
        assert one["text"] == text
        assert all(text[each["start"] : each["end"]] == each["text"] for each in one["spans"] + one["words"])
    assert found["predictions"][2]["spans"][0]["start"] == 3  # characters, not UTF-16 units
    alone = [ask(client, PREDICT, input=text, model="names")["predictions"][0] for text in TEXTS]
    assert alone == found["predictions"] == [each.to_json() for each in tagger().predict(TEXTS)]


def test_probabilities_by_hand(client: TestClient) -> None:
    found = ask(client, PREDICT, input="the bank", model="pos", top=2, n_best=3)
    assert "spans" not in found["predictions"][0] and found["scheme"] is None and "types" not in found
    labels = found["labels"]
    assert labels == sorted({*WORDS.values(), "X"})
    the, bank = found["predictions"][0]["words"]
    scores = [SURE if label == "DET" else -number / 10 for number, label in enumerate(labels)]
    total = sum(map(math.exp, scores))
    assert (the["tag"], bank["tag"]) == ("DET", "NOUN")
    assert the["probability"] == pytest.approx(math.exp(SURE) / total, rel=1e-6)
    other = next(label for label in labels if label != "DET")
    assert [each["tag"] for each in the["top"]] == ["DET", other]
    assert the["top"][1]["probability"] == pytest.approx(math.exp(-0.1) / total, rel=1e-6)
    best, *rest = found["predictions"][0]["sequences"]
    assert best["tags"] == ["DET", "NOUN"] and len(rest) == 2
    assert best["probability"] == pytest.approx(the["probability"] * bank["probability"], rel=1e-6)
    assert best["probability"] > rest[0]["probability"] >= rest[1]["probability"]


def test_the_probability_of_a_span_sums_over_the_other_words(client: TestClient) -> None:
    (one,) = ask(client, PREDICT, input="Ann Lee sang", model="names", n_best=20)["predictions"]
    every = tagger().n_best("Ann Lee sang", 10_000)
    assert sum(chance for _, chance in every) == pytest.approx(1)
    wanted = sum(chance for tags, chance in every if tags[:2] == ("B-person", "I-person"))
    assert one["spans"][0]["probability"] == pytest.approx(wanted, rel=1e-9)
    assert [each["tags"] for each in one["sequences"]] == [list(tags) for tags, _ in every[:20]]
    assert one["words"][0]["probability"] == pytest.approx(
        sum(chance for tags, chance in every if tags[0] == "B-person"), rel=1e-9
    )


BAD = [
    ({"input": "a", "explain": True}, 422, "explain", "explain is for models that label whole texts; names tags words"),
    ({"input": "a", "top": 51}, 422, "top", "top is 51; it must be at most 50"),
    ({"input": "a", "n_best": -1}, 422, "n_best", "n_best is -1; it must be 0 or more"),
    ({"input": ["a", "\ud800"]}, 422, "input", "text 1 of input has half of a surrogate pair"),
    ({"input": "a " * 16385}, 413, "input", "the text has 16,385 words; this server tags up to 16,384 in one text"),
    ({"input": ["a " * 9000] * 2, "top": 20}, 422, "input", "18,000 words, with 21 tags each 378,000; this server"),
    ({"input": "a " * 4000, "n_best": 20, "model": "many"}, 422, "n_best", "n_best is 20, for a text of 4,000 words"),
    ({"input": "a", "model": "pos", "explain": True}, 422, "explain", "pos tags words: leave it out"),
]


@pytest.mark.parametrize(("body", "status", "param", "words"), BAD)
def test_mistakes(client: TestClient, body: dict[str, Any], status: int, param: str, words: str) -> None:
    answer = client.post(PREDICT, content=json.dumps(body), headers={"Content-Type": "application/json"})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param), answer.text
    assert words in error["message"] and "\n" not in error["message"]


def test_each_model_says_what_it_can(client: TestClient) -> None:
    cards = {card["id"]: card["elman"] for card in client.get("/v1/models").json()["data"]}
    assert cards["names"]["abilities"] == cards["reviews"]["abilities"] == ["predict"]
    assert (cards["names"]["views"], cards["reviews"]["views"]) == (["tags"], ["classify"])
    assert cards["names"]["hash"] == tagger().model_hash and cards["pos"]["scheme"] == "none"
    assert ask(client, PREDICT, input="the", model="pos")["predictions"][0]["words"][0]["tag"] == "DET"
    assert ask(client, PREDICT, input="a")["model"] == "names"  # the first one
    assert client.post("/v1/corrections", json={"text": "Ann", "tags": ["O"]}).status_code == 404


@pytest.mark.slow
def test_a_long_text_shares_the_steps(make: Make) -> None:
    client = make({"names": tagger()}, limits=Limits(max_prompt_tokens=5000))
    texts = ["Ann sang " * 1100, *["Oslo"] * 40]
    found = ask(client, PREDICT, input=texts)["predictions"]
    assert [len(one["spans"]) for one in found] == [1100, *[1] * 40]
    text = client.get("/metrics").text
    assert "elman_step_rows_count 2.0\n" in text and 'elman_texts_total{model="names"} 41.0\n' in text
    np.testing.assert_allclose(found[0]["spans"][5]["probability"], found[0]["spans"][300]["probability"])
