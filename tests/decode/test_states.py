"""Two states of one model, compared by hand."""

import math

import numpy as np
import pytest

from elman.decode.states import compare_states, describe_state, divergence
from elman.models.ngram.query import NgramConfig, fit_ngram
from elman.models.protocol import State
from elman.text.tokenizer import EOS_ID, Tokenizer, TokenizerConfig


class Fixed:
    """A model whose prediction is the softmax of its state."""

    def __init__(self) -> None:
        self.tokenizer = Tokenizer.fit(["a b"], config=TokenizerConfig(min_count=1))

    def log_probs(self, state: State) -> np.ndarray:
        scores = state.parts["h"]
        return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def state(*numbers: float) -> State:
    return State("m", {"h": np.array([numbers], np.float32)})


def test_by_hand() -> None:
    model = Fixed()
    one, other = state(0, 0, 0, math.log(3)), state(0, 0, 0, 0)  # 1/6 1/6 1/6 1/2 against 1/4 four times
    found = compare_states(model, one, other)  # type: ignore[arg-type]
    wanted = [0.5 * math.log2(1 / 6 * 4) + 0.5 * math.log2(0.5 * 4), 0.75 * math.log2(6 / 4) + 0.25 * math.log2(0.5)]
    assert found["bits"] == pytest.approx(wanted, abs=1e-6)
    assert found["distance"] == {"h": pytest.approx(2.0)} and not found["same"]  # the mean length is half of one's
    assert compare_states(model, one, one) == {"same": True, "distance": {"h": 0.0}, "bits": [0.0, 0.0]}  # type: ignore[arg-type]
    about = describe_state(model, one)  # type: ignore[arg-type]
    assert about["bytes"] == 16 and about["parts"] == {"h": 4}
    assert about["likely"][0]["probability"] == pytest.approx(0.5)


def test_states_of_an_n_gram_that_have_read_different_amounts() -> None:
    words = Tokenizer.fit(["a b c"], config=TokenizerConfig(min_count=1))
    ids = np.array([*words.encode("a b c").ids, EOS_ID] * 9)
    model = fit_ngram(ids, np.array([0, len(ids)]), words, config=NgramConfig(order=3))
    start = model.start()
    later = model.advance(words.encode("a").ids[:1].astype(np.int64), start)
    found = compare_states(model, start, later)
    assert found["bits"][0] > 0.5 and not found["same"]


def test_what_can_never_come_is_no_number_lost() -> None:
    assert divergence(np.log([0.5, 0.5]), np.array([0.0, -np.inf])) > 1000
    assert divergence(np.array([0.0, -np.inf]), np.log([0.5, 0.5])) == pytest.approx(1)
