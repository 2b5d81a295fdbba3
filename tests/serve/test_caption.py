"""/v1/caption: pictures and features, attention, limits, hostile pictures, hidden words, and who
has it."""

import base64
import io
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.serve.conftest import HOST, ask, fit
from tests.serve.painters import Painter

from elman.serve.app import create_app
from elman.serve.hidden import Hidden
from elman.serve.limits import Limits

CAPTION = "/v1/caption"
RGB = {"red": (250, 0, 0), "green": (0, 250, 0), "blue": (0, 0, 250)}


def picture(left: str, right: str, *, kind: str = "PNG") -> str:
    """A picture of two colours in base64, larger than the model's."""
    sides = np.repeat([[RGB[left], RGB[right]]], 8, 0).repeat(8, 1).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(sides).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def bomb(side: int) -> str:
    """A PNG of some hundred bytes that claims to be very large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b"")).decode()


@pytest.fixture(scope="module")
def mixed() -> Iterator[TestClient]:
    models = {
        "word": fit("word"), "paint": Painter(), "blind": Painter(attends=False), "vectors": Painter(features=True)
    }  # fmt: skip
    limits = Limits(max_texts=4, max_answer=20, max_pixels=1000)
    with TestClient(create_app(models, limits=limits, hidden=Hidden(["green"])), base_url=HOST) as opened:
        yield opened


def test_captions_in_the_order_of_the_pictures(mixed: TestClient) -> None:
    url = f"data:image/jpeg;base64,{picture('blue', 'red', kind='JPEG')}"
    found = ask(mixed, CAPTION, input=[picture("red", "blue"), url])
    assert found == {
        "model": "paint",
        "captions": [{"caption": "red on blue", "log_prob": -0.5}, {"caption": "blue on red", "log_prob": -0.5}],
    }


def test_several_captions_and_where_the_model_looked(mixed: TestClient) -> None:
    (found,) = ask(mixed, CAPTION, input=picture("red", "blue"), n_best=2, begin="a ", attention=True)["captions"]
    assert found["captions"] == [
        {"text": "a red on blue", "log_prob": -0.5},
        {"text": "a red on blue!", "log_prob": -1},
    ]
    assert found["attention"]["words"] == ["a", "red", "on", "blue"]
    assert found["attention"]["attention"][0] == [[1, 0]] and found["attention"]["attention"][-1] == [[0, 1]]


def test_a_data_url_may_be_in_capitals(mixed: TestClient) -> None:
    (found,) = ask(mixed, CAPTION, input=f"DATA:IMAGE/PNG;BASE64,{picture('red', 'blue')}")["captions"]
    assert found["caption"] == "red on blue"


def test_features_are_captioned_by_a_model_of_features(mixed: TestClient) -> None:
    for features in ([[9, 0, 0], [0, 0, 1.5]], [[[9, 0, 0], [0, 0, 1.5]]]):
        (found,) = ask(mixed, CAPTION, model="vectors", features=features)["captions"]
        assert found["caption"] == "red on blue"


def test_hidden_words_are_left_out(mixed: TestClient) -> None:
    (found,) = ask(mixed, CAPTION, input=picture("green", "red"), attention=True, n_best=2)["captions"]
    assert found["caption"] == "… on red" and found["captions"][1]["text"] == "… on red!"
    assert found["attention"]["words"] == ["…", "on", "red"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"input": "no base64!"}, "picture 1 is not in base64; send the bytes of its file so"),
        ({"input": "data:image/png,abc"}, "picture 1 is not in base64"),
        ({"input": "a\ud800"}, "picture 1 is not in base64"),
        ({"input": ""}, "picture 1: not a picture that can be read (PNG, "),
        ({"input": base64.b64encode(b"<svg/>").decode()}, "picture 1: not a picture that can be read"),
        ({"input": [picture("red", "red"), picture("red", "red")[:64]]}, "picture 2: the picture is broken"),
        ({"input": bomb(32)}, "picture 1: a picture of more than 1,000 pixels"),
        ({"input": bomb(60_000)}, "picture 1: a picture of more than 1,000 pixels"),
        ({"input": ["x"] * 5}, "input has 5 pictures; this server takes up to 4"),
        ({"input": []}, "input is []; it must not be empty"),
        ({}, "paint was trained on pictures; send them as input"),
        ({"features": [[1, 2, 3]]}, "paint was trained on pictures; send them as input"),
        ({"input": "x", "features": [[1, 2, 3]]}, "paint was trained on pictures; send them as input"),
        ({"input": "x", "model": "vectors"}, "vectors was trained on features of pictures; send them as features"),
        ({"features": [[1, 2], [3]], "model": "vectors"}, "the lists in features differ in length"),
        ({"features": [[1, 2], [3, 4]], "model": "vectors"}, "features [1, 2, 2], not [1, 2, 3]"),
        ({"features": [[1, 2, 3], [4, 5, 1e300]], "model": "vectors"}, "some of its numbers are not finite"),
        ({"features": [], "model": "vectors"}, "features are numbers [N, D] or [H, W, D]"),
        ({"features": "x", "model": "vectors"}, "it must be a list of lists of numbers, or a list of such lists"),
        ({"input": [picture("red", "red")] * 4, "attention": True}, "has 24 weights; this server gives up to 20"),
        ({"input": picture("red", "red"), "attention": True, "model": "blind"}, "no attention"),
        ({"input": "x", "n_best": 6, "beam_size": 5}, "n_best is 6, but beam_size is 5"),
        ({"input": "x", "begin": "\ud800"}, "half of a surrogate pair"),
        ({"input": "x", "begin": "a\rb"}, "the beginning has more than one line"),
    ],
)  # fmt: skip
def test_what_is_refused(mixed: TestClient, body: dict[str, Any], words: str) -> None:
    answer = mixed.post(CAPTION, content=json.dumps(body), headers={"Content-Type": "application/json"})
    message = answer.json()["error"]["message"]
    assert answer.status_code == 422 and words in message and "\n" not in message, answer.text
    assert answer.json()["error"]["param"] == "input" or not words.startswith("picture "), answer.text


def test_numbers_that_json_does_not_have_are_refused(mixed: TestClient) -> None:
    answer = mixed.post(
        CAPTION, content='{"model": "vectors", "features": [[1, 2, 3], [1, 2, NaN]]}',
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 422 and "not finite" in answer.text


def test_the_card_names_what_it_does(mixed: TestClient) -> None:
    cards = {card["id"]: card["elman"] for card in mixed.get("/v1/models").json()["data"]}
    assert cards["paint"]["abilities"] == ["caption"] and cards["paint"]["views"] == ["caption"]
    assert cards["vectors"]["abilities"] == ["caption"] and cards["vectors"]["views"] == []
    error = ask(mixed, CAPTION, status=400, input="x", model="word")["error"]
    assert (
        "continues text and cannot write captions; the models here that can: paint, blind, vectors" in error["message"]
    )
