"""/v1/rescore answers as elman.rescore does, within its limits."""

from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.serve.conftest import LEVELS, Make, ask

import elman
from elman.api import Model
from elman.serve.limits import Limits

RESCORE = "/v1/rescore"
HYPS: list[list[Any]] = [["the cat sit", -1.0], ["the cat sat", -1.2], ["[noise] the cat sat", -1.3], ["", -9]]
LISTS = [
    {"id": "a1", "hypotheses": [{"text": text, "scores": {"score": score}} for text, score in HYPS]},
    {"hypotheses": [{"text": "a dog", "scores": {"score": 0}}]},
]


@pytest.mark.parametrize("level", LEVELS)
def test_it_is_the_order_of_rescoring(client: TestClient, models: dict[str, Model], level: str) -> None:
    weights = {"score": 0.5, "model": 0.8, "words": 0.3}
    found = ask(client, RESCORE, model=level, lists=LISTS, weights=weights)
    wanted = elman.rescore(models[level], [{"hyps": HYPS}], weights=weights)
    assert found["weights"] == dict(wanted.weights.values) and [each["id"] for each in found["lists"]] == ["a1", "2"]
    for answered, hypothesis in zip(found["lists"][0]["hypotheses"], wanted.lists[0].hypotheses, strict=True):
        assert answered["text"] == hypothesis.text
        assert answered["total"] == pytest.approx(hypothesis.scores["total"], rel=1e-5)
        assert answered["model"] == pytest.approx(
            models[level].score(hypothesis.text.removeprefix("[noise] ")).log_prob
        )


def test_what_is_too_much_or_does_not_fit_is_refused(make: Make, models: dict[str, Model]) -> None:
    client = make(models, limits=Limits(max_texts=5, max_prompt_tokens=40))
    many = {"hypotheses": [{"text": "a"}] * 6}
    long = {"hypotheses": [{"text": "the cat " * 30}]}
    unlike = {"hypotheses": [{"text": "a", "scores": {"score": 1}}, {"text": "b"}]}
    for body, status, words in (
        ({"lists": [many]}, 422, "6 hypotheses were sent; this server takes up to 5"),
        ({"lists": [long]}, 413, "more than 40 tokens"),
        ({"lists": [unlike]}, 422, "list 1: hypothesis 2 of '1' has no score 'score'"),
        ({"lists": LISTS[1:], "weights": {"acoustic": 1}}, 422, "there is no score 'acoustic' to weigh"),
        ({"lists": []}, 422, "lists is []; it must not be empty"),
        ({"lists": [*LISTS, {"id": "a"}]}, 422, f"lists.{len(LISTS)}.hypotheses is missing"),
        ({"lists": [{"hypotheses": []}]}, 422, "lists.0.hypotheses is []; it must not be empty"),
        ({"lists": LISTS, "weights": {"score": 1e9}}, 422, "weights"),
    ):
        answer = client.post(RESCORE, json=body)
        assert answer.status_code == status and words in answer.json()["error"]["message"], answer.text
