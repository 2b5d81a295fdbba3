"""Sessions: a key costs at most one model step and never another answer; memory stays within its
bounds."""

import threading
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest
from tests.serve.conftest import LEVELS, Counting, Make, ask, fit

import elman
from elman.api import Model
from elman.models.combine import Mixture
from elman.serve.batching import Batched, Batcher, Patience
from elman.serve.errors import Problem
from elman.serve.limits import Limits
from elman.serve.sessions import Session, Sessions
from elman.text.speller import Speller

URL = "/v1/complete"
ROOM = 1 << 20


@pytest.fixture
def counting() -> Iterator[tuple[Counting, Batched]]:
    lm = Counting(fit("word").lm)
    batcher = Batcher(lm)
    lm.reset()
    yield lm, Batched(batcher, Patience(60))
    batcher.close()


def answers(found: dict) -> list[tuple[str, float]]:
    return [(word["text"], word["probability"]) for word in found["words"]]


def keys(text: str) -> list[str]:
    """What stands before the cursor while somebody types, goes back, edits in the middle and goes
    on."""
    typed = [text[:end] for end in range(len(text) + 1)]
    back = [text[:end] for end in range(len(text), len(text) // 2, -1)]
    middle = [text[: len(text) // 3] + more for more in ("", "x", "x ", "x d", "")]
    return [*typed, *back, *middle, *typed[len(text) // 2 :]]


@pytest.mark.slow
@pytest.mark.parametrize("level", LEVELS)
def test_every_key_has_the_answer_of_complete(make: Make, models: dict[str, Model], level: str) -> None:
    client = make({level: models[level]})
    text = "the cat sat.\nthe zebra on the mat, a do" if level == "word" else "the cat\na do"
    alone = {}
    for prompt in keys(text):
        found = ask(client, URL, prompt=prompt, session="me", n=4)
        if prompt in alone:
            assert found == alone[prompt]
            continue
        alone[prompt] = ask(client, URL, prompt=prompt, n=4)
        assert found == alone[prompt]
        if found["oov"] == [] or found["partial"]:
            wanted = models[level].complete(prompt, n=4) if prompt.strip() else None
            assert wanted is None or (answers(found), found["partial"]) == (wanted.words, wanted.partial)


@pytest.mark.slow
@pytest.mark.parametrize("mixed", [False, True])
def test_a_session_changes_no_bit_of_what_torch_computes(make: Make, mixed: bool) -> None:
    """Several tokens at once have other last bits there; a paste of many is remembered and typed
    on."""
    from tests.networks import make as network

    net = network("lstm", hidden_size=61, embedding_size=40)
    lm = Mixture([net, network("gru", hidden_size=37)], weights=[0.4, 0.6]) if mixed else net
    client = make({"m": Model(lm, Speller.fit({"the": 1}))})
    text = "the cat sat on the mat a dog saw the log " * 3
    alone = cache(lambda prompt: ask(client, URL, prompt=prompt))
    for prompt in (text[:90], *keys(text[80:100]), text, text[:-9], text + "the cat"):
        assert ask(client, URL, prompt=prompt, session="me") == alone(prompt)


@pytest.mark.slow
def test_a_key_costs_at_most_one_step(make: Make) -> None:
    lm = Counting(fit("word").lm)
    client = make({"m": Model(lm, fit("word").speller)})
    costs = {}
    for prompt in keys("the cat sat on the ma"):
        lm.reset()
        ask(client, URL, prompt=prompt, session="me")
        assert lm.calls["score"] == []
        assert len(lm.calls["advance"]) <= 1 and len(lm.calls["log_probs"]) <= 1
        costs.setdefault(prompt, []).append(len(lm.calls["advance"]))
    # Inside a word there is no step; what was typed before costs nothing when it comes again.
    assert costs["the c"][0] == costs["the ca"][0] == 0 and costs["the cat"][0] == 1
    assert all(sum(each[1:]) == 0 for each in costs.values())


def test_a_typed_key_needs_no_thread(make: Make, models: dict[str, Model]) -> None:
    client = make({"word": models["word"]})
    for prompt in ("the c", "the cat"):
        ask(client, URL, prompt=prompt, session="me")
    client.app.state.server._pool.shutdown()  # type: ignore[attr-defined]
    for prompt in ("the ca", "the cat", "the ", "the", "the catal", "the cat sat", "the cat sat.", "the cat sat. t"):
        found = ask(client, URL, prompt=prompt, session="me")
        assert found["words"] and answers(found) == models["word"].complete(prompt).words
    with pytest.raises(RuntimeError, match="shutdown"):
        ask(client, URL, prompt="a dog and a cat sat on the mat", session="other")


def test_a_pasted_text_is_read_in_pieces_and_edited_cheaply(counting: tuple[Counting, Batched]) -> None:
    lm, model = counting
    session = Session(room=ROOM, longest=10_000)
    rng = np.random.default_rng(1)
    ids = rng.integers(2, lm.tokenizer.size, 500)
    reader = session.reader(model)
    _, state = reader.score(ids[None], np.array([500]), reader.start())
    _, wanted = lm.lm.score(ids[None], np.array([500]), lm.start())
    assert state.key() == wanted.key()
    assert len(lm.calls["score"]) <= 500 // 32 + 2
    for place in (499, 321, 64, 1, 0):
        lm.reset()
        reader = session.reader(model)
        _, state = reader.score(ids[None, :place], np.array([place]), reader.start())
        assert state.key() == lm.lm.score(ids[None], np.array([place]), lm.start())[1].key()
        assert len(lm.calls["score"]) <= 1 and len(lm.calls["advance"]) <= 4


def test_the_scores_of_remembered_text_are_no_numbers(counting: tuple[Counting, Batched]) -> None:
    _, model = counting
    reader = Session(room=ROOM, longest=100).reader(model)
    scores, _ = reader.score(np.array([[3, 4]]), np.array([2]), reader.start())
    assert np.isnan(scores).all()
    fresh, _ = reader.score(np.array([[3, 4]]), np.array([2]), model.start(1).take([0]))
    assert np.isfinite(fresh).all()


@pytest.mark.parametrize("room", [1, 100])
def test_with_no_room_only_the_speed_changes(counting: tuple[Counting, Batched], room: int) -> None:
    lm, model = counting
    session = Session(room=room, longest=1000)
    ids = np.random.default_rng(2).integers(2, lm.tokenizer.size, 200)
    for end in (5, 200, 3, 199, 100):
        reader = session.reader(model)
        before = reader.start()
        for begin in range(0, end, 50):
            part = ids[None, begin : min(begin + 50, end)]
            _, before = reader.score(part, np.array([part.shape[1]]), before)
        _, wanted = lm.lm.score(ids[None, :end], np.array([end]), lm.start())
        assert before.key() == wanted.key()
        np.testing.assert_array_equal(reader.log_probs(before), lm.lm.log_probs(wanted))
    assert session._state_bytes <= max(room, 16)


def test_a_prompt_that_is_too_long(make: Make, models: dict[str, Model]) -> None:
    client = make({"word": models["word"]}, limits=Limits(max_prompt_tokens=6))
    assert ask(client, URL, prompt="the cat sat on the ma")["words"]
    for session in (None, "s"):
        for prompt in ("the cat sat on the mat, ", "the cat sat\non the mat "):
            error = ask(client, URL, prompt=prompt, session=session, status=413)["error"]
            assert error["code"] == "prompt_too_long" and "6 tokens" in error["message"]


def test_a_tree_that_grows_too_large_begins_anew(counting: tuple[Counting, Batched]) -> None:
    lm, model = counting
    session = Session(room=ROOM, longest=20)
    rng = np.random.default_rng(3)
    for _ in range(50):
        reader = session.reader(model)
        ids = rng.integers(2, lm.tokenizer.size, 20)
        _, state = reader.score(ids[None], np.array([20]), reader.start())
        assert state.key() == lm.lm.score(ids[None], np.array([20]), lm.start())[1].key()
        assert session._places <= 5 * 20 + 1
    reader = session.reader(model)
    with pytest.raises(Problem, match="20 tokens"):
        reader.score(np.zeros((1, 21), np.int64), np.array([21]), reader.start())


def test_the_least_used_session_goes_first() -> None:
    now = [0.0]
    sessions = Sessions(Limits(sessions=3, session_seconds=10), clock=lambda: now[0])
    first = sessions.get("m", "a")
    for name in "bca":
        sessions.get("m", name)
    assert sessions.get("m", "a") is first
    sessions.get("m", "d")
    assert len(sessions) == 3 and sessions.get("m", "a") is first  # b went
    now[0] = 9
    sessions.get("m", "c")
    now[0] = 12
    sessions.forget_old()
    assert len(sessions) == 1
    assert sessions.get("m", "a") is not first
    assert sessions.get("other", "a") is not sessions.get("m", "a")
    assert sessions.forget("a") and not sessions.forget("a")


@pytest.mark.slow
def test_sessions_share_a_bounded_memory(make: Make, models: dict[str, Model]) -> None:
    client = make({"word": models["word"]}, limits=Limits(session_megabytes=1))
    shared = client.app.state.server.sessions  # type: ignore[attr-defined]
    for number in range(100):
        ask(client, URL, prompt=f"the cat sat on the mat {number} " * 8, session=str(number))
        assert shared.bytes <= 1 << 20
    assert 1 < len(shared) < 100
    assert client.delete("/v1/sessions/99").json() == {"session": "99", "forgotten": True}
    assert client.delete("/v1/sessions/99").json()["forgotten"] is False
    ask(client, URL, prompt="the cat", session="a/b")
    assert client.delete("/v1/sessions/a%2Fb").json() == {"session": "a/b", "forgotten": True}


@pytest.mark.slow
def test_many_sessions_at_once_and_one_session_twice(make: Make, models: dict[str, Model]) -> None:
    client = make({"word": models["word"]})
    text = "the cat sat on the mat, a dog ran"
    wanted = {prompt: ask(client, URL, prompt=prompt) for prompt in set(keys(text))}
    wrong: list[str] = []

    def type_all(name: str) -> None:
        for prompt in keys(text):
            if ask(client, URL, prompt=prompt, session=name) != wanted[prompt]:
                wrong.append(prompt)

    threads = [threading.Thread(target=type_all, args=(name,)) for name in ("a", "b", "b", "c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.slow
def test_a_mixture_answers_alike_with_a_session_and_without(
    make: Make, lstm_folder: Path, ngram_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    for name, by_torch in (("engine", False), ("torch", True)):
        parts = [elman.load(lstm_folder, torch=by_torch), elman.load(ngram_folder)]
        elman.mix(parts, text_file).save(tmp_path / name)
        client = make({name: elman.load(tmp_path / name)})
        alone = cache(partial(ask, client, URL, n=4))
        pasted = text_file.read_text(encoding="utf-8")[:700]
        for prompt in (
            pasted[:400],
            *keys("Anna sees the old h"),
            pasted,
            *(pasted[:end] for end in (396, 399, 400, 401, 404, 411)),
        ):
            found = ask(client, URL, prompt=prompt, session="me", n=4)
            assert found == alone(prompt=prompt), (name, prompt)
