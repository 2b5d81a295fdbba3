"""The mixture against arithmetic by hand, its translation of ids, and weights against a grid."""

import hashlib
import math

import numpy as np
import pytest

from elman.errors import ModelError, UsageError
from elman.models.combine import Mixture, fit_weights
from elman.models.protocol import LanguageModel, State
from elman.text.tokenizer import Tokenizer, TokenizerConfig

WORDS = TokenizerConfig(pretokenized=True)


class Counting:
    """Predicts from two rows of probabilities, even and odd places in turn; keeps the place and a
    hidden vector.
    """

    batchable = True
    exact = True
    forgets_lines = False

    def __init__(self, tokens: str, even: list[float], odd: list[float], *, hidden: float | None = None) -> None:
        self.tokenizer = Tokenizer(["<unk>", "</s>", *(f" {token}" for token in tokens)], config=WORDS)
        self.rows = np.log(np.array([even, odd], dtype=np.float32))
        self.hidden = hidden
        self.model_hash = hashlib.sha256(repr((tokens, even, odd, hidden)).encode()).hexdigest()

    def start(self, batch: int = 1) -> State:
        return State(self.model_hash, {"h": np.zeros((batch, 1), np.float32), "place": np.zeros(batch, np.int64)})

    def log_probs(self, state: State) -> np.ndarray:
        return self.rows[state.parts["place"] % 2]

    def advance(self, ids: np.ndarray, state: State) -> State:
        h = state.parts["h"] + ids[:, None].astype(np.float32)
        return State(self.model_hash, {"h": h, "place": state.parts["place"] + 1})

    def score(self, ids: np.ndarray, lengths: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        scores = np.zeros(ids.shape, np.float32)
        final = []
        for row in range(len(ids)):
            one = state.take([row])
            for place in range(lengths[row]):
                scores[row, place] = self.log_probs(one)[0, ids[row, place]]
                one = self.advance(ids[row, place : place + 1], one)
            final.append(one)
        return scores, State.stack(final)

    def features(self, state: State) -> np.ndarray | None:
        return None if self.hidden is None else np.full((state.batch, 2), self.hidden, np.float32)

    def describe(self) -> dict[str, object]:
        return {"name": "counting", "parameters": 8, "size": "2 rows"}


# The types of the second model in the first one's order: <unk> </s> a b.
FIRST = ("ab", [0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1])
SECOND = ("ba", [0.1, 0.1, 0.2, 0.6], [0.7, 0.1, 0.1, 0.1])
# 1/4 of the first and 3/4 of the second:  a: .3/4 + .6 3/4 = .525   b: .4/4 + .2 3/4 = .25
MIXED_EVEN = [0.1, 0.125, 0.525, 0.25]
# <unk>: .4/4 + .7 3/4 = .625   </s>: .3/4 + .1 3/4 = .15   a: .2/4 + .1 3/4 = .125   b: .1/4 + .1 3/4 = .1
MIXED_ODD = [0.625, 0.15, 0.125, 0.1]


def test_probabilities_by_hand_with_ids_translated():
    model = Mixture([Counting(*FIRST), Counting(*SECOND)], weights=[0.25, 0.75])
    assert isinstance(model, LanguageModel)
    state = model.start(2)
    np.testing.assert_allclose(np.exp(model.log_probs(state)), [MIXED_EVEN] * 2, rtol=1e-6)
    state = model.advance(np.array([2, 3]), state)
    np.testing.assert_allclose(np.exp(model.log_probs(state)), [MIXED_ODD] * 2, rtol=1e-6)
    # Each part was told the token under its own id: a is 2 to the first and 3 to the second.
    assert state.parts["0.h"].tolist() == [[2.0], [3.0]]
    assert state.parts["1.h"].tolist() == [[3.0], [2.0]]


def test_score_by_hand_with_padding():
    model = Mixture([Counting(*FIRST), Counting(*SECOND)], weights=[0.25, 0.75])
    scores, final = model.score(np.array([[2, 2, 3], [3, 99, -5]]), np.array([3, 1]), model.start(2))
    expected = [[math.log(0.525), math.log(0.125), math.log(0.25)], [math.log(0.25), 0, 0]]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    assert final.parts["1.place"].tolist() == [3, 1]


def test_a_weight_of_0_silences_a_part_and_tiny_probabilities_survive():
    alone = Mixture([Counting(*FIRST), Counting(*SECOND)], weights=[1, 0])
    np.testing.assert_array_equal(alone.log_probs(alone.start()), Counting(*FIRST).log_probs(alone.models[0].start()))
    model = Counting(*FIRST)
    model.rows = np.full((2, 4), -2000.0, np.float32)
    both = Mixture([model, model])
    np.testing.assert_array_equal(both.log_probs(both.start()), np.full((1, 4), -2000.0))


def test_a_state_survives_its_bytes_whatever_the_types_of_its_parts():
    model = Mixture([Counting(*FIRST), Counting(*SECOND)])
    state = model.advance(np.array([3]), model.start())
    assert list(state.parts) == ["0.h", "0.place", "1.h", "1.place"]
    assert State.from_bytes(state.to_bytes(), like=model.start()).key() == state.key()


def test_mixtures_of_mixtures():
    inner = Mixture([Counting(*FIRST), Counting(*SECOND)], weights=[0.5, 0.5])
    outer = Mixture([Counting(*FIRST), inner], weights=[0.5, 0.5])
    flat = Mixture([Counting(*FIRST), Counting(*SECOND)], weights=[0.75, 0.25])
    assert set(outer.start().parts) == {"0.h", "0.place", "1.0.h", "1.0.place", "1.1.h", "1.1.place"}
    ids, lengths = np.array([[2, 3, 1]]), np.array([3])
    found, wanted = (model.score(ids, lengths, model.start())[0] for model in (outer, flat))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_abilities_come_from_the_parts():
    plain, seeing = Counting(*FIRST), Counting(*SECOND, hidden=3.0)
    model = Mixture([plain, seeing])
    np.testing.assert_array_equal(model.features(model.start(2)), [[3.0, 3.0], [3.0, 3.0]])
    assert Mixture([plain]).features(Mixture([plain]).start()) is None
    assert model.batchable and model.exact
    seeing.exact, seeing.batchable = False, False
    changed = Mixture([plain, seeing])
    assert not changed.batchable and not changed.exact
    assert model.describe()["size"] == "0.50 counting + 0.50 counting"
    assert model.describe()["parameters"] == 16


def test_the_hash_names_parts_order_and_weights():
    a, b = Counting(*FIRST), Counting(*SECOND)
    c = Counting("ab", [0.25] * 4, [0.25] * 4)
    mixtures = [
        Mixture([a, b]),
        Mixture([b, a]),
        Mixture([a, c]),
        Mixture([c, a]),
        Mixture([a]),
        Mixture([a, b], weights=[0.4, 0.6]),
        Mixture([a, b], weights=[0.4 + 1e-12, 0.6 - 1e-12]),
    ]
    assert len({model.model_hash for model in mixtures}) == len(mixtures)
    with pytest.raises(ModelError, match="another model"):
        mixtures[0].log_probs(mixtures[4].start())


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ("abc", r"differ, for instance ' c' \(4 and 5 types\): train both"),
        ("ac", r"differ, for instance ' b' \(4 and 4 types\): train both"),
        ("a", r"differ, for instance ' b' \(4 and 3 types\): train both"),
    ],
)
def test_other_types_are_refused(tokens, message):
    uniform = [1 / (2 + len(tokens))] * (2 + len(tokens))
    with pytest.raises(ModelError, match=message):
        Mixture([Counting(*FIRST), Counting(tokens, uniform, uniform)])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "1 weights were given for 2 models"),
        ([0.5, 0.6], "weights are 0.5, 0.6; they must not be negative and must sum to 1"),
        ([1.5, -0.5], "weights are 1.5, -0.5; they must not be negative"),
        ([math.nan, 1.0], "weights are nan, 1; they must not"),
        ([math.inf, 0.0], "weights are inf, 0; they must not"),
    ],
)
def test_weights_that_are_none_are_refused(weights, message):
    with pytest.raises(UsageError, match=message):
        Mixture([Counting(*FIRST), Counting(*SECOND)], weights=weights)


