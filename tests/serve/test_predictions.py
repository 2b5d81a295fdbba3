"""/v1/predict: probabilities, explanations by hand, limits, and what each model can do."""

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.serve.classifiers import REVIEW, WORDS, classifier
from tests.serve.conftest import HOST, Make, ask, fit

from elman.api import Model
from elman.errors import UsageError
from elman.serve.app import create_app
from elman.serve.limits import Limits

PREDICT = "/v1/predict"
TEXTS = [REVIEW, "", "a good film", "awful", "\n a\r\ndull\tstory ", "猫 café", "good " * 90]


@pytest.fixture(scope="module")
def mixed() -> Iterator[TestClient]:
    """A server of a language model between two classifiers."""
    models = {"reviews": classifier(), "word": fit("word"), "topics": classifier(labels=5, multi_label=True)}
    with TestClient(create_app(models), base_url=HOST) as opened:
        yield opened


@pytest.mark.parametrize("name", ["reviews", "topics"])
def test_probabilities_are_the_models_own(mixed: TestClient, name: str) -> None:
    model = classifier() if name == "reviews" else classifier(labels=5, multi_label=True)
    found = ask(mixed, PREDICT, input=TEXTS, model=name)
    assert (found["model"], found["labels"]) == (name, list(model.labels))
    rows = [[each["probabilities"][label] for label in model.labels] for each in found["predictions"]]
    np.testing.assert_array_equal(rows, model.predict_proba(TEXTS))
    wanted = model.predict(TEXTS)
    assert [each["labels"] for each in found["predictions"]] == [
        [labels] if isinstance(labels, str) else list(labels) for labels in wanted
    ]
    assert "explanation" not in found["predictions"][0]
    assert len({len(labels) for labels in wanted}) > 1 or name == "reviews"
    alone = [ask(mixed, PREDICT, input=text, model=name)["predictions"][0] for text in TEXTS]
    assert alone == found["predictions"]


@pytest.mark.slow
def test_requests_that_come_together_get_what_they_get_alone(mixed: TestClient) -> None:
    texts = [f"{word} {REVIEW[:cut]}" for some in WORDS.values() for word in some for cut in range(0, 90, 9)]
    alone = [ask(mixed, PREDICT, input=text) for text in texts]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda text: ask(mixed, PREDICT, input=text), texts))
    assert together == alone
    pairs = [each["probabilities"] for each in ask(mixed, PREDICT, input=texts)["predictions"]]
    assert pairs == [each["predictions"][0]["probabilities"] for each in alone]


def test_what_each_word_contributes(mixed: TestClient) -> None:
    text = "a fine film: good  dull"
    without = ["fine film: good  dull", "a film: good  dull", "a fine: good  dull", "a fine film good  dull"]
    without += ["a fine film:  dull", "a fine film: good"]
    model = classifier()
    (whole, *less) = model.predict_proba([text, *without])[:, 1].tolist()
    assert whole > 0.5
    ((found,), plain) = (ask(mixed, PREDICT, input=text, explain=explain)["predictions"] for explain in (True, False))
    explanation = found.pop("explanation")
    assert [found] == plain and explanation["label"] == "pos"
    words = explanation["words"]
    assert [word["text"] for word in words] == ["a", "fine", "film", ":", "good", "dull"]
    assert all(text[word["start"] : word["end"]] == word["text"] for word in words)
    assert [word["change"] for word in words] == pytest.approx([whole - each for each in less], abs=1e-12)
    odds = [math.log(whole / (1 - whole)) - math.log(each / (1 - each)) for each in less]
    assert [word["contribution"] for word in words] == pytest.approx(odds, abs=1e-9)
    assert words[1]["change"] > 0.05 and words[5]["change"] < -0.05


def test_explanations_are_of_the_most_probable_label(mixed: TestClient) -> None:
    found = ask(mixed, PREDICT, input=["dull", "good", "?!", "", "\U0001f600 good"], explain=True)["predictions"]
    told = [each["explanation"] for each in found]
    assert [each["label"] for each in told[:2]] == ["neg", "pos"]
    assert all(each["probabilities"][facts["label"]] >= 0.5 for each, facts in zip(found, told, strict=True))
    assert [[word["text"] for word in each["words"]] for each in told[2:4]] == [["?", "!"], []]
    assert [(word["text"], word["start"], word["end"]) for word in told[4]["words"]][1] == ("good", 2, 6)
    (topics,) = ask(mixed, PREDICT, input="good", model="topics", explain=True)["predictions"]
    assert topics["explanation"]["label"] == max(topics["probabilities"], key=topics["probabilities"].__getitem__)


