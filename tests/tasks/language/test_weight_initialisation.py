import numpy as np
import pytest
import torch

from elman.models.network_config import NeuralConfig
from elman.models.neural import Network
from elman.models.softmax_clusters import read_clusters
from elman.progress import Progress
from elman.tasks.language.cooccurrence import cooccurrence_vectors
from elman.tasks.language.plan import LanguagePlan
from elman.tasks.language.weight_initialisation import first_weights

IDS = np.random.default_rng(2).integers(0, 30, 3000) ** 2 % 30
SHARES = (np.bincount(IDS, minlength=30) + 1) / (len(IDS) + 30)


def begun(config: NeuralConfig, **plan: object) -> tuple[Network, dict[str, np.ndarray]]:
    arrays = first_weights(config, LanguagePlan(updates=1, seed=4, **plan), IDS, 30, progress=Progress())  # type: ignore[arg-type]
    network = Network(config, 30, clusters=read_clusters(config, 30, arrays))
    network.load_arrays(arrays)
    return network, arrays


@pytest.mark.parametrize("softmax", ["full", "adaptive", "sampled"])
@pytest.mark.parametrize("tied", [True, False])
def test_where_nothing_is_known_the_shares_are_predicted(softmax: str, tied: bool) -> None:
    config = NeuralConfig(embedding_size=8, hidden_size=16, softmax=softmax, tied=tied)  # type: ignore[arg-type]
    network, _ = begun(config)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "mark_weight" in name:
                weight.zero_()
        found = network.output.log_probs(torch.zeros(1, config.top_size)).exp()[0].numpy()
    np.testing.assert_allclose(found, SHARES, rtol=1e-4)


def test_embeddings_begin_as_cooccurrence_vectors() -> None:
    _, arrays = begun(NeuralConfig(embedding_size=8, hidden_size=16))
    expected = cooccurrence_vectors(IDS, vocab=30, size=8, seed=4)
    assert np.array_equal(arrays["embedding.weight"][:30], expected)
    _, plain = begun(NeuralConfig(embedding_size=8, hidden_size=16), begin="random")
    assert abs(plain["embedding.weight"]).max() <= 0.1
    assert not plain["output.bias"].any()
    for name in plain:
        if name not in ("embedding.weight", "output.bias"):
            assert np.array_equal(plain[name], arrays[name])


def test_an_adaptive_head_begins_so_too_and_tails_as_near_as_they_can() -> None:
    network, _ = begun(NeuralConfig(embedding_size=24, hidden_size=16, softmax="adaptive"))
    vectors = torch.from_numpy(cooccurrence_vectors(IDS, vocab=30, size=24, seed=4))
    found = network.embedding(torch.arange(30)).detach()
    clusters = network.clusters
    assert clusters is not None and len(clusters.ends) > 1
    head = torch.from_numpy(clusters.ranks < clusters.ends[0])
    assert torch.equal(found[head], vectors[head])
    for (first, end), width in zip(clusters.tails, clusters.widths(24)[1:], strict=True):
        inside = torch.from_numpy((clusters.ranks >= first) & (clusters.ranks < end))
        lost = torch.linalg.svdvals(vectors[inside])[width:].square().sum()
        torch.testing.assert_close((found[inside] - vectors[inside]).square().sum(), lost, atol=1e-4, rtol=1e-3)


def test_characters_and_one_hot_input_have_no_such_vectors() -> None:
    _, arrays = begun(NeuralConfig(embedding_size=32, hidden_size=16))
    assert abs(arrays["embedding.weight"]).max() <= 0.1
    _, arrays = begun(NeuralConfig(input="one-hot", tied=False, hidden_size=16))
    np.testing.assert_allclose(np.exp(arrays["output.bias"]), SHARES, rtol=1e-5)


def test_forget_gates_begin_as_open_as_is_asked_for() -> None:
    config = NeuralConfig(embedding_size=8, hidden_size=16)
    _, arrays = begun(config, forget_bias=33)
    _, plain = begun(config)
    for layer, size in ((0, 16), (1, 8)):
        bias = arrays[f"stack.layers.{layer}.bias_ih"]
        spread = np.log(np.linspace(1, 32, size))
        np.testing.assert_allclose(bias[size : 2 * size], spread, rtol=1e-5)
        np.testing.assert_allclose(bias[:size], -spread, rtol=1e-5)
        assert not arrays[f"stack.layers.{layer}.bias_hh"][: 2 * size].any()
    assert all(
        np.array_equal(arrays[name], plain[name]) for name in arrays if "bias_ih" not in name and "bias_hh" not in name
    )
