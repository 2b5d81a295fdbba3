"""/v1/complete as a keyboard: corrections, models side by side, and learned words with their
routes."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.serve.conftest import Make, ask, fit

from elman.api import Model
from elman.apps.keyboard.learned_words import LearnedWords
from elman.errors import StorageError, TextError, UsageError
from elman.serve.hidden import Hidden
from elman.serve.keyboards import Keyboards
from elman.serve.limits import Limits

COMPLETE, LEARN, LEARNED = "/v1/complete", "/v1/learn", "/v1/learned"
GERMAN = ["die Katze saß auf der Matte", "ein Hund lief zum Haus"] * 4


@pytest.fixture(scope="module")
def two(models: dict[str, Model]) -> dict[str, Model]:
    return {"word": models["word"], "german": fit("word", lines=GERMAN), "char": models["char"]}


@pytest.mark.slow
@pytest.mark.parametrize("session", [None, "s"])
def test_answers_are_those_of_the_model(make: Make, two: dict[str, Model], session: str | None) -> None:
    client = make(two)
    for prompt, also in (("the cta", []), ("teh ca", []), ("the cat die Kat", ["german"]), ("die ", ["german"])):
        wanted = two["word"].complete(prompt, also=[two[name] for name in also])
        for _ in range(2):  # the second time from the session
            found = ask(client, COMPLETE, prompt=prompt, also=also, session=session)
            pairs = [{**pair, "probability": pytest.approx(pair["probability"])} for pair in wanted.pairs]
            assert found["words"] == pairs
            assert (found["partial"], found["oov"], found["read_as"]) == (wanted.partial, wanted.oov, wanted.read_as)
            assert found["typed"] == pytest.approx(wanted.typed)
    assert ask(client, COMPLETE, prompt="the cta")["words"][0]["kind"] == "correction"
    assert "kind" not in ask(client, COMPLETE, prompt="the cta", typos=False)["words"][0]
    hidden = make(two, hidden=Hidden(["cat*"]))
    assert "cat" not in [word["text"] for word in ask(hidden, COMPLETE, prompt="the cta")["words"]]


def test_models_beside_must_have_words(make: Make, two: dict[str, Model]) -> None:
    client = make(two)
    for more in ({"also": ["char"]}, {"model": "char", "typos": True}):
        assert "char tokens" in ask(client, COMPLETE, status=422, prompt="a", **more)["error"]["message"]
    assert ask(client, COMPLETE, prompt="a", model="char") == ask(
        client, COMPLETE, prompt="a", model="char", typos=False
    )
    assert ask(client, COMPLETE, status=404, prompt="a", also=["x"])["error"]["param"] == "also"
    assert ask(client, COMPLETE, prompt="a", also=["word"]) == ask(client, COMPLETE, prompt="a")


def test_a_session_learns_for_itself(make: Make, two: dict[str, Model]) -> None:
    client = make(two)
    taught = ask(client, LEARN, text="the zebra sat\nthe zebra, ada@example.org", session="s")
    assert taught == {"learned": ["zebra", "zebra"], "words": 1}
    for session, offered in (("s", True), ("other", False), (None, False)):
        words = ask(client, COMPLETE, prompt="the zeb", session=session)["words"]
        assert ({"text": "zebra", "probability": pytest.approx(1), "kind": "learned"} in words) == offered
    counted = {"word": "zebra", "count": 2, "after": {"the": 2}, "before": {"sat": 1}}
    assert client.get(f"{LEARNED}?session=s").json() == {"words": [counted]}
    assert client.get(LEARNED).json() == {"words": []}
    assert client.delete(f"{LEARNED}/cat?session=s").json() == {"forgotten": 0}
    assert client.delete(f"{LEARNED}/zebra?session=s").json() == {"forgotten": 1}
    ask(client, LEARN, text="zebra", session="s")
    assert client.delete("/v1/sessions/s").json()["forgotten"]
    assert client.get(f"{LEARNED}?session=s").json() == {"words": []}
    assert "--learned FILE" in ask(client, LEARN, status=422, text="zebra")["error"]["message"]


def test_sessions_that_learn_are_bounded(make: Make, two: dict[str, Model]) -> None:
    client = make(two, limits=Limits(sessions=2, max_prompt_tokens=50))
    for name in "abc":
        ask(client, LEARN, text="zebra", session=name)
    kept = [len(client.get(f"{LEARNED}?session={name}").json()["words"]) for name in "abc"]
    assert kept == [0, 1, 1]
    assert ask(client, LEARN, status=413, text="zebra " * 60, session="a")["error"]["param"] == "text"


def test_a_file_is_learned_by_all(make: Make, two: dict[str, Model], tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    with pytest.raises(UsageError, match="char has char tokens"):
        make(two, learned=file)
    two = {name: model for name, model in two.items() if name != "char"}
    client = make(two, learned=file)
    ask(client, LEARN, text="zebra zebra")
    assert [each.word for each in LearnedWords.read(file)] == ["zebra"]
    assert ask(make(two, learned=file), COMPLETE, prompt="the zeb")["words"][0]["text"] == "zebra"
    assert client.delete(LEARNED).json() == {"forgotten": 1} and file.read_text() == ""
    file.write_text("hello\n")
    with pytest.raises(TextError, match="no JSON"):
        make(two, learned=file)
    with pytest.raises(UsageError, match="there is no folder"):
        make(two, learned=tmp_path / "none" / "own.jsonl")


def test_words_that_cannot_be_saved_are_not_kept(
    make: Make, two: dict[str, Model], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make({"word": two["word"]}, learned=tmp_path / "own.jsonl")
    ask(client, LEARN, text="zebra")

    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr(LearnedWords, "write", full)
    assert ask(client, LEARN, status=507, text="okapi")["error"]["code"] == "not_saved"
    assert client.delete(LEARNED).status_code == 507
    assert client.get(LEARNED).json() == {"words": [{"word": "zebra", "count": 1}]}


def test_words_of_a_session_that_is_not_used_are_erased(two: dict[str, Model]) -> None:
    keyboards = Keyboards(None, Limits(session_seconds=10), [], clock=lambda: now[0])
    keyboard = two["word"].keyboard()
    now = [0.0]
    for session in "ab":
        keyboards.learn(keyboard, "zebra", session)
    now[0] = 9.0
    keyboards.learn(keyboard, "zebra", "a")
    now[0] = 11.0
    keyboards.forget_old()
    assert [len(keyboards.words(session)) for session in "ab"] == [1, 0]


def test_words_cannot_be_learned_beside_characters(client: TestClient) -> None:
    assert "char tokens" in ask(client, LEARN, status=422, text="zebra", model="char", session="s")["error"]["message"]