BAD = [
    ({}, 422, "input", "input is missing"),
    ({"input": 5}, 422, "input", "input is 5"),
    ({"input": []}, 422, "input", "input is []; it must not be empty"),
    ({"input": ["a", 1]}, 422, "input", "it must be a string or a list of strings"),
    ({"input": "a", "explain": 1}, 422, "explain", "explain is 1"),
    ({"input": "a", "best": 1}, 422, "best", 'unknown field "best"'),
    ({"input": "a", "top": 1}, 422, "top", "top is for taggers; reviews predicts labels: leave it out"),
    ({"input": ["a", "\ud800"]}, 422, "input", "text 1 of input has half of a surrogate pair"),
    ({"input": ["a"] * 1025}, 422, "input", "input has 1025 texts; this server takes up to 1024"),
    ({"input": ["a" * 2001] * 2, "explain": True}, 413, "input", "4002 characters; this server explains up to 4000"),
    ({"input": "a", "model": "nope"}, 404, "model", "the models are: reviews, word, topics"),
    ({"input": "a", "model": "word"}, 400, "model", '"word" continues text and cannot predict labels; the '
     "models here that can: reviews, topics"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "param", "words"), BAD)
def test_mistakes(mixed: TestClient, body: dict[str, Any], status: int, param: str, words: str) -> None:
    answer = mixed.post(PREDICT, content=json.dumps(body), headers={"Content-Type": "application/json"})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param), answer.text
    assert words in error["message"] and "\n" not in error["message"]


def test_limits(make: Make) -> None:
    limits = Limits(max_texts=3, max_answer=100, max_explain=10)
    client = make({"reviews": classifier(), "many": classifier(labels=50)}, limits=limits)
    assert len(ask(client, PREDICT, input=["a"] * 3)["predictions"]) == 3
    ask(client, PREDICT, input=["a"] * 4, status=422)
    error = ask(client, PREDICT, input=["a"] * 3, model="many", status=422)["error"]
    assert "3 texts, 50 labels: 150 probabilities; this server gives up to 100" in error["message"]
    ask(client, PREDICT, input=["12345", "67890"], explain=True)
    error = ask(client, PREDICT, input=["12345", "67890!"], explain=True, status=413)["error"]
    assert error["code"] == "too_long_to_explain"


ROUTES = [
    ("complete", {"prompt": "the"}), ("score", {"text": "the"}), ("memory", {"text": "the"}),
    ("completions", {"prompt": "the", "max_tokens": 1}), ("predict", {"input": "the"}),
]  # fmt: skip


def test_every_model_tells_what_it_can_do_and_does_no_more(mixed: TestClient) -> None:
    cards = {card["id"]: card["elman"] for card in mixed.get("/v1/models").json()["data"]}
    assert cards["reviews"]["hash"] == classifier().model_hash and cards["reviews"]["labels"] == 2
    for name, about in cards.items():
        assert about["abilities"] == (
            ["complete", "score", "rescore", "correct", "memory", "completions"] if name == "word" else ["predict"]
        )
        assert mixed.get(f"/v1/models/{name}").json()["elman"] == about
        for route, body in ROUTES:
            able = route in about["abilities"]
            found = ask(mixed, f"/v1/{route}", model=name, status=200 if able else 400, **body)
            if not able:
                can = "the models here that can: reviews, topics" if name == "word" else "the model here that can: word"
                assert can in found["error"]["message"] and found["error"]["code"] == "model_not_able"
    # Without a name, the first model answers that can.
    for route, body in ROUTES:
        assert ask(mixed, f"/v1/{route}", **body)["model"] == ("reviews" if route == "predict" else "word")


def test_if_no_model_can(make: Make, models: dict[str, Model]) -> None:
    only = {"labels": make({"reviews": classifier()}), "text": make({"word": models["word"]})}
    said = ask(only["labels"], "/v1/complete", prompt="a", status=404)["error"]["message"]
    assert said == "no model here can continue text; reviews predicts labels"
    said = ask(only["text"], PREDICT, input="a", status=404)["error"]["message"]
    assert said == "no model here can predict labels; word continues text"
    said = ask(only["text"], PREDICT, input="a", model="word", status=400)["error"]["message"]
    assert said == '"word" continues text and cannot predict labels; no model here can'


def test_a_model_that_can_do_nothing_is_refused() -> None:
    class Silent:
        card, folder = {}, None  # noqa: RUF012

    with pytest.raises(
        UsageError,
        match="silent cannot be served; a model that continues text, predicts labels, tags words, translates, gives "
        "vectors of words, ranks documents, reads passages, chooses replies, forecasts series or writes captions can",
    ):
        create_app({"reviews": classifier(), "silent": Silent()})  # type: ignore[dict-item]


def test_figures(make: Make) -> None:
    client = make({"reviews": classifier()})
    ask(client, PREDICT, input=["a", "b", "c"])
    ask(client, PREDICT, input="a fine film", explain=True)
    text = client.get("/metrics").text
    assert 'elman_texts_total{model="reviews"} 4.0\n' in text
    assert 'elman_requests_total{route="/v1/predict",status="200"} 2.0\n' in text
    assert "elman_step_rows_sum 11.0\n" in text  # 3, 1, 3 without a word, 4 beginnings


def test_a_long_request_is_stopped(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    free = threading.Event()
    slow = classifier(labels=3)
    client = make({"slow": slow}, limits=Limits(request_seconds=0.1))
    whole = slow.predictions
    monkeypatch.setattr(slow, "predictions", lambda texts: free.wait(10) and whole(texts))
    error = ask(client, PREDICT, input="a", status=503)["error"]
    assert error["code"] == "timeout" and "--request-seconds" in error["message"]
    free.set()
