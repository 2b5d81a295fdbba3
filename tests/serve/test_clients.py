"""What other people's clients send and read: the openai package, and lm-evaluation-harness's
local-completions."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from tests.serve.conftest import LEVELS, ask, fit

from elman.api import Model
from elman.text.tokenizer import EOS_ID


@pytest.fixture
def openai(client: TestClient) -> Any:
    package = pytest.importorskip("openai")
    return package.OpenAI(base_url="http://127.0.0.1/v1", api_key="any", http_client=client, max_retries=0)


def test_the_openai_package(openai: Any, models: dict[str, Model]) -> None:
    assert [model.id for model in openai.models.list()] == LEVELS
    assert openai.models.retrieve("word").owned_by == "elman"
    found = openai.completions.create(
        model="word",
        prompt=["the cat", "a"],
        max_tokens=6,
        temperature=0,
        logprobs=3,
        echo=True,
        stop=["\n"],
        user="me",
    )
    assert found.object == "text_completion" and found.usage.total_tokens > found.usage.prompt_tokens == 3
    first = found.choices[0]
    assert first.text.startswith("the cat") and first.finish_reason in ("stop", "length")
    assert first.logprobs.token_logprobs[0] is None and first.logprobs.tokens[:2] == ["the", " cat"]
    assert "".join(first.logprobs.tokens) == first.text


def test_the_openai_package_streams(openai: Any) -> None:
    body = {"model": "byte", "prompt": "猫", "max_tokens": 30, "seed": 3, "n": 2}
    whole = openai.completions.create(**body)
    texts = ["", ""]
    usage = None
    for event in openai.completions.create(**body, stream=True, stream_options={"include_usage": True}):
        usage = event.usage or usage
        for choice in event.choices:
            texts[choice.index] += choice.text
    assert texts == [choice.text for choice in whole.choices] and usage == whole.usage


def test_the_openai_package_understands_mistakes(openai: Any) -> None:
    import openai as package

    with pytest.raises(package.NotFoundError, match='there is no model "gpt"') as missing:
        openai.completions.create(model="gpt", prompt="a")
    assert missing.value.code == "model_not_found"
    with pytest.raises(package.BadRequestError, match="up to 2048") as refused:
        openai.completions.create(model="word", prompt="a", max_tokens=4096)
    assert refused.value.param == "max_tokens"


@pytest.mark.parametrize("level", LEVELS)
def test_the_harness_gets_what_it_computes_with(client: TestClient, models: dict[str, Model], level: str) -> None:
    """Requests as `local-completions` builds them, and its reading of the answer: all but the last
    token."""
    lm = models[level].lm
    pairs = [("the cat", " sat on"), ("the cat", " mat the"), ("a dog", " sat")]
    encode = lm.tokenizer.encode
    rows = [encode(context + rest).ids for context, rest in pairs]
    begins = [len(encode(context).ids) for context, _ in pairs]
    found = ask(
        client, "/v1/completions", model=level, prompt=[row.tolist() for row in rows], temperature=0, max_tokens=1,
        logprobs=1, seed=1234, echo=True,
    )  # fmt: skip
    for choice, ids, begin in zip(found["choices"], rows, begins, strict=True):
        figures = choice["logprobs"]["token_logprobs"][begin:-1]
        tops = choice["logprobs"]["top_logprobs"][begin:-1]
        scores, _ = lm.score(ids[None], np.array([len(ids)]), lm.start())
        assert sum(figures) == pytest.approx(float(scores[0, begin:].sum()), rel=1e-5)
        greedy, state = True, lm.score(ids[None, :begin], np.array([begin]), lm.start())[1]
        for token in ids[begin:]:
            table = lm.log_probs(state)[0]
            greedy &= bool(table[token] == table.max())
            state = lm.advance(np.array([token]), state)
        assert all(own == max(top.values()) for own, top in zip(figures, tops, strict=True)) == greedy


def test_the_harness_begins_empty_contexts_with_the_line_end(client: TestClient, models: dict[str, Model]) -> None:
    lm = models["word"].lm
    ids = np.array([EOS_ID, *lm.tokenizer.encode("the cat").ids])
    found = ask(
        client,
        "/v1/completions",
        prompt=[ids.tolist()],
        max_tokens=1,
        logprobs=1,
        echo=True,
        temperature=0,
        model="word",
    )
    scores, _ = lm.score(ids[None], np.array([3]), lm.start())
    assert found["choices"][0]["logprobs"]["token_logprobs"][1:-1] == pytest.approx(scores[0, 1:].tolist())


@pytest.mark.parametrize("level", LEVELS)
def test_transformers_makes_the_same_ids(models: dict[str, Model], level: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    fit(level).save(tmp_path / "model")  # type: ignore[arg-type]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not ours
        theirs = transformers.AutoTokenizer.from_pretrained(str(tmp_path / "model"))
    for text in ("the cat sat", " sat", "the zebra, café"):
        ours = models[level].lm.tokenizer.encode(text).ids.tolist()
        assert theirs(text, add_special_tokens=False)["input_ids"] == ours
    assert theirs.eos_token_id == EOS_ID
