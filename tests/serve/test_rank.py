"""/v1/rank answers as elman.rank does, within its limits."""

from typing import Any

import pytest
from tests.serve.conftest import Make, ask
from tests.serve.notes import NOTES, notes

import elman
from elman.serve.limits import Limits

RANK = "/v1/rank"


@pytest.mark.parametrize("method", [["bm25"], ["dirichlet", "neighbours"]])
def test_it_is_what_rank_gives(method: list[str], make: Make) -> None:
    client = make({"notes": notes()})
    found = ask(client, RANK, query="dog CAFÉ", method=method, n=2, text=True)
    hits = elman.rank(list(NOTES.values()), "dog CAFÉ", method=method, n=2)
    names = list(NOTES)
    assert found["model"] == "notes" and len(hits) == 2
    assert found["documents"] == [{**hit.to_json(), "id": names[hit.number]} for hit in hits]
    (first, *_) = ask(client, RANK, query="café")["documents"]
    assert first["snippet"] == {"text": "Das Café am Fluss", "marks": [[4, 8]]} and "text" not in first
    assert ask(client, RANK, query="elephant")["documents"] == []
    (card,) = client.get("/v1/models").json()["data"]
    assert card["elman"]["abilities"] == ["answer", "rank"] and card["elman"]["documents"] == 3


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"query": "cat", "n": 6}, 422, "this server gives up to 5 documents"),
        ({"query": "cat", "n": 1, "method": ["bm26"]}, 422, "method is 'bm26'"),
        ({"query": "cat", "method": []}, 422, "method"),
        ({"query": "x" * 10_001}, 422, "query"),
        ({}, 422, "query"),
    ],
)
def test_what_is_too_much_or_cannot_be_done_is_refused(
    body: dict[str, Any], status: int, words: str, make: Make
) -> None:
    client = make({"notes": notes()}, limits=Limits(max_words=5))
    error = ask(client, RANK, status=status, **body)["error"]
    assert words in error["message"] or error["param"] == words


def test_models_without_documents_say_so(make: Make, models: Any) -> None:
    error = ask(make({"word": models["word"]}), RANK, query="cat", status=404)["error"]
    assert "no model here can rank documents" in error["message"]
