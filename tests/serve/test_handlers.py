"""Scores in bits, models and figures, and every kind of mistake in one shape and plain words."""

import json
import math
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.serve.conftest import LEVELS, Make, ask

from elman.api import Model
from elman.decode.words import runs
from elman.serve.direct import DirectRoute
from elman.serve.hidden import Hidden
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


@pytest.mark.slow
def test_what_a_server_hides_is_nowhere(make: Make, models: dict[str, Model]) -> None:
    hidden = {"the", "cat", "catalogue"}
    client = make(models, hidden=Hidden(["the", "cat*"]))
    for name in models:
        for prompt in ("", "the c", "the dog sat on "):
            for session in (None, "field"):
                found = ask(client, COMPLETE, model=name, prompt=prompt, n=20, session=session, secrets=False)
                assert found["words"] and not {word["text"] for word in found["words"]} & hidden, (name, prompt)
        stream = ask(client, "/v1/completions", model=name, prompt="a dog", max_tokens=60, n=6, seed=2, logprobs=5)
        for choice in stream["choices"]:
            text = choice["text"]
            assert not {text[start:end] for start, end, _ in runs(text)} & hidden, (name, text)
        # As `elman generate` writes it.
        wanted = models[name].generate("a dog", block=["the", "cat*"], max_tokens=60, seed=2)
        assert stream["choices"][0]["text"] == wanted
    for choice in ask(client, "/v1/completions", model="word", prompt="a", logprobs=20, max_tokens=9)["choices"]:
        assert not any(hidden & {text.strip() for text in top} for top in choice["logprobs"]["top_logprobs"])
    scored = ask(client, "/v1/score", model="word", text="the cat sat", top=20)["lines"][0]["per_token"]
    assert not any(hidden & {each["text"].strip() for each in token["top"]} for token in scored)


def test_a_request_blocks_words_and_stems_but_no_expressions(client: TestClient) -> None:
    found = ask(client, COMPLETE, prompt="the ", block=["CAT*", "mat"], n=20)
    assert not {"cat", "catalogue", "mat"} & {word["text"] for word in found["words"]}
    refused = ask(client, COMPLETE, prompt="the ", block=["/(a+)+$/"], status=422)
    assert "regular expression" in refused["error"]["message"]


def test_the_last_word_is_damped_unless_asked_for(client: TestClient) -> None:
    damped, full = (ask(client, COMPLETE, prompt="the ", n=20, repeats=repeats)["words"] for repeats in (False, True))
    shares = [next(word["probability"] for word in words if word["text"] == "the") for words in (damped, full)]
    assert shares[0] == pytest.approx(shares[1] / 10)


def test_options_of_complete(client: TestClient, models: dict[str, Model]) -> None:
    lm = models["word"]
    found = ask(client, COMPLETE, prompt="the cat", n=3, block=["SAT"], punctuation=True, partial=False)
    wanted = lm.complete("the cat", n=3, block=["SAT"], punctuation=True, partial=False)
    assert [(word["text"], word["probability"]) for word in found["words"]] == wanted.words
    unknown = ask(client, COMPLETE, prompt="qqq ")
    assert unknown["oov"] == ["qqq"] and unknown["words"]
    halfway = ask(client, COMPLETE, prompt="the qq")
    assert (halfway["partial"], halfway["oov"]) == ("", ["qq"]) and halfway["words"]


def test_bytes_that_are_no_character_alone_are_spelled(client: TestClient) -> None:
    (line,) = ask(client, SCORE, text="é", model="byte")["lines"]
    assert [token["text"] for token in line["per_token"]] == ["bytes:\\xc3", "bytes:\\xa9", "\n"]


def test_models_are_listed(client: TestClient, models: dict[str, Model]) -> None:
    found = client.get("/v1/models").json()["data"]
    assert [card["id"] for card in found] == LEVELS
    assert found[0]["elman"]["hash"] == models["word"].lm.model_hash
    assert client.get("/v1/models/char").json() == found[2]
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/health").json() == {"status": "ok"}
    assert "elman serves" in client.get("/").text


