"""What the hand-written passes keep in float32; the rest is the contract suite's."""

import pytest
import torch

from elman.nn.sequence import CELLS, Lstm


@pytest.fixture(params=["compiled", "plain"], autouse=True)
def way(request: pytest.FixtureRequest):
    """Chunks that train go by compiled steps, short ones that do not by torch's operations."""
    with torch.set_grad_enabled(request.param == "compiled"):
        yield


def test_the_hand_written_lstm_keeps_its_cell_in_float32() -> None:
    layer = Lstm(1, 900)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.bias_ih[:900] = -1e4
        layer.bias_ih[900:1800] = 1e4
    c = torch.full((1, 900), 1 + 2**-20)
    with torch.autocast("cpu", torch.bfloat16):
        _, (_, after) = layer(torch.randn(1, 3, 1), (torch.zeros(1, 900), c))
    assert torch.equal(after, c)


def test_the_gru_keeps_its_state_in_float32_inside_a_chunk() -> None:
    # z = 1/2; 12 steps with n = 1 give h = 1 - 2^-12, which bfloat16 (8 bits) would call 1; one with n = -1 shows it.
    layer = CELLS["gru"](1, 1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.weight_ih[2] = 20
    x = torch.ones(1, 13, 1)
    x[0, 12] = -1
    with torch.autocast("cpu", torch.bfloat16):
        y, _ = layer(x, layer.initial_state(1))
    assert y.dtype == torch.bfloat16
    assert y[0, 12].item() == -(2**-13)
