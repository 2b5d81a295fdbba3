"""What is said of gates is counted; the gates themselves: ``tests/cells/test_gates.py``."""

import numpy as np
import pytest
import torch

from elman.models.network_config import NeuralConfig
from elman.models.neural import Network
from elman.nn.feedback import Lstm
from elman.studies.xray_gates import longest_memories, read_inside, saturation


def test_a_forget_bias_of_log_lag_is_the_memory_it_promises() -> None:
    """At sigmoid(log u) = u / (u + 1) a step, what is left after u steps is near 1/e: (1 -
    1/(u+1))^u.
    """
    network = Network(NeuralConfig(cell="lstm", layers=1, embedding_size=4, hidden_size=5, tied=False), 7)
    layer = network.stack.layers[0]
    assert isinstance(layer, Lstm)
    layer.start_to_remember(9)  # u = 1, 2.75, 4.5, 6.25, 8
    with torch.no_grad():
        layer.weight_ih.zero_()
        layer.weight_hh.zero_()
    reading = read_inside(network, np.zeros((2, 6), np.int64), warm=1)
    u = np.array([1, 2.75, 4.5, 6.25, 8])
    assert reading.layers[0].gates["f"].shape == (10, 5)
    np.testing.assert_allclose(reading.layers[0].gates["f"], np.tile(u / (u + 1), (10, 1)), rtol=1e-6)
    np.testing.assert_allclose(reading.layers[0].gates["i"], np.tile(1 / (u + 1), (10, 1)), rtol=1e-6)
    assert reading.layers[0].keep is not None
    np.testing.assert_array_equal(reading.layers[0].keep, reading.layers[0].gates["f"])
    assert reading.layers[0].meanings == {
        "i": "input gate", "f": "forget gate", "o": "output gate", "h": "hidden state", "c": "cell state"
    }  # fmt: skip
    units = longest_memories(reading, 2)
    assert [(each.layer, each.unit) for each in units] == [(0, 4), (0, 3)]
    assert units[0].keep == pytest.approx(8 / 9) and units[0].half_life == pytest.approx(np.log(2) / np.log(9 / 8))
    found = {each.gate: each for each in saturation(reading)}
    assert set(found) == {"i", "f", "o"}
    # 8/9 and 1/9 are just inside of 0.9 and 0.1.
    assert (found["f"].closed, found["f"].open) == (0, 0)
    layer.start_to_remember(21)  # u = 1, 5.75, 10.5, 15.25, 20: the last three keep more than 0.9
    found = {each.gate: each for each in saturation(read_inside(network, np.zeros((1, 3), np.int64)))}
    assert found["f"].open == pytest.approx(0.6) and found["i"].closed == pytest.approx(0.6)
    assert found["f"].closed == found["i"].open == 0


def test_a_plain_rnn_has_no_gates() -> None:
    torch.manual_seed(1)
    network = Network(NeuralConfig(cell="rnn", layers=2, embedding_size=4, hidden_size=5, tied=False), 7)
    reading = read_inside(network, np.arange(6)[None])
    assert [(set(layer.gates), set(layer.states)) for layer in reading.layers] == [(set(), {"h"})] * 2
    assert longest_memories(reading) == []
    assert [(each.layer, each.gate) for each in saturation(reading)] == [(0, "|h|"), (1, "|h|")]
    # Read by the network's own fast path, the last state is the same.
    ids = torch.arange(6)[None]
    _, state = network(ids, network.initial_state(1))
    np.testing.assert_allclose(reading.layers[1].states["h"][-1], state[1][0].detach(), atol=1e-6)
