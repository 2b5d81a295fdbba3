"""The network of a translator in training: its loss, and the noise that training adds."""

import numpy as np
import pytest
import torch

from elman.errors import UsageError
from elman.models.decoder import DecoderDrops
from elman.models.pair_batch import PairBatch
from elman.models.translator import TranslatorNetwork
from elman.models.translator_config import TranslatorConfig, TranslatorSizes
from elman.nn.dropout import Masks

SIZES = TranslatorSizes(9, 7)


def made(drops=None, **settings):
    torch.manual_seed(3)
    config = TranslatorConfig(**{"embedding_size": 5, "hidden_size": 6, "layers": 1, **settings})
    return TranslatorNetwork(config, SIZES, drops=drops)


def batch(seed=0):
    rng = np.random.default_rng(seed)
    return PairBatch(rng.integers(0, 9, (3, 5)), np.array([5, 1, 3]), rng.integers(0, 7, (3, 4)), np.array([2, 4, 1]))


def test_the_loss_is_the_sum_over_real_tokens():
    network, data = made(), batch()
    log_probs = network.log_probs(data)[0].numpy()
    wanted = [
        -log_probs[row, time, data.target[row, time]] for row in range(3) for time in range(data.target_lengths[row])
    ]
    loss = network.loss(data, ())
    assert (float(loss.total.detach()), loss.count) == (pytest.approx(sum(wanted), rel=1e-5), 7)


def test_padding_and_other_rows_change_nothing():
    network, data = made(), batch()
    alone = PairBatch(data.source[1:2, :1], data.source_lengths[1:2], data.target[1:2], data.target_lengths[1:2])
    whole, weights = network.log_probs(data)
    single, own = network.log_probs(alone)
    np.testing.assert_allclose(single[0], whole[1], atol=1e-6)
    assert weights is not None and own is not None
    assert not weights[1, :, 1:].any()


def test_label_smoothing_is_a_mixture_with_equal_shares():
    plain, smooth, data = made(), made(DecoderDrops(smoothing=0.2)), batch()
    log_probs = plain.log_probs(data)[0].numpy()
    wanted = 0.0
    for row in range(3):
        for time in range(data.target_lengths[row]):
            own = log_probs[row, time]
            wanted -= 0.8 * own[data.target[row, time]] + 0.2 * own.mean()
    assert float(smooth.loss(data, (), Masks(1, 1)).total.detach()) == pytest.approx(wanted, rel=1e-5)
    assert float(smooth.loss(data, ()).total.detach()) == pytest.approx(float(plain.loss(data, ()).total.detach()))


def test_scheduled_sampling_reads_its_own_predictions():
    network, data = made(DecoderDrops(sampling=0.999)), batch()
    source = network.encode(torch.from_numpy(data.source), torch.from_numpy(data.source_lengths))
    inputs, lengths = network.begun(torch.from_numpy(data.target)), torch.from_numpy(data.target_lengths)
    likeliest = network.log_probs(data)[0].argmax(-1)
    found = network._sampled(inputs, lengths, source, Masks(1, 1))
    assert torch.equal(found[:, 0], inputs[:, 0]) and torch.equal(found[1, 1:], likeliest[1, :-1])


def test_reading_is_shared_or_apart():
    joint = TranslatorNetwork(TranslatorConfig(joint=True, embedding_size=5, hidden_size=6), TranslatorSizes(7, 7))
    assert "source.weight" not in joint.to_arrays() and made().to_arrays()["source.weight"].shape == (10, 5)
    assert "output.weight" not in made().to_arrays() and "output.weight" in made(tied=False).to_arrays()


def test_what_cannot_work_is_refused_in_one_line():
    with pytest.raises(UsageError, match="forget the source"):
        TranslatorConfig(cell="conv", attention="none")
    with pytest.raises(UsageError, match="projection does not apply"):
        TranslatorConfig(projection=True)
