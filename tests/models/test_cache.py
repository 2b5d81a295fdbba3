"""The cache against arithmetic by hand, against a slow twin, and at its edges."""

import math

import numpy as np
import pytest

from elman.errors import ModelError, UsageError
from elman.models.cache import NeuralCache, cache_log_probs
from elman.models.combine import Mixture
from elman.models.protocol import State
from elman.text.tokenizer import Tokenizer, TokenizerConfig

A, B, C = 2, 3, 4


class Planned:
    """Says 1/5 for each of five types, and shows the hidden vectors it was given, one after the
    other.
    """

    batchable = True
    exact = True
    forgets_lines = False
    model_hash = "ab" * 32

    def __init__(self, vectors: list[list[float]] | None) -> None:
        config = TokenizerConfig(pretokenized=True)
        self.tokenizer = Tokenizer(["<unk>", "</s>", " a", " b", " c"], config=config)
        self.vectors = None if vectors is None else np.array(vectors, np.float32)

    def start(self, batch: int = 1) -> State:
        return State(self.model_hash, {"place": np.zeros(batch, np.int64)})

    def log_probs(self, state: State) -> np.ndarray:
        return np.full((state.batch, 5), math.log(0.2), np.float32)

    def advance(self, ids: np.ndarray, state: State) -> State:
        return State(self.model_hash, {"place": state.parts["place"] + 1})

    def score(self, ids: np.ndarray, lengths: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        real = np.arange(ids.shape[1]) < lengths[:, None]
        scores = np.where(real, np.float32(math.log(0.2)), np.float32(0))
        return scores, State(self.model_hash, {"place": state.parts["place"] + lengths})

    def features(self, state: State) -> np.ndarray | None:
        return None if self.vectors is None else self.vectors[state.parts["place"]]

    def describe(self) -> dict[str, object]:
        return {"name": "planned", "parameters": 0, "size": "none"}


def test_three_steps_by_hand() -> None:
    # Hidden vectors before the 1st, 2nd, 3rd and 4th token; theta = ln 2, so each unit of likeness
    # counts double.
    model = NeuralCache(Planned([[1, 0], [0, 1], [1, 1], [2, 0]]), share=0.25, theta=math.log(2), window=10)
    state = model.start()
    # Nothing read: the model alone.
    np.testing.assert_allclose(np.exp(model.log_probs(state)), [[0.2] * 5], rtol=1e-6)
    state = model.advance(np.array([A]), state)
    # One token read: all of the cache is on it. 3/4 of 1/5 is 0.15.
    np.testing.assert_allclose(np.exp(model.log_probs(state)), [[0.15, 0.15, 0.4, 0.15, 0.15]], rtol=1e-6)
    state = model.advance(np.array([B]), state)
    # h = (1, 1) is as like (1, 0), where a came, as (0, 1), where b came: half each.
    np.testing.assert_allclose(np.exp(model.log_probs(state)), [[0.15, 0.15, 0.275, 0.275, 0.15]], rtol=1e-6)
    state = model.advance(np.array([A]), state)
    # h = (2, 0): weights 2^2 (a), 2^0 (b), 2^2 (a): a has 8/9, b has 1/9.
    wanted = [0.15, 0.15, 0.15 + 0.25 * 8 / 9, 0.15 + 0.25 / 9, 0.15]
    np.testing.assert_allclose(np.exp(model.log_probs(state)), [wanted], rtol=1e-6)
    scores, final = model.score(np.array([[A, B, A, B]]), np.array([4]), model.start())
    np.testing.assert_allclose(np.exp(scores), [[0.2, 0.15, 0.275, 0.15 + 0.25 / 9]], rtol=1e-6)
    assert final.parts["ids"].tolist() == [[-1] * 6 + [A, B, A, B]]
    assert final.parts["keys"][0, -4:].tolist() == [[1, 0], [0, 1], [1, 1], [2, 0]]


def test_recency_by_hand() -> None:
    # Each step halves the weight: c is 1, a 2 and b 3 tokens ago: 1, 1/2, 1/4.
    model = NeuralCache(Planned(None), share=0.5, theta=0, recency=math.log(2), window=3)
    state = model.score(np.array([[C, B, A, C]]), np.array([4]), model.start())[1]
    wanted = [0.1, 0.1, 0.1 + 0.5 * 2 / 7, 0.1 + 0.5 / 7, 0.1 + 0.5 * 4 / 7]
    np.testing.assert_allclose(np.exp(model.log_probs(state)), [wanted], rtol=1e-6)


def test_a_window_forgets() -> None:
    model = NeuralCache(Planned(None), share=0.5, theta=0, window=2)
    scores, state = model.score(np.array([[A, B, B, A, B]]), np.array([5]), model.start())
    # A is in the window of two at its second place no more, B is both of it, and then one of it.
    np.testing.assert_allclose(np.exp(scores), [[0.2, 0.1, 0.35, 0.1, 0.35]], rtol=1e-6)
    assert state.parts["ids"].tolist() == [[A, B]]


def slow(keys: np.ndarray, ids: np.ndarray, *, theta: float, recency: float, window: int) -> np.ndarray:
    """The definition, one token at a time."""
    found, alike = [], (keys @ keys.T).tolist()
    for now in range(len(ids)):
        total = hits = 0.0
        for then in range(max(now - window, 0), now):
            weight = math.exp(theta * alike[now][then] - recency * (now - 1 - then))
            total += weight
            hits += weight * (ids[then] == ids[now])
        found.append(math.nan if not total else math.log(hits / total) if hits else -math.inf)
    return np.array(found)


@pytest.mark.parametrize("window", [1, 2, 100, 128, 129, 1000])
@pytest.mark.parametrize(("theta", "recency"), [(0.8, 0.0), (0.8, 0.05), (0.0, 0.02), (0.0, 0.0)])
def test_blocks_are_the_definition(window: int, theta: float, recency: float) -> None:
    draw = np.random.default_rng(window)
    keys, ids = draw.standard_normal((301, 3)).astype(np.float32), draw.integers(0, 9, 301)
    wanted = slow(keys.astype(np.float64), ids, theta=theta, recency=recency, window=window)
    for first in (0, 1, 77, 300):
        found = cache_log_probs(keys, ids, first=first, theta=theta, recency=recency, window=window)
        np.testing.assert_allclose(found, wanted[first:], rtol=1e-4, atol=1e-5)


def test_features_of_a_mixture_are_compared() -> None:
    plain, seeing = Planned(None), Planned([[1.0], [3.0], [2.0]])
    found = NeuralCache(Mixture([plain, seeing]), share=0.5, theta=1.0)
    alone = NeuralCache(seeing, share=0.5, theta=1.0)
    ids, lengths = np.array([[A, B, A]]), np.array([3])
    scores, wanted = (model.score(ids, lengths, model.start())[0] for model in (found, alone))
    np.testing.assert_allclose(scores, wanted, rtol=1e-6)
    # Not the unigram cache: b's vector is three times as like the last one as a's, e^6 against e^2.
    assert math.exp(scores[0, 2]) == pytest.approx(0.1 + 0.5 * math.exp(2) / (math.exp(2) + math.exp(6)), rel=1e-5)


def test_without_hidden_vectors_only_recency_is_left() -> None:
    with pytest.raises(ModelError, match="planned has no hidden vectors .* use theta 0"):
        NeuralCache(Planned(None), share=0.5, theta=0.1)
    assert "keys" not in NeuralCache(Planned([[1.0]]), share=0.5, theta=0).start().parts


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 1.5}, "share is 1.5; it must be from 0 to 1"),
        ({"share": math.nan}, "share"),
        ({"theta": -1.0}, "theta is -1"),
        ({"recency": -0.1}, "recency is -0.1"),
        ({"window": 0}, "window is 0"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        NeuralCache(Planned([[1.0]]), **{"share": 0.5, "theta": 1.0, **options})  # type: ignore[arg-type]


def test_shares_of_nothing_and_of_everything() -> None:
    ids, lengths = np.array([[A, B, A]]), np.array([3])
    none = NeuralCache(Planned([[1.0]] * 4), share=0, theta=1.0)
    np.testing.assert_allclose(np.exp(none.score(ids, lengths, none.start())[0]), [[0.2] * 3], rtol=1e-6)
    all_of_it = NeuralCache(Planned([[1.0]] * 4), share=1, theta=1.0)
    scores = all_of_it.score(ids, lengths, all_of_it.start())[0]
    np.testing.assert_allclose(np.exp(scores), [[0.2, 0.0, 0.5]], rtol=1e-6)
