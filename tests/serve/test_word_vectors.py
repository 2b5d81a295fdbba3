"""/v1/similar and /v1/embeddings: figures by hand, OpenAI's shape, limits, and who has them."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.serve.classifiers import classifier
from tests.serve.compass import WORDS, compass
from tests.serve.conftest import HOST, Make, ask, fit

from elman.serve.app import create_app
from elman.serve.hidden import Hidden
from elman.serve.limits import Limits

SIMILAR, EMBEDDINGS = "/v1/similar", "/v1/embeddings"


@pytest.fixture(scope="module")
def mixed() -> Iterator[TestClient]:
    with TestClient(
        create_app({"word": fit("word"), "compass": compass(), "reviews": classifier()}), base_url=HOST
    ) as opened:
        yield opened


def test_neighbours_by_hand(mixed: TestClient) -> None:
    half = pytest.approx(np.sqrt(0.5))
    found = ask(mixed, SIMILAR, word="North", n=2)
    assert found["model"] == "compass" and found["words"][0]["text"] == "55501234567"
    assert found["words"][1] == {"text": "northeast", "similarity": half}
    assert ask(mixed, SIMILAR, positive=["northeast", "South"], n=1, model="compass")["words"][0]["text"] == "east"
    assert ask(mixed, SIMILAR, negative="north", n=1)["words"] == [{"text": "south", "similarity": 1.0}]
    assert len(ask(mixed, SIMILAR, word="north", n=100)["words"]) == 5
    assert ask(mixed, SIMILAR, positive=WORDS)["words"] == []


def test_a_texts_vector_is_the_mean_of_its_words(mixed: TestClient) -> None:
    texts = ["NORTH", "north, east\nor north?", "sud-est", "The south"]
    found = ask(mixed, EMBEDDINGS, input=texts, user="me", dimensions=2)
    assert found["object"] == "list" and found["model"] == "compass"
    assert [(each["object"], each["index"]) for each in found["data"]] == [("embedding", n) for n in range(4)]
    # or and the have no vector; sud-est is a word, not two
    wanted = np.array([[0, 2], [1 / 3, 4 / 3], [2, -2], [0, -1]], np.float32)
    np.testing.assert_array_equal(np.array([each["embedding"] for each in found["data"]], np.float32), wanted)
    assert found["usage"] == {"prompt_tokens": 8, "total_tokens": 8}
    packed = ask(mixed, EMBEDDINGS, input=texts, encoding_format="base64")["data"]
    decoded = [np.frombuffer(base64.b64decode(each["embedding"]), "<f4") for each in packed]
    np.testing.assert_array_equal(decoded, wanted)
    assert ask(mixed, EMBEDDINGS, input="east", encoding_format="float")["data"][0]["embedding"] == [1, 0]


BAD = [
    (SIMILAR, {}, 422, "word", "word is missing; send word, positive or negative"),
    (SIMILAR, {"word": "north", "positive": "east"}, 422, "word", "word and positive are the same"),
    (SIMILAR, {"positive": []}, 422, "positive", "positive is []; it must not be empty"),
    (SIMILAR, {"word": "north", "n": 101}, 422, "n", "n is 101; this server gives up to 100 words"),
    (SIMILAR, {"word": ["east"] * 1000, "negative": ["north"] * 25}, 422, "word", "1025 words were sent"),
    (SIMILAR, {"word": "nroth", "n": 1}, 422, "word", "'nroth' has no vector"),
    (SIMILAR, {"word": "north", "negative": ["up", "down"]}, 422, "negative", "'up', 'down' have no vector"),
    (SIMILAR, {"word": "north", "model": "reviews"}, 400, "model", "the model here that can: compass"),
    (EMBEDDINGS, {}, 400, "input", "input is missing"),
    (EMBEDDINGS, {"input": [[1, 2]]}, 400, "input", "it must be a string or a list of strings"),
    (EMBEDDINGS, {"input": ["north", "Up and down"]}, 400, "input", "text 1 of input: 'up', 'and', 'down' have no"),
    (EMBEDDINGS, {"input": ["north", "?!"]}, 400, "input", "text 1 of input: there is no word"),
    (EMBEDDINGS, {"input": "\ud800"}, 400, "input", "half of a surrogate pair"),
    (EMBEDDINGS, {"input": "north", "dimensions": 3}, 400, "dimensions", "vectors of this model have 2"),
    (EMBEDDINGS, {"input": "north", "encoding_format": "int8"}, 400, "encoding_format", "encoding_format is"),
    (EMBEDDINGS, {"input": ["north"] * 1025}, 400, "input", "input has 1025 texts; this server takes up to 1024"),
    (EMBEDDINGS, {"input": "north", "model": "word"}, 400, "model", "continues text and cannot give vectors"),
    (EMBEDDINGS, {"input": "north", "model": "x"}, 404, "model", "the models are: word, compass, reviews"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "status", "param", "words"), BAD)
def test_mistakes(mixed: TestClient, path: str, body: dict[str, Any], status: int, param: str, words: str) -> None:
    answer = mixed.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["type"] == "invalid_request_error"
    assert error["param"] == param and words in error["message"] and "\n" not in error["message"]


def test_limits_and_hidden_words(make: Make) -> None:
    limits = Limits(max_texts=3, max_answer=5, max_words=2)
    client = make({"c": compass()}, limits=limits, hidden=Hidden(["northeast", "east"], secrets=False))
    assert (
        "3 texts, 2 numbers each: 6 numbers"
        in ask(client, EMBEDDINGS, input=["east"] * 3, status=400)["error"]["message"]
    )
    assert [each["text"] for each in ask(client, SIMILAR, word="north", n=2)["words"]] == ["sud-est", "south"]
    assert "nort" not in ask(client, SIMILAR, word="northeas", status=422)["error"]["message"].replace("northeas'", "")


@pytest.mark.slow
def test_who_has_them(mixed: TestClient, make: Make) -> None:
    cards = {card["id"]: card["elman"] for card in mixed.get("/v1/models").json()["data"]}
    about = cards["compass"]
    assert (
        about["abilities"] == ["similar", "summarize", "embeddings"]
        and about["dimensions"] == 2
        and len(about["hash"]) == 64
    )
    assert "/v1/embeddings" in mixed.get("/openapi.json").json()["paths"]
    assert "give vectors of words: POST /v1/embeddings" in ask(mixed, "/v1/responses", status=404)["error"]["message"]
    without = make({"reviews": classifier()})
    error = ask(without, EMBEDDINGS, input="a", status=404)["error"]
    assert error["message"] == "/v1/embeddings is not served here: these models predict labels: POST /v1/predict"
    assert "no model here can give vectors of words" in ask(without, SIMILAR, word="a", status=404)["error"]["message"]
