"""The temperature against arithmetic by hand, and in blocks."""

import math

import numpy as np
import pytest

from elman.errors import UsageError
from elman.models import temperature as module
from elman.models.protocol import State
from elman.models.temperature import Tempered, log_sum
from elman.text.tokenizer import Tokenizer, TokenizerConfig


class Known:
    """Four types: 1/2, 1/4, 1/8, 1/8, the other way round at every other place."""

    batchable = True
    exact = True
    forgets_lines = False
    model_hash = "cd" * 32

    def __init__(self) -> None:
        self.tokenizer = Tokenizer(["<unk>", "</s>", " a", " b"], config=TokenizerConfig(pretokenized=True))
        self.rows = np.log(np.array([[0.5, 0.25, 0.125, 0.125], [0.125, 0.125, 0.25, 0.5]], np.float32))

    def start(self, batch: int = 1) -> State:
        return State(self.model_hash, {"place": np.zeros(batch, np.int64)})

    def log_probs(self, state: State) -> np.ndarray:
        return self.rows[state.parts["place"] % 2]

    def advance(self, ids: np.ndarray, state: State) -> State:
        return State(self.model_hash, {"place": state.parts["place"] + 1})

    def score(self, ids: np.ndarray, lengths: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        raise AssertionError("a temperature needs all types")

    def features(self, state: State) -> None:
        return None

    def describe(self) -> dict[str, object]:
        return {"name": "known", "parameters": 0, "size": "none"}


def test_by_hand() -> None:
    # At 1/2 probabilities are squared: 1/4, 1/16, 1/64, 1/64 of a sum of 22/64.
    sharp = Tempered(Known(), temperature=0.5)
    np.testing.assert_allclose(np.exp(sharp.log_probs(sharp.start())), [[16 / 22, 4 / 22, 1 / 22, 1 / 22]], rtol=1e-6)
    # At 2 they are square roots: 1, r, 1/2, 1/2 of a sum of 2 + r, with r the root of 1/2.
    flat, r = Tempered(Known(), temperature=2), math.sqrt(0.5)
    scores, final = flat.score(np.array([[1, 3], [0, 99]]), np.array([2, 1]), flat.start(2))
    np.testing.assert_allclose(np.exp(scores), [[r / (2 + r), 1 / (2 + r)], [1 / (2 + r), 1]], rtol=1e-6)
    assert final.parts["0.place"].tolist() == [2, 1]


def test_1_changes_nothing_and_extremes_do_not_overflow() -> None:
    same = Tempered(Known(), temperature=1)
    np.testing.assert_array_equal(same.log_probs(same.start()), Known().rows[:1])
    cold = Tempered(Known(), temperature=0.01)
    found = cold.log_probs(cold.start())
    assert found[0, 0] == pytest.approx(0, abs=1e-6) and np.isfinite(found).all()
    assert found[0, 1] == pytest.approx(-100 * math.log(2), rel=1e-5)


def test_blocks_of_any_width_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, ids = Tempered(Known(), temperature=0.7), np.random.default_rng(0).integers(0, 4, (3, 11))
    lengths = np.array([11, 0, 6])
    wanted, final = model.score(ids, lengths, model.start(3))
    assert (wanted[0] < 0).all() and (wanted[1] == 0).all()
    for numbers in (1, 12, 40):
        monkeypatch.setattr(module, "_NUMBERS", numbers)
        found, after = model.score(ids, lengths, model.start(3))
        np.testing.assert_array_equal(found, wanted)
        assert [after.key(row) for row in range(3)] == [final.key(row) for row in range(3)]


def test_log_sum_far_from_0() -> None:
    np.testing.assert_allclose(log_sum(np.array([[-2000.0, -2000.0], [700.0, -np.inf]])), [[math.log(2) - 2000], [700]])


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf, 101.0])
def test_temperatures_out_of_range_are_refused(temperature: float) -> None:
    with pytest.raises(UsageError, match="temperature is"):
        Tempered(Known(), temperature=temperature)
