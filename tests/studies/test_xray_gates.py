"""The gates of every cell are those of its own step, and what is said of them is counted."""

import numpy as np
import pytest
import torch

from elman.models.neural import Network
from elman.models.shape import NeuralConfig
from elman.nn.gate_values import gates_of
from elman.nn.sequence import CELLS, Lstm
from elman.studies.xray_gates import longest_memories, read_inside, saturation


@pytest.mark.parametrize("cell", ["lstm", "gru", "mingru", "minlstm", "rglru"])
def test_keep_is_the_derivative_of_the_new_state_by_the_old(cell: str) -> None:
    """With nothing else depending on the old state, d new / d old is what the gate keeps."""
    torch.manual_seed(2)
    layer = CELLS[cell](3, 5).double()
    x = torch.randn(4, 3).double()
    state = tuple(torch.randn_like(part).double() for part in layer.initial_state(4))
    which = 1 if cell == "lstm" else 0  # the LSTM keeps c, the others h
    if cell == "gru":
        with torch.no_grad():
            layer.weight_hh.zero_()  # type: ignore[operator]
    old = state[which].requires_grad_()
    after = layer.step(x, state)[1][which]
    (found,) = torch.autograd.grad(after.sum(), old)
    torch.testing.assert_close(gates_of(layer, x, state)["keep"], found)


def test_the_gates_make_the_lstms_and_the_grus_states() -> None:
    torch.manual_seed(4)
    lstm = CELLS["lstm"](3, 4)
    x, state = torch.randn(2, 3), (torch.randn(2, 4), torch.randn(2, 4))
    gates = gates_of(lstm, x, state)
    _, (h, c) = lstm.step(x, state)
    torch.testing.assert_close(h, gates["output"] * torch.tanh(c))
    candidate = (c - gates["forget"] * state[1]) / gates["input"]
    assert (candidate.abs() < 1).all()
    gru = CELLS["gru"](3, 4)
    gates = gates_of(gru, x, state[:1])
    _, (h,) = gru.step(x, state[:1])
    n_x, n_h = (
        torch.nn.functional.linear(v, w[8:], b[8:])
        for v, w, b in ((x, gru.weight_ih, gru.bias_ih), (state[0], gru.weight_hh, gru.bias_hh))  # type: ignore[index]
    )
    torch.testing.assert_close(
        h, (1 - gates["update"]) * torch.tanh(n_x + gates["reset"] * n_h) + gates["update"] * state[0]
    )


def test_a_forget_bias_of_log_lag_is_the_memory_it_promises() -> None:
    """At sigmoid(log u) = u / (u + 1) a step, what is left after u steps is near 1/e: (1 - 1/(u+1))^u."""
    network = Network(NeuralConfig(cell="lstm", layers=1, embedding_size=4, hidden_size=5, tied=False), 7)
    layer = network.stack.layers[0]
    assert isinstance(layer, Lstm)
    layer.start_to_remember(9)  # u = 1, 2.75, 4.5, 6.25, 8
    with torch.no_grad():
        layer.weight_ih.zero_()
        layer.weight_hh.zero_()
    reading = read_inside(network, np.zeros((2, 6), np.int64), warm=1)
    u = np.array([1, 2.75, 4.5, 6.25, 8])
    assert reading.layers[0]["forget"].shape == (10, 5)
    np.testing.assert_allclose(reading.layers[0]["forget"], np.tile(u / (u + 1), (10, 1)), rtol=1e-6)
    np.testing.assert_allclose(reading.layers[0]["input"], np.tile(1 / (u + 1), (10, 1)), rtol=1e-6)
    units = longest_memories(reading, 2)
    assert [(each.layer, each.unit) for each in units] == [(0, 4), (0, 3)]
    assert units[0].keep == pytest.approx(8 / 9) and units[0].half_life == pytest.approx(np.log(2) / np.log(9 / 8))
    found = {each.gate: each for each in saturation(reading)}
    assert set(found) == {"input", "forget", "output"}
    # 8/9 and 1/9 are just inside of 0.9 and 0.1.
    assert (found["forget"].closed, found["forget"].open) == (0, 0)
    layer.start_to_remember(21)  # u = 1, 5.75, 10.5, 15.25, 20: the last three keep more than 0.9
    found = {each.gate: each for each in saturation(read_inside(network, np.zeros((1, 3), np.int64)))}
    assert found["forget"].open == pytest.approx(0.6) and found["input"].closed == pytest.approx(0.6)
    assert found["forget"].closed == found["input"].open == 0


def test_a_plain_rnn_has_no_gates() -> None:
    torch.manual_seed(1)
    network = Network(NeuralConfig(cell="rnn", layers=2, embedding_size=4, hidden_size=5, tied=False), 7)
    reading = read_inside(network, np.arange(6)[None])
    assert [set(layer) for layer in reading.layers] == [{"hidden"}, {"hidden"}] and longest_memories(reading) == []
    assert [(each.layer, each.gate) for each in saturation(reading)] == [(0, "|hidden|"), (1, "|hidden|")]
    # Read by the network's own fast path, the last state is the same.
    ids = torch.arange(6)[None]
    _, state = network(ids, network.initial_state(1))
    np.testing.assert_allclose(reading.layers[1]["hidden"][-1], state[1][0].detach(), atol=1e-6)
