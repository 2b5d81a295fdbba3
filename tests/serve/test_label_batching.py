"""The worker of labels: equal answers whoever else asks, shares of steps, errors of one call."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from typing import Any

import numpy as np
import pytest
from tests.serve.classifiers import REVIEW, classifier

from elman.serve.batching import Patience
from elman.serve.errors import Problem
from elman.serve.label_batching import LabelBatcher
from elman.tasks.classify.model import Prediction

WORDS = REVIEW.split()


class Watched:
    """A classifier that tells what it is asked, and answers only while it is ``free``."""

    def __init__(self) -> None:
        self.model = classifier()
        self.labels, self.model_hash, self.describe = self.model.labels, "0", self.model.describe
        self.steps: list[list[str]] = []
        self.asked = threading.Semaphore(0)
        self.free = threading.Event()
        self.free.set()

    def predictions(self, texts: Iterable[str]) -> Iterator[Prediction]:
        texts = list(texts)
        self.steps.append(texts)
        self.asked.release()
        assert self.free.wait(10)
        if "raise" in texts:
            raise ValueError("raise")
        return self.model.predictions(texts)


@pytest.fixture
def watched() -> Watched:
    return Watched()


@pytest.fixture
def batcher(watched: Watched) -> Iterator[LabelBatcher]:
    opened = LabelBatcher(watched)
    yield opened
    watched.free.set()
    opened.close()


def hold(watched: Watched, batcher: LabelBatcher) -> Any:
    """Keep the worker busy with one text: calls gather until ``free`` is set."""
    watched.free.clear()
    call = batcher.predict(["held"], Patience(60))
    assert watched.asked.acquire(timeout=10)
    return call


def test_calls_that_wait_are_one_step(watched: Watched, batcher: LabelBatcher) -> None:
    held = hold(watched, batcher)
    texts = [[word, f"a {word} film"] for word in WORDS] + [[""], [REVIEW, "", REVIEW]]
    calls = [batcher.predict(some, Patience(60)) for some in texts]
    assert batcher.waiting == len(calls)
    watched.free.set()
    for some, call in zip(texts, calls, strict=True):
        found = call.result(60)
        np.testing.assert_array_equal([each.probabilities for each in found], classifier().predict_proba(some))
        assert [each.labels for each in found] == [(label,) for label in classifier().predict(some)]
    assert held.result(60)[0].labels == (classifier().predict("held"),)
    assert watched.steps == [["held"], [text for some in texts for text in some]]


def test_a_long_call_shares_its_steps(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    batcher = LabelBatcher(watched, step=40)
    hold(watched, batcher)
    long = ["long text."] * 9 + ["x" * 100]  # 10 characters each; the last one fits no step
    calls = [batcher.predict(long, Patience(60)), batcher.predict(["short"], Patience(60))]
    watched.free.set()
    for call, texts in zip(calls, (long, ["short"]), strict=True):
        found = [each.probabilities for each in call.result(60)]
        np.testing.assert_array_equal(found, classifier().predict_proba(texts))
    assert [len(step) for step in watched.steps] == [1, 3, 4, 3, 1]
    assert watched.steps[1] == ["long text.", "long text.", "short"]


def test_rows_of_a_step_are_bounded(watched: Watched) -> None:
    batcher = LabelBatcher(watched)
    batcher._rows = 5
    call = batcher.predict([f"{number}" for number in range(12)], Patience(60))
    assert len(call.result(60)) == 12
    assert [len(step) for step in watched.steps] == [5, 5, 2]
    batcher.close()


def test_one_mistake_is_not_that_of_its_neighbours(watched: Watched, batcher: LabelBatcher) -> None:
    hold(watched, batcher)
    bad, good = batcher.predict(["raise"], Patience(60)), batcher.predict(["good"], Patience(60))
    broken = batcher.map_predictions(["good", "bad"], lambda _: 1 / 0, Patience(60))
    label = batcher.map_predictions(["good", "bad"], lambda found: found.labels[0], Patience(60))
    watched.free.set()
    with pytest.raises(ValueError, match="raise"):
        bad.result(60)
    with pytest.raises(ZeroDivisionError):
        broken.result(60)
    assert good.result(60)[0].labels == ("pos",) and label.result(60) == ["pos", "neg"]
    assert batcher.predict([], Patience(60)).result(0) == []


def test_what_nobody_waits_for_is_not_computed(watched: Watched, batcher: LabelBatcher) -> None:
    hold(watched, batcher)
    gone, late = Patience(60), Patience(-1)
    left = [batcher.predict([name], patience) for name, patience in (("gone", gone), ("late", late))]
    cancelled, kept = (batcher.predict([name], Patience(60)) for name in ("cancelled", "kept"))
    gone.gone.set()
    assert cancelled.cancel()
    watched.free.set()
    kept.result(60)
    for call in left:
        with pytest.raises(Problem, match="too long"):
            call.result(60)
    with pytest.raises(CancelledError):
        cancelled.result(60)
    assert watched.steps == [["held"], ["kept"]]


def test_a_closed_batcher_says_so(watched: Watched) -> None:
    batcher = LabelBatcher(watched)
    held = hold(watched, batcher)
    left = batcher.predict(["left"], Patience(60))
    closing = threading.Thread(target=batcher.close)
    closing.start()
    _until(lambda: batcher._closed)
    watched.free.set()
    closing.join()
    assert held.result(60)
    with pytest.raises(Problem, match="shutting down"):
        left.result(60)
    with pytest.raises(Problem, match="shutting down"):
        batcher.predict(["new"], Patience(60))


def _until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it did not happen")
