"""OpenAI's completions: the texts of Model.generate, the model's own figures, the shapes clients
need."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.serve.conftest import LEVELS, Make, ask, fit

from elman.api import Model
from elman.decode.prompts import read_prompt
from elman.decode.sampling import until, whole_characters
from elman.serve.generation import Showing, Token
from elman.serve.prompts import prompt_from_ids, prompt_from_text
from elman.text.tokenizer import EOS_ID, UNK_ID

URL = "/v1/completions"
PROMPTS = ["", "the cat", "the cat ", "the\ncat sat", "a dog\n", "the zebra sat", "caf"]


def events(client: TestClient, **body: Any) -> list[dict[str, Any]]:
    answer = client.post(URL, json={**body, "stream": True})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    parts = answer.text.split("\n\n")
    assert parts[-2:] == ["data: [DONE]", ""]
    return [json.loads(part.removeprefix("data: ")) for part in parts[:-2]]


OPTIONS: list[dict[str, Any]] = [
    {"temperature": 0},
    {"temperature": 1.3, "top_p": 0.9},
    {"top_k": 4, "stop": ["sat", "\n"]},
    {"min_p": 0.2, "repetition_penalty": 1.5},
    {"top_p": 0, "temperature": 2.0},
]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_seed_gives_the_text_of_generate(
    client: TestClient, models: dict[str, Model], level: str, prompt: str
) -> None:
    # Prompts are read by level, and tokens drawn by options: each level and each prompt comes with
    # all options.
    first = LEVELS.index(level) + PROMPTS.index(prompt)
    for options in (OPTIONS[number % len(OPTIONS)] for number in (first, first + 2)):
        body = {"model": level, "prompt": prompt, "max_tokens": 12, "seed": 5, **options}
        found = ask(client, URL, **body)["choices"][0]
        wanted = _generate(models[level], prompt, options)
        assert found["text"] == wanted
        stopped = "stop" in options and wanted != _generate(models[level], prompt, {**options, "stop": ()})
        assert found["finish_reason"] == ("stop" if stopped else "length")
        assert "".join(event["choices"][0]["text"] for event in events(client, **body)) == wanted


def _generate(model: Model, prompt: str, options: dict[str, Any]) -> str:
    from elman.decode.sampling import generate, make_sampler

    rules = dict(options)
    more = {name: rules.pop(name) for name in ("stop", "repetition_penalty") if name in rules}
    return "".join(generate(model.lm, prompt, sampler=make_sampler(**rules), max_tokens=12, seed=5, **more))


def test_prompts_and_copies_are_as_if_asked_alone(client: TestClient) -> None:
    both = ask(client, URL, model="word", prompt=["the cat", "a"], n=3, seed=2, max_tokens=8)
    assert [choice["index"] for choice in both["choices"]] == list(range(6))
    alone = [ask(client, URL, model="word", prompt=text, n=3, seed=2, max_tokens=8) for text in ("the cat", "a")]
    texts = [choice["text"] for answer in alone for choice in answer["choices"]]
    assert [choice["text"] for choice in both["choices"]] == texts
    assert len(set(texts[:3])) > 1  # copies differ
    assert both["usage"] == {"prompt_tokens": 3, "completion_tokens": 48, "total_tokens": 51}
    ids = [[3, 4], [5]]
    mixed = ask(client, URL, model="word", prompt=ids, seed=2, max_tokens=8)
    for choice, each in zip(mixed["choices"], ids, strict=True):
        assert choice["text"] == ask(client, URL, model="word", prompt=each, seed=2, max_tokens=8)["choices"][0]["text"]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("prompt", PROMPTS[1:])
def test_echo_with_log_probabilities(client: TestClient, models: dict[str, Model], level: str, prompt: str) -> None:
    lm = models[level].lm
    found = ask(client, URL, model=level, prompt=prompt, max_tokens=3, echo=True, logprobs=2, seed=1)
    (choice,), usage = found["choices"], found["usage"]
    figures = choice["logprobs"]
    read = prompt_from_text(lm.tokenizer, prompt)
    ids = read.ids.tolist()
    assert choice["text"].startswith(prompt)
    assert {len(values) for values in figures.values()} == {len(ids) + 3}
    assert usage["prompt_tokens"] == len(ids) and usage["completion_tokens"] == 3
    assert figures["token_logprobs"][0] is None and figures["top_logprobs"][0] is None
    # The model's own figures, one token after another.
    state = lm.start()
    for place, token in enumerate(ids):
        table = lm.log_probs(state)[0]
        if place:
            spelling = models[level].speller.nats(dict(read.unknown)[place]) if token == UNK_ID else 0.0
            assert figures["token_logprobs"][place] == pytest.approx(float(table[token]) - spelling)
        if place and table.argmax() != UNK_ID:
            assert max(figures["top_logprobs"][place].values()) == pytest.approx(float(table.max()))
        state = lm.advance(np.array([token]), state)
    assert figures["token_logprobs"][len(ids)] is not None
    for shown, log_prob, top in list(
        zip(figures["tokens"], figures["token_logprobs"], figures["top_logprobs"], strict=True)
    )[1:]:
        assert top[shown] == log_prob and 2 <= len(top) <= 3
    offsets = figures["text_offset"]
    assert offsets == sorted(offsets) and offsets[0] == 0
    for place, shown in enumerate(figures["tokens"]):
        if not shown.startswith("bytes:") and not (level != "word" and place == len(ids)):
            assert choice["text"][offsets[place] :].startswith(shown)


@pytest.mark.parametrize("level", LEVELS)
def test_a_text_costs_the_same_echoed_and_scored(client: TestClient, models: dict[str, Model], level: str) -> None:
    line = "the cat’s sat, Zebras’ and the café's"
    echoed = ask(client, URL, model=level, prompt=line + "\n", max_tokens=0, echo=True, logprobs=1)["choices"][0]
    scored = ask(client, "/v1/score", model=level, text=line)["lines"][0]
    bits = [token["bits"] for token in scored["per_token"]]
    assert level in ("subword", "byte") or scored["oov"] > 0
    np.testing.assert_allclose(
        np.array(echoed["logprobs"]["token_logprobs"][1:]) / -np.log(2), bits[1:], rtol=1e-5, atol=1e-5
    )


def test_an_unknown_token_id_is_shown_as_one(client: TestClient, models: dict[str, Model]) -> None:
    lm = models["word"].lm
    body = {"model": "word", "max_tokens": 0, "echo": True, "logprobs": 1}
    figures = ask(client, URL, prompt=[3, UNK_ID], **body)["choices"][0]["logprobs"]
    assert figures["tokens"][1] == "<unk>"
    after = lm.advance(np.array([3]), lm.start())
    assert figures["token_logprobs"][1] == pytest.approx(float(lm.log_probs(after)[0, UNK_ID]))


@pytest.mark.parametrize("stream", [False, True])
def test_clients_that_split_at_every_line_end_get_whole_events(make: Make, stream: bool) -> None:
    odd = "a\x85b\u2028c\u2029d\x1ee\x0bf"
    client = make({"m": fit("char", lines=[odd] * 40)})
    text = client.post(URL, json={"prompt": odd, "echo": True, "max_tokens": 12, "stream": stream, "seed": 1}).text
    if not stream:
        assert odd in json.loads(text)["choices"][0]["text"]
        return
    parts = [json.loads(line[6:]) for line in text.splitlines() if line and line != "data: [DONE]"]
    written = "".join(part["choices"][0]["text"] for part in parts)
    assert written.startswith(odd) and set("\x85\u2028\u2029") & set(written[len(odd) :])


def test_null_is_as_if_left_out(client: TestClient) -> None:
    from elman.serve.schemas import CompleteBody, CompletionBody, MemoryBody, PredictBody, ScoreBody

    bodies = {"completions": CompletionBody, "complete": CompleteBody, "score": ScoreBody, "memory": MemoryBody}
    for route, body in {**bodies, "predict": PredictBody}.items():
        nulls = {name: None for name, each in body.model_fields.items() if not each.is_required()}
        text = {name: "the cat" for name in body.model_fields if name not in nulls} or {"prompt": "the cat"}
        if route != "predict":
            found = ask(client, f"/v1/{route}", **{**nulls, **text})
            assert found["model"] == "word"
        body.model_validate({**nulls, **text})


@pytest.mark.parametrize("level", LEVELS)
def test_tokens_of_a_text_and_back(client: TestClient, models: dict[str, Model], level: str) -> None:
    text = "the cat\nsat the dog"
    found = ask(client, "/tokenize", model=level, prompt=text, add_special_tokens=True, return_token_strs=True)
    wanted = prompt_from_text(models[level].lm.tokenizer, text)
    assert found["tokens"] == wanted.ids.tolist() and found["count"] == len(wanted.ids)
    assert "".join(found["token_strs"]) == text
    assert ask(client, "/tokenize", model=level, content=text)["tokens"] == found["tokens"]
    assert ask(client, "/detokenize", model=level, tokens=found["tokens"]) == {"prompt": text, "content": text}
    assert ask(client, "/detokenize", model=level, tokens=[])["prompt"] == ""


def test_all_tokens_together_are_the_text(client: TestClient) -> None:
    for prompt in ("the cat sat", "the zebra\nsat, on", "a\r\ndog", "cafe\u0301 the"):
        choice = ask(client, URL, model="word", prompt=prompt, max_tokens=4, echo=True, logprobs=0, seed=3)["choices"][
            0
        ]
        assert "".join(choice["logprobs"]["tokens"]) == choice["text"]
        assert all(len(top) == 1 for top in choice["logprobs"]["top_logprobs"][1:])


def test_exactly_the_tokens_asked_for(client: TestClient, models: dict[str, Model]) -> None:
    prompt = [EOS_ID, 3, 4, 5]
    none = ask(client, URL, model="word", prompt=prompt, max_tokens=0, echo=True, logprobs=1)["choices"][0]
    assert none["text"] == models["word"].lm.tokenizer.decode(prompt)
    assert len(none["logprobs"]["tokens"]) == 4 and none["finish_reason"] == "length"
    one = ask(client, URL, model="word", prompt=prompt, max_tokens=1, echo=True, logprobs=1)["choices"][0]
    assert len(one["logprobs"]["tokens"]) == 5
    assert one["logprobs"]["token_logprobs"][:4] == none["logprobs"]["token_logprobs"]
    bare = ask(client, URL, model="word", prompt=prompt)
    assert bare["choices"][0]["logprobs"] is None and bare["usage"]["completion_tokens"] == 16


@pytest.mark.slow
def test_a_long_prompt_is_read_in_parts(client: TestClient, models: dict[str, Model]) -> None:
    lm = models["word"].lm
    rng = np.random.default_rng(0)
    ids = rng.integers(2, lm.tokenizer.size, 1000)
    found = ask(client, URL, model="word", prompt=ids.tolist(), max_tokens=0, echo=True, logprobs=1)
    scores, _ = lm.score(ids[None], np.array([len(ids)]), lm.start())
    np.testing.assert_allclose(found["choices"][0]["logprobs"]["token_logprobs"][1:], scores[0, 1:], rtol=1e-6)
    plain = ask(client, URL, model="word", prompt=ids.tolist(), max_tokens=5, temperature=0)
    echoed = ask(client, URL, model="word", prompt=ids.tolist(), max_tokens=5, temperature=0, echo=True, logprobs=1)
    assert echoed["choices"][0]["text"].endswith(plain["choices"][0]["text"])


@pytest.mark.parametrize("level", ["byte", "subword"])
def test_streams_never_cut_a_character(client: TestClient, level: str) -> None:
    body = {
        "model": level,
        "prompt": "猫 and",
        "max_tokens": 60,
        "temperature": 1.5,
        "n": 4,
        "seed": 11,
        "logprobs": 1,
        "echo": True,
    }
    whole = ask(client, URL, **body)["choices"]
    texts, tokens = [""] * 4, [[] for _ in range(4)]
    for event in events(client, **body):
        (choice,) = event["choices"]
        texts[choice["index"]] += choice["text"]
        tokens[choice["index"]] += choice["logprobs"]["tokens"]
    assert texts == [choice["text"] for choice in whole]
    assert tokens == [choice["logprobs"]["tokens"] for choice in whole]
    if level == "byte":
        assert any("bytes:" in token for each in tokens for token in each)


def test_an_unfinished_character_at_the_end_is_left_out(client: TestClient) -> None:
    raw = "猫".encode()
    bias = {str(2 + raw[0]): 100}
    found = ask(client, URL, model="byte", prompt="a", max_tokens=1, logit_bias=bias, logprobs=0)["choices"][0]
    assert found["text"] == "" and found["logprobs"]["tokens"] == [f"bytes:\\x{raw[0]:02x}"]


def test_usage_comes_last_in_a_stream_if_asked_for(client: TestClient) -> None:
    body = {"model": "word", "prompt": "the", "max_tokens": 3}
    found = events(client, **body, stream_options={"include_usage": True})
    assert found[-1]["choices"] == [] and found[-1]["usage"]["completion_tokens"] == 3
    assert all(event["usage"] is None for event in found[:-1])
    assert [event["choices"][0]["finish_reason"] for event in found[:-1]] == [None, None, "length"]
    assert all("usage" not in event for event in events(client, **body))


def test_bias_and_penalties(client: TestClient, models: dict[str, Model]) -> None:
    tokenizer = models["word"].lm.tokenizer
    mat = tokenizer.tokens.index(" mat")
    body = {"model": "word", "prompt": "the", "temperature": 0, "max_tokens": 4}
    biased = ask(client, URL, **body, logit_bias={str(mat): 100})["choices"][0]["text"]
    assert biased == " mat" * 4
    # exp(100) is taken back, 40 at a time, so that another word comes after the third one.
    never = ask(client, URL, **body, logit_bias={str(mat): -100}, n=1)["choices"][0]["text"]
    assert "mat" not in never
    plain = ask(client, URL, **body | {"max_tokens": 40})["choices"][0]["text"].split()
    varied = ask(client, URL, **body | {"max_tokens": 40}, frequency_penalty=2.0, presence_penalty=2.0)["choices"][0][
        "text"
    ].split()
    assert len(set(varied)) > len(set(plain))
    ignored = ask(client, URL, **body, suffix="x", best_of=3, user="me")["choices"][0]["text"]
    assert ignored == ask(client, URL, **body)["choices"][0]["text"]


HARD = st.text(alphabet=st.sampled_from("the cat\n\r éa\u0301\u0327猫\ufeff,.'\t<x"), max_size=24)


@pytest.mark.slow
@settings(max_examples=75, deadline=None)
@given(text=HARD, level=st.sampled_from(LEVELS))
def test_prompts_are_read_as_everywhere(text: str, level: Any) -> None:
    lm = _MODELS.setdefault(level, fit(level)).lm
    prompt = prompt_from_text(lm.tokenizer, text)
    wanted = read_prompt(lm, text)
    _, state = lm.score(prompt.ids[None], np.array([len(prompt.ids)]), lm.start())
    assert state.key() == wanted.state.key()
    assert (prompt.typed, prompt.line_start) == (wanted.typed, wanted.line_start)
    assert prompt.offsets == sorted(prompt.offsets)
    assert all(0 <= offset <= len(text) for offset in prompt.offsets)
    whole = [token for token in prompt.shown if not token.startswith("bytes:")]
    if len(whole) == len(prompt.shown) and text and prompt.offsets[:1] == [0] and level in ("word", "char"):
        assert "".join(whole) == text


_MODELS: dict[Any, Model] = {}


@pytest.mark.parametrize("level", LEVELS)
def test_ids_are_read_as_they_are(models: dict[str, Model], level: str) -> None:
    tokenizer = models[level].lm.tokenizer
    ids = np.array([*tokenizer.encode("the 猫 sat").ids, EOS_ID, UNK_ID, *tokenizer.encode("café").ids])
    prompt = prompt_from_ids(tokenizer, ids)
    assert prompt.text == tokenizer.decode(ids) and prompt.ids.tolist() == ids.tolist()
    for place, offset in enumerate(prompt.offsets):
        assert prompt.text[:offset] == tokenizer.decode_bytes(ids[:place]).decode(errors="ignore")


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=20) | st.text(alphabet="ab é猫", max_size=12).map(str.encode),
    cuts=st.lists(st.integers(0, 20), max_size=5),
    stop=st.lists(st.sampled_from(["ab", "b", "é", "aa", "猫b"]), max_size=2),
)
def test_showing_is_the_pull_based_twin(data: bytes, cuts: list[int], stop: list[str]) -> None:
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    parts = [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    showing = Showing(0, stop)
    text, tokens = "", []
    for place, part in enumerate(parts):
        piece = showing.add(part, Token(str(place), showing.read, None, None))
        text, tokens = text + piece.text, tokens + piece.tokens
        if piece.finish:
            break
    else:
        piece = showing.end()
        text, tokens = text + piece.text, tokens + piece.tokens
        assert [token.shown for token in tokens] == [str(place) for place in range(len(parts))]
    assert text == "".join(until(stop, whole_characters(iter(parts))))
    assert all(token.offset <= len(text) for token in tokens)
