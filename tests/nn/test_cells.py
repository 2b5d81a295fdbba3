"""One step of each cell against pencil and paper, and against torch.nn."""

import math

import pytest
import torch
from torch import nn

from elman.nn.cells import Weights, gru, lstm, rnn, rnn_relu

LN3 = math.log(3)  # sigmoid(ln 3) = 3/4, tanh(ln 3 / 2) = 1/2


def scalars(*, from_x: list[float], from_h: list[float], bias_x: list[float], bias_h: list[float]) -> Weights:
    column = [torch.tensor(values, dtype=torch.float64).unsqueeze(1) for values in (from_x, from_h)]
    bias = [torch.tensor(values, dtype=torch.float64) for values in (bias_x, bias_h)]
    return Weights(*column, *bias)


def number(value: float) -> torch.Tensor:
    return torch.tensor([[value]], dtype=torch.float64)


def test_rnn_by_hand() -> None:
    # 2 * 0.5 + 1 - 3 * 1 + 0.5 + 0.5 = 0; then ln(3)/2 through the bias
    weights = scalars(from_x=[2], from_h=[-3], bias_x=[0.5], bias_h=[1.5 + LN3 / 2])
    (h,) = rnn(number(0.5), (number(1),), weights)
    assert h.item() == pytest.approx(0.5, abs=1e-12)


def test_rnn_relu_by_hand() -> None:
    weights = scalars(from_x=[2], from_h=[-3], bias_x=[0.5], bias_h=[0.25])
    assert rnn_relu(number(2), (number(1),), weights)[0].item() == 1.75  # 4 - 3 + 0.75
    assert rnn_relu(number(1), (number(1),), weights)[0].item() == 0  # 2 - 3 + 0.75 < 0


def test_gru_by_hand() -> None:
    # r = 1/4, z = 3/4, n = tanh(0.5 * 1 + 0.25 + 1/4 * (-2 * 2 + 1) + ln(3)/2) = 1/2
    # h = 1/4 * 1/2 + 3/4 * 2 = 1.625
    weights = scalars(from_x=[-LN3, 0, 0.5], from_h=[0, LN3 / 2, -2], bias_x=[0, 0, 0.25 + LN3 / 2], bias_h=[0, 0, 1])
    (h,) = gru(number(1), (number(2),), weights)
    assert h.item() == pytest.approx(1.625, abs=1e-12)


def test_lstm_by_hand() -> None:
    # i = 1/2, f = 3/4, g = 1/2, o = 1/4: c = 3/4 * 2 + 1/2 * 1/2 = 1.75; h = 1/4 * tanh(1.75)
    weights = scalars(from_x=[1, LN3, 0, 0], from_h=[-1, 0, LN3 / 2, 0], bias_x=[0, 0, 0, -LN3], bias_h=[0, 0, 0, 0])
    h, c = lstm(number(1), (number(1), number(2)), weights)
    assert c.item() == pytest.approx(1.75, abs=1e-12)
    assert h.item() == pytest.approx(0.2353438, abs=1e-7)


@pytest.mark.parametrize(
    ("cell", "module"),
    [
        (rnn, nn.RNNCell(4, 3)),
        (rnn_relu, nn.RNNCell(4, 3, nonlinearity="relu")),
        (gru, nn.GRUCell(4, 3)),
        (lstm, nn.LSTMCell(4, 3)),
    ],
    ids=["rnn", "rnn-relu", "gru", "lstm"],
)
def test_cells_are_those_of_torch(cell, module) -> None:
    module.double()
    x = torch.randn(2, 4, dtype=torch.float64)
    state = tuple(torch.randn(2, 3, dtype=torch.float64) for _ in range(2 if cell is lstm else 1))
    weights = Weights(module.weight_ih, module.weight_hh, module.bias_ih, module.bias_hh)
    expected = module(x, state if cell is lstm else state[0])
    for part, given in zip(cell(x, state, weights), expected if cell is lstm else (expected,), strict=True):
        torch.testing.assert_close(part, given, rtol=0, atol=1e-14)
