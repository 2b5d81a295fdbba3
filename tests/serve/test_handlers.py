"""Scores in bits, models and figures, and every kind of mistake in one shape and plain words."""

import json
import math
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.serve.conftest import LEVELS, Make, ask

from elman.api import Model
from elman.serve.limits import Limits
from elman.serve.loaded_models import parse_names

COMPLETE, SCORE, COMPLETIONS = "/v1/complete", "/v1/score", "/v1/completions"


@pytest.mark.parametrize("level", LEVELS)
def test_bits_are_those_of_score(client: TestClient, models: dict[str, Model], level: str) -> None:
    text = "the cat sat\r\nthe zebra\n\n猫 and"
    found = ask(client, SCORE, text=text, model=level)
    assert [line["text"] for line in found["lines"]] == ["the cat sat", "the zebra", "", "猫 and"]
    for line in found["lines"]:
        wanted = models[level].score(line["text"])
        assert line["bits"] == pytest.approx(-wanted.log_prob / math.log(2))
        assert (line["tokens"], line["oov"]) == (wanted.tokens, wanted.oov)
        assert [token["text"] for token in line["per_token"]] == [text for text, _ in wanted.per_token]
        assert sum(token["bits"] for token in line["per_token"]) == pytest.approx(line["bits"])
    for name in ("bits", "tokens", "oov"):
        assert found[name] == pytest.approx(sum(line[name] for line in found["lines"]))
    assert ask(client, SCORE, text="") == {"model": "word", "bits": 0, "tokens": 0, "oov": 0, "lines": []}


def test_a_long_line_costs_what_its_tokens_cost(client: TestClient) -> None:
    (line,) = ask(client, SCORE, text="the zebra sat " * 1200, model="word")["lines"]
    assert line["bits"] > 15_000  # more than the 9,999 nats that stand for nothing at all in JSON
    assert line["bits"] == pytest.approx(sum(token["bits"] for token in line["per_token"]))


def test_options_of_complete(client: TestClient, models: dict[str, Model]) -> None:
    lm = models["word"]
    found = ask(client, COMPLETE, prompt="the cat", n=3, block=["SAT"], punctuation=True, partial=False)
    wanted = lm.complete("the cat", n=3, block=["SAT"], punctuation=True, partial=False)
    assert [(word["text"], word["probability"]) for word in found["words"]] == wanted.words
    unknown = ask(client, COMPLETE, prompt="qqq ")
    assert unknown["oov"] == ["qqq"] and unknown["words"]
    assert ask(client, COMPLETE, prompt="the qq")["words"] == []


def test_bytes_that_are_no_character_alone_are_spelled(client: TestClient) -> None:
    (line,) = ask(client, SCORE, text="é", model="byte")["lines"]
    assert [token["text"] for token in line["per_token"]] == ["bytes:\\xc3", "bytes:\\xa9", "\n"]


def test_models_are_listed(client: TestClient, models: dict[str, Model]) -> None:
    found = client.get("/v1/models").json()["data"]
    assert [card["id"] for card in found] == LEVELS
    assert found[0]["elman"]["hash"] == models["word"].lm.model_hash
    assert client.get("/v1/models/char").json() == found[2]
    assert client.get("/healthz").json() == {"status": "ok"}
    assert "elman serves" in client.get("/").text


def test_a_path_is_a_name_too(client: TestClient) -> None:
    assert ask(client, COMPLETE, prompt="the", model="some/where/char/")["model"] == "char"
    assert parse_names(["a/b/", "c=x/y.arpa"]) == {"b": "a/b/", "c": "x/y.arpa"}


