"""/v1/answer: by rules, by a reader in a passage, and by both together."""

import json
from typing import Any

import pytest
from tests.serve.conftest import Make, ask
from tests.serve.notes import NOTES, notes
from tests.serve.readers import Counter

import elman
from elman.serve.limits import Limits

ANSWER = "/v1/answer"


def test_rules_answer_from_an_index_alone(make: Make) -> None:
    client = make({"notes": notes()})
    found = ask(client, ANSWER, question="What barks at the cat?")
    wanted = elman.answer(list(NOTES.values()), "What barks at the cat?").to_json()
    assert found == {"model": "notes", "reader": None, **wanted, "document": "dogs"}
    assert found["text"] == "a dog" and found["probability"] is None
    assert ask(client, ANSWER, question="Who is Ann?")["text"] is None
    error = ask(client, ANSWER, question="Who?", passage="Ann.", status=404)["error"]
    assert "no model here can read passages; notes ranks documents" in error["message"]


def test_a_reader_answers_from_a_passage(make: Make) -> None:
    client = make({"count": Counter()})
    passage = "😀 1912 men came. All left."
    found = ask(client, ANSWER, question="How many?", passage=passage)
    assert found["text"] == "1912" and found["document"] is None and found["model"] == found["reader"] == "count"
    assert (found["start"], found["end"], found["sentence"]) == (2, 6, "😀 1912 men came.")
    assert found["reason"] == "the reader is sure of its first and last word by 75%" and found["probability"] == 0.75
    found = ask(client, ANSWER, question="How many?", passage="😀 two of them. All left.")
    assert (found["text"], found["start"], found["end"]) == (None, 0, 14)
    assert found["sentence"] == "😀 two of them." and found["score"] == 3 and found["parts"] == {"reader": 3}
    assert found["reason"] == "the likeliest part has log-odds of 3.00 against no answer, and 3.50 is needed"
    assert found["probability"] == 0.75


@pytest.mark.parametrize("passage", ["", "?!", " \n"])
def test_a_passage_without_words_says_nothing(make: Make, passage: str) -> None:
    found = ask(make({"count": Counter()}), ANSWER, question="How many?", passage=passage)
    assert (found["text"], found["score"], found["reason"]) == (None, 0, "there are no words to read")


@pytest.mark.parametrize("order", [("notes", "count"), ("count", "notes")])
def test_a_reader_reads_the_documents_of_an_index(make: Make, order: tuple[str, str]) -> None:
    models: dict[str, Any] = {"notes": notes(), "count": Counter()}
    client = make({name: models[name] for name in order})
    asked: list[dict[str, Any]] = [{}, {"model": "notes"}, {"model": "count"}, {"model": "notes", "reader": "count"}]
    for more in asked:
        found = ask(client, ANSWER, question="cat", **more)
        assert (found["model"], found["reader"], found["document"]) == ("notes", "count", "dogs")
        assert found["text"] is None and found["sentence"] == "a dog barks at the cat"
    assert ask(client, ANSWER, question="How many?", passage="1912")["text"] == "1912"
    assert ask(client, ANSWER, question="elephant")["reason"] == "no document has a word of the question"


def test_of_two_readers_the_named_one_reads(make: Make) -> None:
    client = make({"notes": notes(), "count": Counter(), "second": Counter()})
    asked: list[dict[str, Any]] = [{"model": "second"}, {"reader": "second"}, {"model": "notes", "reader": "second"}]
    for more in asked:
        assert ask(client, ANSWER, question="cat", **more)["reader"] == "second"
    assert ask(client, ANSWER, question="?", passage="1912", model="second")["reader"] == "second"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"question": "Who?"}, 422, "count reads passages and has no documents; send a passage"),
        ({"question": "x" * 10_001, "passage": "a"}, 422, "question"),
        ({"question": " \n", "passage": "a"}, 422, "the question is empty; ask one"),
        ({"question": "\ud800", "passage": "a"}, 422, "question"),
        ({"question": "a", "passage": "\ud800"}, 422, "half of a surrogate pair"),
        ({"question": "a", "passage": "a " * 9}, 413, "more than 8 tokens"),
        ({"question": "a", "passage": "a" * 161}, 413, "more than 8 tokens"),
        ({"question": "a", "passage": "a", "reader": "count"}, 422, "name the reader as model"),
        ({"question": "a", "passage": "a", "model": "word"}, 400, "continues text and cannot answer questions"),
        ({"passage": "a"}, 422, "question is missing"),
    ],
)
def test_what_is_refused(make: Make, models: Any, body: dict[str, Any], status: int, words: str) -> None:
    client = make({"word": models["word"], "count": Counter()}, limits=Limits(max_prompt_tokens=8))
    answer = client.post(ANSWER, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code == status and words in answer.json()["error"]["message"], answer.text


def test_the_card_names_what_it_does(make: Make, models: Any) -> None:
    (card,) = make({"count": Counter()}).get("/v1/models").json()["data"]
    assert card["elman"]["abilities"] == ["answer"] and card["elman"]["views"] == ["answer"]
    error = ask(make({"word": models["word"]}), ANSWER, question="Who?", status=404)["error"]
    assert "no model here can answer questions; word continues text" in error["message"]
