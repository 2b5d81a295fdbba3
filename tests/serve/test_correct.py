"""/v1/correct answers as elman.correct does, within its limits, and hides hidden words."""

import pytest
from starlette.testclient import TestClient
from tests.serve.conftest import Make, ask

import elman
from elman.api import Model
from elman.serve.hidden import Hidden
from elman.serve.limits import Limits

CORRECT = "/v1/correct"
TEXT = "the cta sat on teh mat\n\na dgo ran"


@pytest.mark.slow
def test_it_is_what_correct_gives(client: TestClient, models: dict[str, Model]) -> None:
    found = ask(client, CORRECT, model="word", text=TEXT, threshold=0)
    wanted = elman.correct(models["word"], TEXT, threshold=0)
    assert found["text"] == wanted.text == "the cat sat on the mat\n\na dog ran"
    for change, each in zip(found["changes"], wanted.changes, strict=True):
        assert {**change, "bits": pytest.approx(change["bits"], abs=0.02)} == {
            **each.to_json(),
            "others": change["others"],
        }
    kept = ask(client, CORRECT, model="word", text=TEXT, threshold=0, protect=["cta"])
    assert kept["text"] == "the cta sat on the mat\n\na dog ran"


@pytest.mark.slow
def test_line_ends_stay_as_they_are(client: TestClient) -> None:
    found = ask(client, CORRECT, model="word", text="\r\nthe cta sat\r\na dgo ran\n", threshold=0)
    assert found["text"] == "\r\nthe cat sat\r\na dog ran\n"
    assert [(each["line"], each["start"]) for each in found["changes"]] == [(2, 4), (3, 2)]


def test_what_is_too_much_or_cannot_be_done_is_refused(make: Make, models: dict[str, Model]) -> None:
    client = make(models, limits=Limits(max_prompt_tokens=40))
    for body, status, words in (
        ({"text": "the cat " * 30, "model": "word"}, 413, "more than 40 tokens"),
        ({"text": "the cat", "model": "byte"}, 422, "tokens are no words"),
        ({"text": "the cat", "model": "word", "threshold": -1}, 422, "threshold"),
    ):
        answer = client.post(CORRECT, json=body)
        assert answer.status_code == status and words in answer.json()["error"]["message"], answer.text


@pytest.mark.slow
def test_a_long_text_is_stopped_when_its_time_is_up(make: Make, models: dict[str, Model]) -> None:
    client = make({"word": models["word"]}, limits=Limits(request_seconds=1e-4))
    error = ask(client, CORRECT, text="the cta sat on teh mat " * 100, status=503)["error"]
    assert error["code"] == "timeout" and "\n" not in error["message"]


def test_hidden_words_are_not_offered(make: Make, models: dict[str, Model]) -> None:
    client = make(models, hidden=Hidden(["dog"]))
    found = ask(client, CORRECT, model="word", text="a dgo ran on teh mat", threshold=0)
    assert found["text"] == "a dgo ran on the mat" and "dog" not in str(found["changes"])
