"""The penalties against sums written out, and what they reach in a network."""

import numpy as np
import pytest
import torch

from elman.data.streams import Chunk
from elman.models.network_config import NeuralConfig
from elman.models.neural import Drops, Network
from elman.nn.dropout import Masks
from elman.nn.loss import Mean
from elman.nn.penalties import Penalties


def mean_of(penalties: tuple[Mean, ...]) -> float:
    return sum(float(total.detach()) / max(count, 1) for total, count in penalties)


def by_loops(dropped: np.ndarray, raw: np.ndarray, reset: np.ndarray, alpha: float, beta: float) -> float:
    batch, time, size = raw.shape
    total = alpha * sum(float(value) ** 2 for value in dropped.ravel()) / dropped.size
    changes = [
        sum((raw[b, t, h] - raw[b, t - 1, h]) ** 2 for h in range(size)) / size
        for b in range(batch)
        for t in range(1, time)
        if not reset[b, t]
    ]
    return total + beta * sum(changes) / max(len(changes), 1)


@pytest.mark.parametrize("reset_share", [0.0, 0.4, 1.0])
def test_both_penalties_are_what_loops_give(reset_share: float) -> None:
    rng = np.random.default_rng(1)
    raw = rng.normal(size=(3, 7, 5))
    dropped = raw * (rng.random((3, 1, 5)) > 0.5) * 2
    reset = rng.random((3, 7)) < reset_share
    found = Penalties(activation=1.5, temporal=0.7).of(
        torch.from_numpy(dropped), raw=torch.from_numpy(raw), reset=torch.from_numpy(reset)
    )
    assert mean_of(found) == pytest.approx(by_loops(dropped, raw, reset, 1.5, 0.7), rel=1e-12)


def test_without_weights_there_is_nothing_and_one_token_has_no_change() -> None:
    one = torch.ones(2, 1, 3)
    assert Penalties().of(one, raw=one, reset=None) == ()
    assert mean_of(Penalties(temporal=1.0).of(one, raw=one, reset=None)) == 0


def test_bfloat16_outputs_are_summed_in_float32() -> None:
    y = torch.full((4, 64, 32), 1.01, dtype=torch.bfloat16)
    found = Penalties(activation=1.0, temporal=1.0).of(y, raw=y, reset=None)
    assert [mean.total.dtype for mean in found] == [torch.float32] * 2
    assert mean_of(found) == pytest.approx(float(y[0, 0, 0]) ** 2, rel=1e-6)


def test_a_network_penalises_what_dropout_left_and_what_it_had_before() -> None:
    torch.manual_seed(2)
    config = NeuralConfig(cell="gru", layers=1, embedding_size=4, hidden_size=6, tied=False)
    net = Network(config, 9, drops=Drops(between=0.5), penalties=Penalties(activation=2.0, temporal=3.0))
    rng = np.random.default_rng(3)
    reset = np.zeros((2, 5), bool)
    reset[0, 0] = reset[1, 2] = True
    chunk = Chunk(rng.integers(0, 9, (2, 5)), rng.integers(0, 9, (2, 5)), reset)
    state = (torch.randn(2, 6),)
    loss = net.loss(chunk, state, Masks(1, 4))
    with torch.no_grad():
        raw, _ = net(torch.from_numpy(chunk.inputs), state, reset=torch.from_numpy(reset))
        mask = Masks(1, 4).keep(2, 1, 6, drop=0.5)
    assert 0 < mask.mean() < 2
    expected = by_loops((raw * mask).numpy(), raw.numpy(), reset, 2.0, 3.0)
    assert mean_of(loss.penalties) == pytest.approx(expected, rel=1e-5)
    assert net.loss(chunk, state).penalties == ()  # nothing is penalised where nothing is learned
    loss.penalties[1].total.backward()
    slope = net.stack.layers[0].weight_hh.grad
    assert slope is not None and slope.abs().sum() > 0
