"""/v1/translate: translations in order, attention, limits, hidden words, and who has it."""

import json
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from tests.serve.conftest import HOST, ask, fit
from tests.serve.translators import Backwards

from elman.serve.app import create_app
from elman.serve.hidden import Hidden
from elman.serve.limits import Limits

TRANSLATE = "/v1/translate"


@pytest.fixture(scope="module")
def mixed() -> Iterator[TestClient]:
    models = {"word": fit("word"), "back": Backwards(), "blind": Backwards("none")}
    limits = Limits(max_translate=30, max_texts=40, max_answer=60)
    with TestClient(create_app(models, limits=limits, hidden=Hidden(["bird"])), base_url=HOST) as opened:
        yield opened


def test_translations_in_the_order_of_the_texts(mixed: TestClient) -> None:
    texts = [f"text {number}" for number in range(35)]
    found = ask(mixed, TRANSLATE, input=texts)
    assert found["model"] == "back"
    assert [each["source"] for each in found["translations"]] == texts
    assert [each["translation"] for each in found["translations"]] == [f"{number} TEXT" for number in range(35)]
    assert all(each["log_prob"] == -1.5 and "attention" not in each for each in found["translations"])


def test_several_translations_that_begin_as_asked(mixed: TestClient) -> None:
    (found,) = ask(mixed, TRANSLATE, input="a b", n_best=2, beam_size=3, begin="So ")["translations"]
    assert found["translation"] == "So B A"
    assert found["translations"] == [{"text": "So B A", "log_prob": -1.5}, {"text": "So B A!", "log_prob": -3.0}]


def test_attention_has_a_row_for_each_word(mixed: TestClient) -> None:
    (found,) = ask(mixed, TRANSLATE, input="a b", attention=True)["translations"]
    assert found["attention"] == {
        "source": ["a", "b"], "target": ["B", "A"], "attention": [[0.1, 0.9], [1.0, 0.0]], "alignment": "1-0 0-1"
    }  # fmt: skip


def test_hidden_words_are_left_out(mixed: TestClient) -> None:
    (found,) = ask(mixed, TRANSLATE, input="the bird, the birds", attention=True, n_best=2)["translations"]
    assert found["translation"] == "BIRDS THE …, THE" and found["source"] == "the bird, the birds"
    assert found["translations"][1]["text"] == "BIRDS THE …, THE!"
    assert found["attention"]["target"] == ["BIRDS", "THE", "…,", "THE"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"input": "x" * 31}, 413, "a text has 31 characters; this server translates up to 30"),
        ({"input": ["a"] * 41}, 422, "input has 41 texts"),
        ({"input": ["a"] * 40, "n_best": 2}, 422, "40 texts, 2 translations each: 80 translations"),
        ({"input": "a", "n_best": 6}, 422, "n_best is 6, but beam_size is 5"),
        ({"input": "a", "attention": True, "model": "blind"}, 422, "no attention"),
        ({"input": "a", "model": "word"}, 400, "continues text and cannot translate; the models here that can:"),
        ({"input": []}, 422, "input"),
        ({"input": "a", "beam_size": 65}, 422, "beam_size"),
        ({"input": "a\ud800"}, 422, "input"),
        ({"input": "a", "begin": "\ud800"}, 422, "begin"),
        ({"input": "a", "begin": "a\nb"}, 422, "the beginning has more than one line"),
    ],
)
def test_what_is_refused(mixed: TestClient, body: dict, status: int, words: str) -> None:
    answer = mixed.post(TRANSLATE, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == status and words in answer.json()["error"]["message"], answer.text


def test_the_card_names_what_it_does(mixed: TestClient) -> None:
    cards = {card["id"]: card["elman"] for card in mixed.get("/v1/models").json()["data"]}
    assert cards["back"]["abilities"] == ["translate"] and cards["back"]["views"] == ["translate"]
    with TestClient(create_app({"word": fit("word")}), base_url=HOST) as alone:
        answer = alone.post(TRANSLATE, json={"input": "a"})
        assert answer.status_code == 404 and "no model here can translate" in answer.text
