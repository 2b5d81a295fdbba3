"""The dual encoder's vectors and loss against plain sums, and the engine against the network."""

from typing import Any

import numpy as np
import pytest
import torch

from elman.inference.encoder import inference_encoder
from elman.models.dual_encoder import DualEncoder, PairBatch, symmetric_loss
from elman.models.reply_config import ReplyConfig, engine_arrays
from elman.tasks.reply.model import unit_halves

V, D = 11, 5


def made(**settings: Any) -> DualEncoder:
    torch.manual_seed(3)
    network = DualEncoder(ReplyConfig(embedding_size=3, hidden_size=4, vector_size=D, **settings), V, temperature=0.5)
    network.begin_as_bag(np.linspace(0.2, 1, V))
    return network


def batch() -> PairBatch:
    rng = np.random.default_rng(0)
    lengths = np.array([3, 1, 0]), np.array([2, 4, 1])
    return PairBatch(rng.integers(0, V, (3, 3)), lengths[0], rng.integers(0, V, (3, 4)), lengths[1])


def test_the_loss_is_the_mean_of_both_softmaxes() -> None:
    scores = torch.tensor([[2.0, 0.0], [1.0, 1.0]])
    rows = [np.log(np.exp(2) + 1) - 2, np.log(2 * np.e) - 1]
    columns = [np.log(np.exp(2) + np.e) - 2, np.log(1 + np.e) - 1]
    assert symmetric_loss(scores).item() == pytest.approx((sum(rows) + sum(columns)) / 2, rel=1e-6)


def test_a_batch_is_scored_by_cosines_over_the_temperature() -> None:
    network, data = made(), batch()
    messages_read, message_lengths, replies_read, reply_lengths = (torch.from_numpy(part) for part in data)
    with torch.no_grad():
        messages = network.logits(messages_read, message_lengths)[:, :D].numpy()
        replies = network.logits(replies_read, reply_lengths)[:, D:].numpy()
        loss = network.loss(data, ())
    cosines = (messages / np.linalg.norm(messages, axis=1)[:, None]) @ (
        replies / np.linalg.norm(replies, axis=1)[:, None]
    ).T
    assert loss.count == 3 and loss.total.item() == pytest.approx(
        symmetric_loss(torch.from_numpy(cosines / 0.5)).item(), rel=1e-5
    )


def test_before_training_shared_words_are_what_counts() -> None:
    network = made(bidirectional=True)
    with torch.no_grad():
        network.get_parameter("output.weight").zero_()
        ids, lengths = torch.tensor([[4, 7, 9], [9, 4, 7], [1, 2, 3]]), torch.tensor([3, 3, 3])
        message, reply = network.vectors(ids, lengths)
    scores = (message @ reply.T).numpy()
    assert scores[0, 1] == pytest.approx(1, abs=1e-5) and scores[0, 2] < 0.9


@pytest.mark.parametrize("settings", [{}, {"bag": False}, {"bidirectional": True, "cell": "gru", "layers": 2}])
def test_the_engine_computes_the_same(settings: dict[str, Any]) -> None:
    network = made(**settings)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    config = ReplyConfig.from_json({"embedding_size": 3, "hidden_size": 4, "vector_size": D, **settings})
    texts = [np.array(text, np.int64) for text in ([4, 7, 9], [], [1], [2, 2, 10, 0])]
    engine = inference_encoder(
        engine_arrays(network.to_arrays()), config.encoder(), vocab_size=V, outputs=2 * D, int8=()
    )
    for text, found in zip(texts, unit_halves(engine.logits(texts)), strict=True):
        with torch.no_grad():
            both = network.vectors(torch.from_numpy(text)[None], torch.tensor([len(text)]))
        assert found == pytest.approx(torch.cat(both, dim=1)[0].numpy(), abs=1e-5)