BAD = [
    (COMPLETE, {}, 422, "prompt", "prompt is missing"),
    (COMPLETE, {"prompt": 5}, 422, "prompt", "prompt is 5"),
    (COMPLETE, {"prompt": "a", "n": 0}, 422, "n", "n is 0; it must be greater than or equal to 1"),
    (COMPLETE, {"prompt": "a", "n": True}, 422, "n", "n is True"),
    (COMPLETE, {"prompt": "a", "n": 101}, 422, "n", "up to 100 words"),
    (COMPLETE, {"prompt": "a", "nn": 1}, 422, "nn", "unknown field 'nn'"),
    (COMPLETE, {"prompt": "a", "model": "nope"}, 404, "model", "the models are: word, subword, char, byte"),
    (COMPLETE, {"prompt": "a", "session": ""}, 422, "session", "session is ''"),
    (COMPLETE, {"prompt": "\ud800"}, 422, None, "surrogate"),
    (COMPLETE, {"prompt": "a", "model": "\ud800"}, 422, "model", "\\ud800"),
    (SCORE, {"text": ["a"]}, 422, "text", "text is ['a']"),
    (SCORE, {"text": "a " * 20000}, 413, "text", "more than 16384 tokens"),
    (COMPLETIONS, {"prompt": {}}, 422, "prompt", "a list of lists of token ids"),
    (COMPLETIONS, {"prompt": []}, 422, "prompt", "prompt is []; it must not be empty"),
    (COMPLETIONS, {"prompt": [[]]}, 422, "prompt", "prompt is [[]]"),
    (COMPLETIONS, {"prompt": ["a", 1]}, 422, "prompt", "a list of strings"),
    (COMPLETIONS, {"prompt": [-1]}, 422, "prompt", "-1"),
    (COMPLETIONS, {"prompt": [10**6]}, 422, "prompt", "token id 1000000; this model's are 0 to"),
    (COMPLETIONS, {"prompt": [3] * 17000}, 413, "prompt", "more than 16384 tokens"),
    (COMPLETIONS, {"max_tokens": 3000}, 422, "max_tokens", "up to 2048"),
    (COMPLETIONS, {"max_tokens": "5"}, 422, "max_tokens", "max_tokens is '5'"),
    (COMPLETIONS, {"n": 129}, 422, "n", "129 texts; this server writes up to 128"),
    (COMPLETIONS, {"prompt": ["a"] * 65, "n": 2}, 422, "n", "65 prompts, n 2"),
    (
        COMPLETIONS,
        {"n": 128, "max_tokens": 98, "logprobs": 20},
        422,
        "max_tokens",
        "263424 tokens, alternatives counted",
    ),
    (COMPLETIONS, {"prompt": [3] * 9000, "n": 10, "echo": True, "logprobs": 2}, 422, "max_tokens", "270480 tokens"),
    (COMPLETIONS, {"prompt": [3] * 16000, "stream": True, "echo": True, "logprobs": 20}, 422, "max_tokens", "336000"),
    (COMPLETIONS, {"model": 5, "prompt": []}, 422, "model", "model is 5; it must be a valid string"),
    (COMPLETE, {"prompt": ["a"]}, 422, "prompt", "it must be a valid string"),
    (COMPLETIONS, {"stop": ""}, 422, "stop", "1 to 200 characters"),
    (COMPLETIONS, {"stop": ["a"] * 17}, 422, "stop", "17 strings"),
    (COMPLETIONS, {"stop": "a" * 201}, 422, "stop", "201 characters"),
    (COMPLETIONS, {"stop": 3}, 422, "stop", "a list of strings"),
    (COMPLETIONS, {"temperature": -1}, 422, "temperature", "temperature is -1"),
    (COMPLETIONS, {"top_p": 0}, 422, "top_p", "top_p is 0"),
    (COMPLETIONS, {"logprobs": 21}, 422, "logprobs", "less than or equal to 20"),
    (COMPLETIONS, {"logit_bias": {"x": 1}}, 422, "logit_bias", "token ids"),
    (COMPLETIONS, {"logit_bias": {"٣": 1}}, 422, "logit_bias", "token ids"),
    (COMPLETIONS, {"repetition_penalty": 1}, 422, "repetition_penalty", "unknown field"),
    (COMPLETIONS, {"stream_options": {"x": 1}}, 422, "stream_options", "unknown field"),
    ("/v1/chat/completions", {}, 404, None, "there is nothing at '/v1/chat/completions'"),
    ("/v1/models", {}, 405, None, "POST is not what '/v1/models' takes"),
]


@pytest.mark.parametrize(("path", "body", "status", "param", "words"), BAD)
def test_mistakes(client: TestClient, path: str, body: dict[str, Any], status: int, param: str, words: str) -> None:
    answer = client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param and words in error["message"] and "\n" not in error["message"]
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "raw", [b"{", b"", b"\xff\xfe", b"[" * 50_000, b'{"prompt": ' + b"1" * 5000 + b"}", b"[]", b"null", b'{"n": NaN}']
)
def test_bodies_that_are_none(client: TestClient, raw: bytes) -> None:
    answer = client.post(COMPLETE, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422) and answer.json()["error"]["message"]


def test_a_mistake_of_ours_is_a_500_in_the_same_shape(
    models: dict[str, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    from elman.serve import app as module

    def broken(*_: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(module, "complete_answer", broken)
    with TestClient(module.create_app(models), base_url="http://localhost", raise_server_exceptions=False) as opened:
        answer = opened.post(COMPLETE, json={"prompt": "a"})
        assert answer.status_code == 500 and answer.json()["error"]["type"] == "server_error"
        assert "boom" not in answer.text
        assert 'elman_requests_total{route="/v1/complete",status="500"} 1.0' in opened.get("/metrics").text


def test_figures_are_what_prometheus_reads(make: Make, models: dict[str, Model]) -> None:
    client = make({"word": models["word"]})
    for _ in range(3):
        ask(client, COMPLETE, prompt="the", session="s")
    ask(client, COMPLETIONS, prompt="the cat", max_tokens=4, n=2)
    client.get("/nowhere")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert {name: family.type for name, family in families.items()} == {
        "elman_requests": "counter", "elman_tokens": "counter", "elman_texts": "counter",
        "elman_request_seconds": "histogram", "elman_step_rows": "histogram", "elman_requests_running": "gauge",
        "elman_completions_running": "gauge", "elman_sessions": "gauge", "elman_session_bytes": "gauge",
        "elman_steps_waiting": "gauge",
    }  # fmt: skip
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values["elman_requests_total", ("route", "/v1/complete"), ("status", "200")] == 3
    assert values["elman_requests_total", ("route", "other"), ("status", "404")] == 1
    assert values["elman_tokens_total", ("kind", "written"), ("model", "word")] == 8
    assert values["elman_tokens_total", ("kind", "prompt"), ("model", "word")] == 2
    assert values["elman_sessions",] == 1 and values["elman_session_bytes",] > 0
    assert values["elman_requests_running",] == 1  # the one that asks
    assert values["elman_request_seconds_bucket", ("le", "+Inf"), ("route", "/v1/complete")] == 3
    assert values["elman_request_seconds_count", ("route", "/v1/complete")] == 3
    rows = [values["elman_step_rows_bucket", ("le", f"{2**power}.0")] for power in range(8)]
    assert rows == sorted(rows) and rows[2] >= 4
    assert values["elman_step_rows_sum",] >= values["elman_step_rows_count",] == rows[-1]
    fresh = make({"word": models["word"]}).get("/metrics").text
    assert "elman_sessions 0.0\n" in fresh and "elman_tokens_total{" not in fresh  # each server counts for itself


def test_limits_are_above_nothing() -> None:
    from elman.errors import UsageError

    with pytest.raises(UsageError, match="sessions is 0; it must be above 0"):
        Limits(sessions=0)
