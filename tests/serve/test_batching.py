"""The worker: what waits together is one step, nobody's answer depends on it, and nobody's mistake
reaches others."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor

import numpy as np
import pytest
from tests.serve.conftest import Counting, fit

from elman.decode.sampling import make_sampler
from elman.models.protocol import LanguageModel, State
from elman.notation import TokenIds
from elman.serve.batching import Batched, Batcher, Patience
from elman.serve.errors import Problem


@pytest.fixture(params=[True, False], ids=["batchable", "one by one"])
def counting(request: pytest.FixtureRequest) -> Counting:
    return Counting(fit("word").lm, batchable=request.param)


@pytest.fixture
def start() -> Iterator[Callable[[Counting], Batcher]]:
    opened: list[Batcher] = []

    def begin(lm: Counting) -> Batcher:
        opened.append(Batcher(lm))
        lm.reset()
        return opened[-1]

    yield begin
    for batcher in opened:
        batcher.close()


class Held:
    """Keeps a batcher busy, so that calls gather."""

    def __init__(self, batcher: Batcher) -> None:
        self._free = threading.Event()
        self._call = batcher.step(batcher.first, None, lambda _: self._free.wait(10))
        while batcher.waiting:
            time.sleep(0.001)

    def release(self) -> None:
        self._free.set()
        self._call.result(10)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.release()


def test_calls_that_wait_become_one_step(counting: Counting, start: Callable) -> None:
    batcher = start(counting)
    held = Held(batcher)
    counting.reset()
    ids = list(range(2, 12))
    calls = [batcher.step(batcher.first, np.array([token]), np.copy) for token in ids]
    calls.append(batcher.step(batcher.first.take([0, 0]), None, np.copy))
    held.release()
    alone = counting.lm
    for token, call in zip(ids, calls, strict=False):
        state, log_probs = call.result(10)
        wanted = alone.advance(np.array([token]), alone.start())
        assert state.key() == wanted.key()
        np.testing.assert_array_equal(log_probs, alone.log_probs(wanted))
    assert calls[-1].result(10)[1].shape[0] == 2
    rows = ([10], [12]) if counting.batchable else ([1] * 10, [1] * 12)
    assert (counting.calls["advance"], counting.calls["log_probs"]) == rows


def test_texts_of_different_lengths_are_scored_together(counting: Counting, start: Callable) -> None:
    batcher = start(counting)
    held = Held(batcher)
    rng = np.random.default_rng(0)
    rows = [rng.integers(0, counting.tokenizer.size, size) for size in (3, 0, 17, 5)]
    calls = [batcher.score([ids], batcher.first) for ids in rows]
    both = batcher.score(rows[:2], batcher.first.take([0, 0]))
    held.release()
    for ids, call in zip(rows, calls, strict=True):
        (scores,), state = call.result(10)
        wanted, after = counting.lm.score(ids[None], np.array([len(ids)]), counting.start())
        np.testing.assert_allclose(scores, wanted[0], rtol=1e-6)
        assert state.key() == after.key()
    assert [len(scores) for scores in both.result(10)[0]] == [3, 0]


def test_one_mistake_is_not_that_of_its_neighbours(counting: Counting, start: Callable) -> None:
    batcher = start(counting)
    held = Held(batcher)
    good = batcher.step(batcher.first, None, np.copy)
    bad = batcher.step(batcher.first, None, lambda log_probs: 1 / 0)
    after = batcher.step(batcher.first, np.array([3]), np.copy)
    gone = batcher.step(batcher.first, np.array([4]), np.copy)
    assert gone.cancel()
    held.release()
    assert good.result(10)[1] is not None and after.result(10)[1] is not None
    with pytest.raises(ZeroDivisionError):
        bad.result(10)
    with pytest.raises(CancelledError):
        gone.result(10)
    with pytest.raises(IndexError):
        batcher.step(batcher.first, np.array([10**6]), np.copy).result(10)  # no such token
    assert batcher.step(batcher.first, None, np.copy).result(10)[1] is not None


def test_what_comes_before_each_token(counting: Counting, start: Callable) -> None:
    batcher = start(counting)
    ids = np.array([3, 5, 4])
    table, state = batcher.trace(ids, batcher.first, np.copy).result(10)
    here = counting.start()
    for place, token in enumerate(ids):
        np.testing.assert_allclose(table[place], counting.lm.log_probs(here)[0], rtol=1e-6)
        here = counting.lm.advance(np.array([token]), here)
    assert state.key() == here.key()


def test_a_batched_model_is_that_model(counting: Counting, start: Callable) -> None:
    from elman.decode.sampling import generate

    model = Batched(start(counting), Patience(60))
    options = {"sampler": make_sampler(temperature=1.2), "max_tokens": 30, "seed": 4}
    assert "".join(generate(model, "the", **options)) == "".join(generate(counting.lm, "the", **options))
    assert model.model_hash == counting.model_hash and model.start(3).batch == 3


def test_many_callers_never_call_the_model_together(start: Callable) -> None:
    class Alone(Counting):
        inside, most = 0, 0

        def advance(self, ids: TokenIds, state: State) -> State:
            self.inside += 1
            self.most = max(self.most, self.inside)
            time.sleep(0.0005)
            self.inside -= 1
            return super().advance(ids, state)

    lm = Alone(fit("word").lm, batchable=True)
    batcher, ids = start(lm), np.random.default_rng(1).integers(2, lm.tokenizer.size, 40)

    def along(read: LanguageModel) -> bytes:
        state = read.start()
        for token in ids:
            state = read.advance(np.array([token]), state)
        scores, _ = read.score(ids[None], np.array([len(ids)]), read.start())
        return read.log_probs(state).tobytes() + scores.tobytes()

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: along(Batched(batcher, Patience(60))), range(6)))
    assert set(found) == {along(lm.lm)} and lm.most == 1 and batcher.waiting == 0
    # What nobody else waits for takes no second thread.
    with Held(batcher):
        assert batcher.step_now(batcher.first) is None and batcher.score_now([ids], batcher.first) is None
    seen: list[str] = []
    batcher.step_now(batcher.first, None, lambda _: seen.append(threading.current_thread().name))
    assert seen == [threading.current_thread().name]


def test_a_closed_batcher_says_so(counting: Counting) -> None:
    batcher = Batcher(counting)
    held = Held(batcher)
    left = batcher.step(batcher.first, None, np.copy)
    closing = threading.Thread(target=batcher.close)
    closing.start()
    time.sleep(0.02)
    held.release()
    closing.join()
    with pytest.raises(Problem, match="shutting down"):
        left.result(10)
    with pytest.raises(Problem, match="shutting down"):
        batcher.step(batcher.first)


def test_patience_ends(counting: Counting, start: Callable) -> None:
    batcher = start(counting)
    held = Held(batcher)
    waiting = Batched(batcher, Patience(0.02))
    with pytest.raises(Problem, match="too long"):
        waiting.log_probs(batcher.first)
    patience = Patience(60)
    patience.gone.set()
    with pytest.raises(Problem, match="too long"):
        Batched(batcher, patience).log_probs(batcher.first)
    held.release()


def test_a_key_goes_before_the_rest_of_a_page(
    counting: Counting, start: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    batcher = start(counting)
    ids, asked, order = np.arange(300) % 9 + 2, [], []
    score = counting.score

    def scored(*given):
        if not asked:
            asked.append(batcher.step(batcher.first, np.array([2]), np.copy))
            asked[0].add_done_callback(lambda _: order.append("key"))
        return score(*given)

    monkeypatch.setattr(counting, "score", scored)
    page = batcher.score([ids], batcher.first)
    page.add_done_callback(lambda _: order.append("page"))
    (scores,), _ = page.result(10)
    assert order == ["key", "page"]
    expected, _ = counting.lm.score(ids[None], np.array([len(ids)]), batcher.first)
    np.testing.assert_allclose(scores, expected[0], atol=1e-6)
