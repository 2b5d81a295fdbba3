"""How types are sorted travels with the weights, and is not believed blindly."""

from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import FolderError, UsageError
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network, NeuralModel, grow_arrays
from elman.models.softmax_clusters import ENDS, RANKS, cluster_arrays, make_clusters, read_clusters
from elman.text.tokenizer import Tokenizer, TokenizerConfig

V = 40
COUNTS = np.random.default_rng(1).permutation(1000 // np.arange(1, V + 1))


def config(softmax: str, **shape: Any) -> NeuralConfig:
    return NeuralConfig.from_json({"embedding_size": 20, "hidden_size": 24, "softmax": softmax, **shape})


def arrays_of(shape: NeuralConfig) -> dict[str, Any]:
    torch.manual_seed(1)
    return Network(shape, V, clusters=make_clusters(shape, V, COUNTS)).to_arrays()


def tokenizer(size: int) -> Tokenizer:
    tokens = ["<unk>", "</s>", *(chr(0x4E00 + k) for k in range(size - 2))]
    return Tokenizer(tokens, config=TokenizerConfig(level="char"))


SHAPES = [
    config("adaptive"),
    config("adaptive", tied=False),
    config("adaptive", tied=False, input="one-hot"),
    config("sampled"),
    config("sampled", tied=False, samples=7),
    config("sampled", tied=False, input="one-hot"),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_order_of_types_comes_back_with_the_weights(shape: NeuralConfig) -> None:
    arrays = arrays_of(shape)
    assert arrays[RANKS].dtype == np.int32
    assert np.argsort(arrays[RANKS]).tolist() == sorted(range(V), key=lambda k: (-COUNTS[k], k))
    assert (ENDS in arrays) == (shape.softmax == "adaptive")
    model = NeuralModel.from_arrays(arrays, tokenizer(V), shape)
    again = model.to_arrays()
    assert set(again) == set(arrays) and all(np.array_equal(again[name], arrays[name]) for name in arrays)
    assert again[RANKS].dtype == np.int32


DAMAGE = {
    "missing": (RANKS, lambda ranks: None),
    "floats": (RANKS, lambda ranks: ranks.astype(np.float32)),
    "int64": (RANKS, lambda ranks: ranks.astype(np.int64)),
    "matrix": (RANKS, lambda ranks: ranks[None]),
    "short": (RANKS, lambda ranks: ranks[:-1]),
    "twice": (RANKS, lambda ranks: np.concatenate([ranks[1:], ranks[1:2]])),
    "negative": (RANKS, lambda ranks: np.where(ranks == 3, -1, ranks).astype(np.int32)),
    "beyond": (RANKS, lambda ranks: np.where(ranks == 3, V, ranks).astype(np.int32)),
    "ends missing": (ENDS, lambda ends: None),
    "ends empty": (ENDS, lambda ends: ends[:0]),
    "ends falling": (ENDS, lambda ends: np.array([9, 5, V], np.int32)),
    "ends past V": (ENDS, lambda ends: np.array([5, V + 1], np.int32)),
    "ends short of V": (ENDS, lambda ends: np.array([5, V - 1], np.int32)),
    "one end": (ENDS, lambda ends: np.array([V], np.int32)),
    "too many ends": (ENDS, lambda ends: np.arange(V - 9, V + 1, dtype=np.int32)),
    "no head": (ENDS, lambda ends: np.array([0, V], np.int32)),
    "other ends": (ENDS, lambda ends: np.array([1, V], np.int32)),
}


@pytest.mark.parametrize("name", DAMAGE)
@pytest.mark.parametrize("shape", SHAPES[::3])
def test_a_hostile_order_is_refused_in_one_line(shape: NeuralConfig, name: str) -> None:
    arrays = arrays_of(shape)
    array, change = DAMAGE[name]
    changed = change(arrays.get(array, np.array([1, V], np.int32)))
    arrays.pop(array, None)
    if changed is not None:
        arrays[array] = changed
    if shape.softmax == "sampled" and name == "ends missing":
        return  # as it should be
    with pytest.raises(FolderError) as caught:
        NeuralModel.from_arrays(arrays, tokenizer(V), shape)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_a_full_softmax_has_no_order() -> None:
    shape = config("full")
    arrays = arrays_of(shape)
    assert RANKS not in arrays and cluster_arrays(shape, None) == {} and read_clusters(shape, V, arrays) is None
    with pytest.raises(FolderError, match=r"hold 'output\.ranks'"):
        NeuralModel.from_arrays({**arrays, RANKS: np.arange(V, dtype=np.int32)}, tokenizer(V), shape)


def test_weights_of_another_order_are_not_mixed_in() -> None:
    shape = SHAPES[0]
    other = Network(shape, V, clusters=make_clusters(shape, V, COUNTS[::-1]))
    with pytest.raises(FolderError, match=r"'output\.ranks' is not this network's"):
        other.load_arrays(arrays_of(shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_grown_vocabulary_keeps_what_was_known(shape: NeuralConfig) -> None:
    arrays = arrays_of(shape)
    grown = grow_arrays(arrays, V, V + 3)
    old = NeuralModel.from_arrays(arrays, tokenizer(V), shape)
    new = NeuralModel.from_arrays(grown, tokenizer(V + 3), shape)
    assert new.network.clusters is not None
    assert new.network.clusters.ranks.tolist() == [*arrays[RANKS].tolist(), V, V + 1, V + 2]
    ids, lengths = np.array([[5, 9, 2, 30, 1]]), np.array([5])
    scores, known = old.score(ids, lengths, old.start())
    again, state = new.score(ids, lengths, new.start())
    log_probs = new.log_probs(state)[0]
    assert np.exp(log_probs.astype(np.float64)).sum() == pytest.approx(1, abs=1e-5)
    fresh = log_probs[V:]
    assert np.ptp(fresh) < 1e-5  # the new types are all alike
    if shape.softmax == "sampled":
        # They share the probability of <unk>; nothing else changes.
        np.testing.assert_allclose(again, scores, atol=1e-5)
        np.testing.assert_allclose(fresh, old.log_probs(known)[0, 0] - np.log(4), atol=1e-4)
    else:
        # They are average types of the last tail, which alone has to make room.
        last = arrays[RANKS] >= arrays[ENDS][-2]
        before, after = old.log_probs(known)[0], log_probs[:V]
        np.testing.assert_allclose(after[~last], before[~last], atol=1e-5)
        gap = before[last] - after[last]
        assert np.ptp(gap) < 1e-5 and 0 < gap[0] < np.log1p(3 / last.sum())
        assert fresh[0] == pytest.approx(after[last].mean(), abs=1e-4)
    # As inputs, too, they can be read.
    state = new.advance(np.array([V + 1]), state)
    assert np.isfinite(new.log_probs(state)).all()


def test_a_grown_type_is_read_as_the_average_of_its_tail() -> None:
    shape = SHAPES[0]
    network = NeuralModel.from_arrays(grow_arrays(arrays_of(shape), V, V + 1), tokenizer(V + 1), shape).network
    ranks, ends = arrays_of(shape)[RANKS], arrays_of(shape)[ENDS]
    last = torch.from_numpy(np.flatnonzero(ranks >= ends[-2]))
    torch.testing.assert_close(network.embedding(torch.tensor(V)[None])[0], network.embedding(last).mean(0))
    # `<s>` is still the input V, which has moved up by one.
    before = NeuralModel.from_arrays(arrays_of(shape), tokenizer(V), shape).network
    assert torch.equal(network.embedding(torch.tensor([V + 1])), before.embedding(torch.tensor([V])))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"softmax": "half"}, "softmax is 'half'; it must be 'full' or 'adaptive' or 'sampled'"),
        ({"samples": 100}, "samples does not apply to the full softmax"),
        ({"softmax": "adaptive", "samples": 100}, "samples does not apply to the adaptive softmax"),
        ({"softmax": "sampled", "samples": 0}, "samples is 0; it must be at least 1"),
    ],
)
def test_settings_that_contradict_each_other(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        NeuralConfig.from_json(values)
