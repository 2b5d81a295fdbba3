"""The encoder network: against torch's own layers, by hand, and padded as alone."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from elman.cells.registry import CELLS
from elman.errors import FolderError, UsageError
from elman.models.encoder import Encoder, EncoderDrops, label_loss
from elman.models.encoder_config import EncoderConfig
from elman.models.encoder_start import arrays_from_language_model
from elman.models.network_config import NeuralConfig
from elman.models.neural import Network
from elman.nn.dropout import Masks

V, K = 11, 3
LENGTHS = torch.tensor([7, 0, 3, 1, 6])
LANGUAGE_MODELS: list[dict[str, Any]] = [
    {}, {"tied": False}, {"softmax": "adaptive"}, {"softmax": "adaptive", "tied": False}, {"softmax": "sampled"},
    {"projection": True},
]  # fmt: skip
POOLINGS = ["mean-max-last", "mean", "max", "last", "attention"]


def settings_of(cell: str) -> dict[str, Any]:
    return {"window": 3, "heads": 2} if cell == "transformer" else {"window": 3} if CELLS[cell].window else {}


def make(**settings: Any) -> Encoder:
    """A small encoder with weights large enough that everything they have read matters."""
    torch.manual_seed(1)
    sizes = {"embedding_size": 6, "hidden_size": 5, **settings}
    encoder = Encoder(EncoderConfig.from_json(sizes), V, K).double()
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            parameter.mul_(2)
            if "bias" in name or not parameter.any():
                parameter.uniform_(-1, 1)
    return encoder


def drawn_ids(rows: int = 5, time: int = 7) -> Tensor:
    return torch.randint(0, V, (rows, time), generator=torch.Generator().manual_seed(2))


class OfTorch(nn.Module):
    """The same network of torch.nn's layers on packed sequences."""

    def __init__(self, encoder: Encoder, kind: Any) -> None:
        super().__init__()
        config = encoder.config
        self.embedding = nn.Embedding(V + 1, config.embedding_size)
        self.layers = kind(config.embedding_size, config.hidden_size, config.layers, batch_first=True)
        self.reverse = kind(config.embedding_size, config.hidden_size, config.layers, batch_first=True)
        self.output = nn.Linear(config.pooled_size, K)
        self.names = {"embedding.weight": "embedding.weight", "output.weight": "output.weight"}
        self.names["output.bias"] = "output.bias"
        for layer in range(config.layers):
            for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                self.names[f"forward.layers.{layer}.{part}"] = f"layers.{part}_l{layer}"
                self.names[f"backward.layers.{layer}.{part}"] = f"reverse.{part}_l{layer}"
        self.double()
        weights = encoder.weights()
        assert weights.keys() == self.names.keys()
        with torch.no_grad():
            for name, own in self.names.items():
                self.get_parameter(own).copy_(weights[name])

    def forward(self, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs ``[B, 1 + T, 2H]`` and logits with mean, maximum and last output, one text after
        the other.
        """
        tokens, pooled = [], []
        for row, length in zip(ids, lengths.tolist(), strict=True):
            x = self.embedding(torch.cat([torch.tensor([V]), row[:length]]))[None]
            packed = [
                nn.utils.rnn.pack_padded_sequence(each, [length + 1], batch_first=True) for each in (x, x.flip(1))
            ]
            forward, _ = nn.utils.rnn.pad_packed_sequence(self.layers(packed[0])[0], batch_first=True)
            reverse, _ = nn.utils.rnn.pad_packed_sequence(self.reverse(packed[1])[0], batch_first=True)
            y = torch.cat([forward, reverse.flip(1)], dim=-1)[0]
            last = torch.cat([forward[0, -1], reverse[0, -1]])
            pooled.append(torch.cat([y.mean(0), y.max(0).values, last]))
            tokens.append(nn.functional.pad(y, (0, 0, 0, ids.shape[1] - length)))
        return torch.stack(tokens), self.output(torch.stack(pooled))


@pytest.mark.parametrize(("cell", "kind"), [("lstm", nn.LSTM), ("gru", nn.GRU), ("rnn", nn.RNN)])
def test_values_and_gradients_are_those_of_torch(cell: str, kind: Any) -> None:
    encoder, ids = make(cell=cell, layers=2, skip=False), drawn_ids()
    other = OfTorch(encoder, kind)
    tokens, wanted = other(ids, LENGTHS)
    torch.testing.assert_close(encoder(ids, LENGTHS), tokens, rtol=0, atol=1e-12)
    logits = encoder.logits(ids, LENGTHS)
    torch.testing.assert_close(logits, wanted, rtol=0, atol=1e-12)
    targets = torch.tensor([0, 2, 1, 1, 0])
    for given in (logits, wanted):
        nn.functional.cross_entropy(given, targets).backward()
    for name, parameter in encoder.weights().items():
        torch.testing.assert_close(parameter.grad, other.get_parameter(other.names[name]).grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_text_among_others_is_as_it_is_alone(cell: str, pooling: str) -> None:
    encoder = make(cell=cell, pooling=pooling, layers=2, bag=True, **settings_of(cell))
    ids, padding = drawn_ids(), torch.arange(7) >= LENGTHS[:, None]
    ids = ids.masked_fill(padding, -5)  # whatever stands there
    with torch.no_grad():
        tokens, logits = encoder(ids, LENGTHS), encoder.logits(ids, LENGTHS)
        for row, length in enumerate(LENGTHS.tolist()):
            alone = ids[row : row + 1, :length], LENGTHS[row : row + 1]
            torch.testing.assert_close(encoder(*alone)[0], tokens[row, : length + 1], rtol=0, atol=1e-12)
            torch.testing.assert_close(encoder.logits(*alone)[0], logits[row], rtol=0, atol=1e-12)
            assert not tokens[row, length + 1 :].any()


def test_pooling_by_hand() -> None:
    y = torch.tensor([[[1.0, -4.0], [3.0, -2.0], [0.0, 0.0]]])  # of <s>, one token, and padding
    length = torch.tensor([1])
    wanted = {"mean": [2.0, -3.0], "max": [3.0, -2.0], "last": [3.0, -4.0]}
    wanted["mean-max-last"] = wanted["mean"] + wanted["max"] + wanted["last"]
    for pooling, numbers in wanted.items():
        encoder = Encoder(EncoderConfig(hidden_size=1, embedding_size=1, pooling=pooling), V, K)  # type: ignore[arg-type]
        assert encoder.pool(y, length).tolist() == [numbers]
    encoder = Encoder(EncoderConfig(hidden_size=1, embedding_size=1, pooling="attention"), V, K)
    assert encoder.pool(y, length).tolist() == [[2.0, -3.0]]  # at first a mean
    assert encoder.attention is not None
    with torch.no_grad():
        encoder.attention.weight.copy_(torch.tensor([[math.log(3) / 2, 0.0]]))
    # The second token's score is ln 3 above the first's: it weighs 3/4.
    torch.testing.assert_close(encoder.pool(y, length), torch.tensor([[2.5, -2.5]]))


def test_the_bag_adds_the_mean_of_what_was_read() -> None:
    encoder, ids = make(bag=True), drawn_ids()
    assert encoder.bag is not None
    with torch.no_grad():
        whole = encoder.logits(ids, LENGTHS)
        table = encoder.bag.weight.clone()
        encoder.bag.weight.zero_()
        rest = encoder.logits(ids, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        words = table[[V, *ids[row, :length].tolist()]].mean(0)
        torch.testing.assert_close(whole[row] - rest[row], words, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_only_the_backward_direction_sees_what_comes_later(cell: str) -> None:
    ids = drawn_ids()
    other = ids.clone()
    other[:, 4] = (other[:, 4] + 1) % V
    lengths = torch.full((5,), 7)
    with torch.no_grad():
        one = make(cell=cell, bidirectional=False, **settings_of(cell))
        first, second = one(ids, lengths), one(other, lengths)
        assert first[:, :5].equal(second[:, :5]) and not first[:, 5].equal(second[:, 5])
        both = make(cell=cell, **settings_of(cell))
        size = both.config.top_size
        change = (both(ids, lengths) - both(other, lengths)).abs()
        assert not change[:, :5, :size].any() and not change[:, 6:, size:].any()
        assert (change[:, 5, size:].sum(-1) > 0).all() and (change[:, 4, size:].sum(-1) > 0).all()


def test_one_hot_input_is_an_identity_embedding() -> None:
    encoder, ids = make(input="one-hot"), drawn_ids()
    assert "embedding.weight" not in encoder.weights()
    learned = Encoder(EncoderConfig(embedding_size=V + 1, hidden_size=5), V, K).double()
    with torch.no_grad():
        for name, parameter in learned.weights().items():
            parameter.copy_(torch.eye(V + 1) if name == "embedding.weight" else encoder.weights()[name])
        torch.testing.assert_close(learned.logits(ids, LENGTHS), encoder.logits(ids, LENGTHS), rtol=0, atol=1e-12)


def test_what_is_dropped_is_repeated_and_only_with_masks() -> None:
    torch.manual_seed(3)
    drops = EncoderDrops(input=0.3, between=0.3, embedding=0.3, weights=0.3, output=0.3)
    encoder = Encoder(EncoderConfig(layers=2, embedding_size=6, hidden_size=5), V, K, drops=drops)
    ids = drawn_ids()
    plain, first, second, again = (
        encoder.logits(ids, LENGTHS, masks) for masks in (None, Masks(1, 1), Masks(1, 2), Masks(1, 1))
    )
    assert first.equal(again) and not first.equal(second) and not first.equal(plain)
    assert encoder.eval().logits(ids, LENGTHS).equal(plain)
    pooled = Encoder(EncoderConfig(embedding_size=6, hidden_size=5), V, K, drops=EncoderDrops(output=0.5))
    kept = Masks(4, 1).keep(5, 30, drop=0.5)
    wanted = pooled.output(pooled.pool(pooled(ids, LENGTHS), LENGTHS) * kept)
    torch.testing.assert_close(pooled.logits(ids, LENGTHS, Masks(4, 1)), wanted)
    with pytest.raises(UsageError, match="output dropout is 1"):
        Encoder(EncoderConfig(), V, K, drops=EncoderDrops(output=1.0))


def test_tables_may_have_sparse_gradients() -> None:
    dense, sparse = (Encoder(EncoderConfig(bag=True), V, K, sparse=each) for each in (False, True))
    sparse.load_arrays(dense.to_arrays())
    for encoder in (dense, sparse):
        encoder.logits(drawn_ids(), LENGTHS, Masks(1, 1)).square().sum().backward()
    for name in ("embedding.weight", "bag.weight"):
        gradient = sparse.weights()[name].grad
        assert gradient is not None and gradient.is_sparse
        torch.testing.assert_close(gradient.to_dense(), dense.weights()[name].grad)


def test_arrays_go_out_and_in() -> None:
    config = EncoderConfig(cell="gru", embedding_size=6, hidden_size=5, pooling="attention", bag=True)
    first = Encoder(config, V, K)
    arrays = first.to_arrays()
    assert sorted(arrays) == [
        "attention.weight", "backward.layers.0.bias_hh", "backward.layers.0.bias_ih", "backward.layers.0.weight_hh",
        "backward.layers.0.weight_ih", "bag.weight", "embedding.weight", "forward.layers.0.bias_hh",
        "forward.layers.0.bias_ih", "forward.layers.0.weight_hh", "forward.layers.0.weight_ih", "output.bias",
        "output.weight",
    ]  # fmt: skip
    second = Encoder(config, V, K)
    second.load_arrays(arrays)
    assert second.logits(drawn_ids(), LENGTHS).equal(first.logits(drawn_ids(), LENGTHS))
    with pytest.raises(FolderError, match="not finite"):
        first.load_arrays({**arrays, "output.bias": np.array([0, np.nan, 1], np.float32)})


@pytest.mark.slow  # torch imports much for its device without memory
def test_weights_of_a_folder_are_checked_before_memory_is_asked_for() -> None:
    config = EncoderConfig(cell="gru", embedding_size=6, hidden_size=5, bag=True)
    first = Encoder(config, V, K)
    arrays = first.to_arrays()
    second = Encoder.from_arrays(arrays, config, V, K)
    assert second.logits(drawn_ids(), LENGTHS).equal(first.logits(drawn_ids(), LENGTHS))
    with pytest.raises(FolderError, match="lack 'bag.weight'"):
        Encoder.from_arrays({name: each for name, each in arrays.items() if name != "bag.weight"}, config, V, K)
    with pytest.raises(FolderError, match="hold 'bag.weight', which"):
        Encoder.from_arrays(arrays, config.replace(bag=False), V, K)
    with pytest.raises(FolderError, match="needs float32"):
        Encoder.from_arrays(arrays, config.replace(hidden_size=1 << 20), V, K)  # terabytes


def test_training_starts_from_what_is_known() -> None:
    encoder = Encoder(EncoderConfig(embedding_size=2, pooling="mean"), V, K)
    vectors = np.random.default_rng(0).normal(size=(V, 2)).astype(np.float32)
    start = encoder.to_arrays()["embedding.weight"][V]
    encoder.begin(shares=np.array([0.5, 0.25, 0.25]), vectors=vectors)
    arrays = encoder.to_arrays()
    np.testing.assert_array_equal(arrays["embedding.weight"], [*vectors, start])
    np.testing.assert_allclose(np.exp(arrays["output.bias"]), [0.5, 0.25, 0.25], rtol=1e-6)


@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        (cell, shape)
        for cell in ("lstm", "conv")
        for shape in LANGUAGE_MODELS
        if cell != "conv" or "projection" not in shape  # its layers all have the size of the embedding
    ],
)
def test_a_language_model_is_taken_over(cell: str, shape: dict[str, Any]) -> None:
    """The forward direction then says after each token what the language model says."""
    torch.manual_seed(5)
    lm = NeuralConfig(cell=cell, embedding_size=40, hidden_size=7, **shape)
    vocab = 70
    network = Network(lm, vocab)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.rand_like(parameter) / 5)
    config = EncoderConfig.from_language_model(lm)
    encoder = Encoder(config, vocab, K)
    before = encoder.to_arrays()
    encoder.begin(arrays=arrays_from_language_model(network.to_arrays(), lm, config))
    after = encoder.to_arrays()
    assert all(
        np.array_equal(after[name], before[name]) for name in before if name.split(".")[0] in ("backward", "output")
    )
    ids = torch.randint(0, vocab, (5, 7))
    read = torch.cat([torch.full((5, 1), vocab), ids], dim=1)
    with torch.no_grad():
        wanted, _ = network(read, network.initial_state(5), lengths=LENGTHS + 1)
        torch.testing.assert_close(encoder(ids, LENGTHS)[..., : lm.top_size], wanted, rtol=0, atol=1e-5)


def test_one_hot_language_models_have_no_table() -> None:
    lm = NeuralConfig(cell="rnn", layers=1, input="one-hot", tied=False)
    config = EncoderConfig.from_language_model(lm)
    arrays = arrays_from_language_model(Network(lm, V).to_arrays(), lm, config)
    assert "embedding.weight" not in arrays
    Encoder(config, V, K).begin(arrays=arrays)
    with pytest.raises(UsageError, match="input is 'learned', but the language model has 'one-hot'"):
        arrays_from_language_model(arrays, lm, config.replace(input="learned"))


def test_the_loss_is_that_of_torch() -> None:
    draw = torch.Generator().manual_seed(6)
    logits, targets = torch.randn(6, K, generator=draw), torch.tensor([0, 2, 2, 1, 0, 0])
    weights = torch.tensor([0.5, 2.0, 1.0])
    total, count = label_loss(logits, targets)
    torch.testing.assert_close(total / count, nn.CrossEntropyLoss()(logits, targets))
    total, count = label_loss(logits, targets, weights)
    torch.testing.assert_close(total / count, nn.CrossEntropyLoss(weight=weights)(logits, targets))
    assert count == 0.5 * 3 + 2.0 + 1.0 * 2
    several = torch.randint(0, 2, (6, K), generator=draw)
    total, count = label_loss(logits, several)
    torch.testing.assert_close(total / count, nn.BCEWithLogitsLoss()(logits, several.float()))
    total, count = label_loss(logits, several, weights)
    wanted = nn.BCEWithLogitsLoss(weight=weights, reduction="sum")(logits, several.float())
    torch.testing.assert_close(total, wanted)
    assert count == 6 * 3.5
