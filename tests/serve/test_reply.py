"""/v1/reply answers as elman.reply does, within its limits, and hides hidden words."""

from typing import Any

import pytest
from tests.networks import make as network
from tests.serve.conftest import Make, ask
from tests.serve.talkers import Talker

import elman
from elman.api import Model
from elman.serve.hidden import Hidden
from elman.serve.limits import Limits
from elman.text.speller import Speller

REPLY = "/v1/reply"


def test_it_is_what_reply_chooses(make: Make) -> None:
    model: Any = Talker()
    client = make({"talk": model})
    found = ask(client, REPLY, message="Some tea?")
    assert found["model"] == "talk"
    assert found["replies"] == [each.to_json() for each in elman.reply(model, "Some tea?")]
    assert found["replies"][0]["text"] in ("With milk, please.", "No sugar for me.") and len(found["replies"]) == 3
    asked = {"message": "Well?", "earlier": ["The train?", "I am at the station."], "n": 1}
    wanted = elman.reply(model, "Well?", earlier=asked["earlier"], n=1)
    assert ask(client, REPLY, **asked)["replies"] == [each.to_json() for each in wanted]
    assert wanted[0].text == "It is late again."
    own = ["Milk!", "Call 555 123 4567 for tea.", "The station."]
    texts = [each["text"] for each in ask(client, REPLY, message="tea", replies=own)["replies"]]
    assert texts == ["Milk!", "The station."]
    (card,) = client.get("/v1/models").json()["data"]
    assert card["elman"]["abilities"] == ["summarize", "reply"] and card["elman"]["views"] == ["reply", "summarize"]


def test_hidden_words_and_limits(make: Make, models: Any) -> None:
    client = make(
        {"talk": Talker(), "word": models["word"]}, limits=Limits(max_texts=2), hidden=Hidden(["milk", "six"])
    )
    texts = [each["text"] for each in ask(client, REPLY, message="tea", n=9)["replies"]]
    assert texts == ["No sugar for me.", "It is late again."]
    for body, status, words in (
        ({"message": "a", "replies": ["x"] * 3}, 422, "replies has 3 texts; this server takes up to 2"),
        ({"message": "a", "earlier": ["x"] * 3}, 422, "earlier has 3 texts"),
        ({"message": "a", "replies": ["milk"]}, 422, "all 1 are blocked"),
        ({"message": "\ud800"}, 422, "half of a surrogate pair"),
        ({"message": "a", "n": 0}, 422, "n is 0"),
        ({"message": "x" * 10_001}, 422, "message"),
        ({"message": "a", "earlier": ["x" * 10_001]}, 422, "earlier"),
        ({"message": "a", "replies": ["x" * 10_001]}, 422, "replies"),
        (
            {"message": "a", "model": "word"},
            400,
            "word continues text and keeps no replies; send replies, or name it as lm",
        ),
        ({"message": "a", "model": "word", "replies": ["b"]}, 422, "forgets a message at the end of its line"),
        ({"message": "a", "model": "word", "replies": ["b"], "lm": "word"}, 422, "two language models are named"),
        ({"message": "a", "lm": "talk"}, 400, '"talk" chooses replies and cannot continue text'),
        ({"message": "a", "lm": "word"}, 422, "forgets a message at the end of its line"),
        ({"message": "a", "lm": "word", "lm_weight": 1.5}, 422, "lm_weight is 1.5; it must be at most 1"),
    ):
        answer = client.post(REPLY, json=body) if "\ud800" not in body["message"] else None
        if answer is None:
            answer = client.post(REPLY, content=b'{"message": "\\ud800"}', headers={"Content-Type": "application/json"})
        assert answer.status_code == status and words in answer.json()["error"]["message"], answer.text


@pytest.mark.parametrize("n", [1, 2])
def test_own_replies_are_prepared_once(make: Make, n: int) -> None:
    model: Any = Talker()
    client = make({"talk": model})
    asked: list[int] = []
    known = model.reply_vectors
    model.reply_vectors = lambda texts: (asked.append(len(texts)), known(texts))[1]
    for _ in range(2):
        assert len(ask(client, REPLY, message="tea", n=n)["replies"]) == n
    assert asked == [4]


def test_a_language_model_helps_or_ranks_alone(make: Make) -> None:
    talk: Any = Talker()
    lm, other = (Model(network(cell), Speller.fit({"the": 1})) for cell in ("gru", "lstm"))
    client = make({"talk": talk, "lm": lm, "other": other})
    candidates = ["the cat sat", "With milk, please.", "on the mat"]
    asked = {"message": "Some tea on the mat?", "earlier": ["a dog ran"], "replies": candidates}
    for weight in (0.25, 1.0):
        found = ask(client, REPLY, lm="lm", lm_weight=weight, **asked)
        wanted = elman.reply(
            talk, asked["message"], earlier=asked["earlier"], replies=candidates, lm=lm, lm_weight=weight
        )
        assert (found["model"], found["lm"]) == ("talk", "lm")
        assert found["replies"] == [each.to_json() for each in wanted]
    alone = ask(client, REPLY, model="lm", **asked)
    wanted = elman.reply(lm, asked["message"], earlier=asked["earlier"], replies=candidates)
    assert alone == {"model": "lm", "replies": [each.to_json() for each in wanted]}
    # The model's own replies, prepared once for each language model.
    for name, helper in (("lm", lm), ("other", other), ("lm", lm)):
        wanted = elman.reply(talk, "tea", lm=helper)
        assert ask(client, REPLY, message="tea", lm=name)["replies"] == [each.to_json() for each in wanted]
    assert ask(client, REPLY, message="tea")["replies"] == [each.to_json() for each in elman.reply(talk, "tea")]