@pytest.mark.slow
def test_head_is_get_without_a_body(client: TestClient) -> None:
    gets = [route.path for route in client.app.routes if "GET" in route.methods]  # type: ignore[attr-defined]
    assert len(gets) >= 8
    for path in [path.replace("{model:path}", "word").replace("{name}", "page.js") for path in gets]:
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b""), path
        sizes = {"content-length"} if path == "/metrics" else set()  # it counts the requests themselves
        assert {k: v for k, v in head.headers.items() if k not in sizes} == {
            k: v for k, v in got.headers.items() if k not in sizes
        }
    for path, status in (("/nowhere", 404), ("/v1/complete", 405)):
        head = client.head(path)
        assert (head.status_code, head.content) == (status, b"")


def test_a_path_is_a_name_too(client: TestClient) -> None:
    assert client.get("/v1/models/some/where/char").json()["id"] == "char"
    assert client.get("/v1/models/some%2Fwhere%2Fchar").json()["id"] == "char"
    assert ask(client, COMPLETE, prompt="the", model="some/where/char/")["model"] == "char"
    assert parse_names(["a/b/", "c=x/y.arpa"]) == {"b": "a/b/", "c": "x/y.arpa"}


BAD = [
    (COMPLETE, {}, 422, "prompt", "prompt is missing"),
    (COMPLETE, {"prompt": 5}, 422, "prompt", "prompt is 5"),
    (COMPLETE, {"prompt": "a", "n": 0}, 422, "n", "n is 0; it must be 1 or more"),
    (COMPLETE, {"prompt": "a", "n": True}, 422, "n", "n is true; it must be a whole number"),
    (COMPLETE, {"prompt": "a", "n": 101}, 422, "n", "up to 100 words"),
    (COMPLETE, {"prompt": "a", "nn": 1}, 422, "nn", 'unknown field "nn"'),
    (COMPLETE, {"prompt": "a", "model": "nope"}, 404, "model", "the models are: word, subword, char, byte"),
    (COMPLETE, {"prompt": "a", "session": ""}, 422, "session", 'session is ""; it must have 1 or more characters'),
    (COMPLETE, {"prompt": "\ud800"}, 422, None, "surrogate"),
    (COMPLETE, {"prompt": "a", "model": "\ud800"}, 422, "model", "surrogate"),
    (SCORE, {"text": ["a"]}, 422, "text", 'text is ["a"]; it must be a string'),
    (SCORE, {"text": "a " * 20000}, 413, "text", "more than 16384 tokens"),
    (COMPLETIONS, {"prompt": {}}, 400, "prompt", "a list of lists of token ids"),
    (COMPLETIONS, {"prompt": []}, 400, "prompt", "prompt is []; it must not be empty"),
    (COMPLETIONS, {"prompt": [[]]}, 400, "prompt", "prompt is [[]]"),
    (COMPLETIONS, {"prompt": ["a", 1]}, 400, "prompt", "a list of strings"),
    (COMPLETIONS, {"prompt": [-1]}, 400, "prompt", "-1"),
    (COMPLETIONS, {"prompt": [10**6]}, 400, "prompt", "token id 1000000; this model's are 0 to"),
    (COMPLETIONS, {"prompt": [3] * 17000}, 413, "prompt", "more than 16384 tokens"),
    (COMPLETIONS, {"max_tokens": 3000}, 400, "max_tokens", "up to 2048"),
    (COMPLETIONS, {"max_tokens": "5"}, 400, "max_tokens", 'max_tokens is "5"; it must be a whole number'),
    (COMPLETIONS, {"n": 129}, 400, "n", "129 texts; this server generates up to 128"),
    (COMPLETIONS, {"prompt": ["a"] * 65, "n": 2}, 400, "n", "65 prompts, n 2"),
    (
        COMPLETIONS,
        {"n": 128, "max_tokens": 98, "logprobs": 20},
        400,
        "max_tokens",
        "263424 tokens, alternatives counted",
    ),
    (COMPLETIONS, {"prompt": [3] * 9000, "n": 10, "echo": True, "logprobs": 2}, 400, "max_tokens", "270480 tokens"),
    (COMPLETIONS, {"prompt": [3] * 16000, "stream": True, "echo": True, "logprobs": 20}, 400, "max_tokens", "336000"),
    (COMPLETIONS, {"model": 5, "prompt": []}, 400, "model", "model is 5; it must be a string"),
    (COMPLETE, {"prompt": ["a"]}, 422, "prompt", "it must be a string"),
    (COMPLETIONS, {"stop": ""}, 400, "stop", "stop is empty; leave it out"),
    (COMPLETIONS, {"stop": ["a"] * 17}, 400, "stop", "17 strings"),
    (COMPLETIONS, {"stop": "a" * 201}, 400, "stop", "201 characters"),
    (COMPLETIONS, {"stop": 3}, 400, "stop", "a list of strings"),
    (COMPLETIONS, {"temperature": -1}, 400, "temperature", "temperature is -1"),
    (COMPLETIONS, {"top_p": -0.1}, 400, "top_p", "top_p is -0.1; it must be 0 or more"),
    (COMPLETIONS, {"logprobs": 21}, 400, "logprobs", "logprobs is 21; it must be at most 20"),
    (COMPLETIONS, {"logit_bias": {"x": 1}}, 400, "logit_bias", "token ids"),
    (COMPLETIONS, {"logit_bias": {"٣": 1}}, 400, "logit_bias", "token ids"),
    (COMPLETIONS, {"repetition_penalty": 0}, 400, "repetition_penalty", "it must be above 0"),
    (COMPLETIONS, {"stream_options": {"x": 1}}, 400, "stream_options", "unknown field"),
    ("/v1/chat/completions", {}, 404, None, "these models continue text: POST /v1/completions"),
    ("/v1/models", {}, 405, None, 'POST is not what "/v1/models" takes'),
    (COMPLETIONS, {"stop": ["a", ""]}, 400, "stop", "stop has an empty string"),
    (COMPLETIONS, {"stop": ["a", None]}, 400, "stop", 'stop is ["a", null]; it must be a string or a list of strings'),
    (COMPLETIONS, {"min_p": 1.1}, 400, "min_p", "it must be at most 1"),
    (COMPLETIONS, {"logit_bias": {"5": None}}, 400, "logit_bias", "logit_bias.5 is null; it must be a number"),
    (COMPLETIONS, [1], 400, None, "the body is [1]; send one JSON object"),
    (COMPLETIONS, {"prompt": "\ud800"}, 400, None, "surrogate"),
    (COMPLETE, {"prompt": "a", "block": ["b", False]}, 422, "block", "block.1 is false; it must be a string"),
    (COMPLETE, None, 422, None, "the body is missing; send one JSON object"),
    ("/tokenize", {}, 400, "prompt", "prompt is missing"),
    ("/detokenize", {"tokens": [10**6]}, 400, "tokens", "tokens has token id 1000000; this model's are 0 to"),
    ("/v1/responses", {}, 404, None, "POST /v1/completions"),
    ("/embeddings/", {}, 404, None, "POST /v1/completions"),
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


@pytest.mark.parametrize(
    "raw",
    [b'{"prompt": "the c", "n": 3}', b'{"prompt": "the c", "session": "s", "also": ["word"]}',
     b'{"prompt": "", "n": 999}', b'{"prompt": "the", "model": "none"}', b'{"prompt": "the", "also": ["char"]}',
     b'{"n": "many"}', b'{"more": 1}', b"[1]", b"{", b"", b'{"prompt": "the \\ud800"}',
     b'{"prompt": "a", "block": [""]}', b'{"prompt": "a", "prompt": "the"}'],
)  # fmt: skip
def test_the_direct_route_answers_as_the_framework_does(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, raw: bytes
) -> None:
    def asked() -> tuple[int, bytes, Any]:
        answer = client.post(COMPLETE, content=raw, headers={"Content-Type": "application/json"})
        return answer.status_code, answer.content, {name: value for name, value in answer.headers.items()}

    direct = asked()
    monkeypatch.setattr(DirectRoute, "_read", lambda *_: None)
    assert asked() == direct


def test_a_mistake_of_ours_is_a_500_in_the_same_shape(
    models: dict[str, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    from elman.serve import app, complete

    def broken(*_: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(complete, "complete_answer", broken)
    with TestClient(app.create_app(models), base_url="http://localhost", raise_server_exceptions=False) as opened:
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