def test_no_models_are_refused():
    with pytest.raises(UsageError, match="no models"):
        Mixture([])


@pytest.mark.parametrize("seed", range(6))
def test_fitted_weights_are_the_best_of_a_grid(seed):
    draw = np.random.default_rng(seed)
    parts = [np.log(draw.beta(draw.uniform(0.3, 3), draw.uniform(0.3, 3), 400)) for _ in range(3)]
    found = fit_weights(parts)
    assert found.sum() == pytest.approx(1.0, abs=1e-12) and (found >= 0).all()

    def gain(weights):
        return np.log(np.asarray(weights) @ np.exp(parts)).mean()

    grid = [(i / 50, j / 50, (50 - i - j) / 50) for i in range(51) for j in range(51 - i)]
    best = max(grid, key=gain)
    assert gain(found) >= gain(best) - 1e-7
    np.testing.assert_allclose(found, best, atol=0.03)


def test_fitted_weights_by_hand():
    # Three tokens for which the first model gives 1/2 and the second nothing, one the other way
    # round: 3/4 and 1/4.
    with np.errstate(divide="ignore"):
        first, second = np.log([0.5, 0.5, 0.5, 0.0]), np.log([0.0, 0.0, 0.0, 0.5])
    np.testing.assert_allclose(fit_weights([first, second]), [0.75, 0.25], rtol=1e-9)
    # Shifting both by as much as a long word costs changes nothing: no sum of probabilities
    # underflows.
    np.testing.assert_allclose(fit_weights([first - 5000, second - 5000]), [0.75, 0.25], rtol=1e-9)
    assert fit_weights([first[:3]]).tolist() == [1.0]


def test_weights_need_possible_tokens():
    with pytest.raises(ModelError, match="at least one token"):
        fit_weights([np.empty(0), np.empty(0)])
    with pytest.raises(ModelError, match="no part of the mixture gives"):
        fit_weights([np.array([-1.0, -np.inf]), np.array([-1.0, -np.inf])])
    with pytest.raises(ModelError, match="no part of the mixture gives"):
        fit_weights([np.array([-1.0, np.nan]), np.array([-1.0, -1.0])])


def test_weights_read_back_are_the_same_to_the_last_bit():
    draw = np.random.default_rng(0)
    for _ in range(200):
        weights = draw.uniform(size=5)
        first = Mixture([Counting(*FIRST)] * 5, weights=(weights / weights.sum() + 1e-8).tolist())
        assert Mixture([Counting(*FIRST)] * 5, weights=first.weights).model_hash == first.model_hash
