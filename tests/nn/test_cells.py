"""One step of each cell against pencil and paper, and against torch.nn."""

import math

import pytest
import torch
from torch import nn

from elman.nn.cells import InputWeights, RglruWeights, Weights, gru, lstm, mingru, minlstm, rglru, rnn, rnn_relu

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


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64).unsqueeze(1)


def test_mingru_by_hand() -> None:
    # z = sigmoid(2 * ln(3)/2) = 3/4, v = 2 * 3 - 2 = 4: h = 1/4 * 2 + 3/4 * 4
    weights = InputWeights(column(LN3 / 2, 3), column(0, -2)[:, 0])
    assert mingru(number(2), (number(2),), weights)[0].item() == pytest.approx(3.5, abs=1e-12)


def test_minlstm_by_hand() -> None:
    # i = 1/4, f = 1/2: a third of v = 6 and two thirds of h = 3
    weights = InputWeights(column(-LN3, 0, 5), column(0, 0, 1)[:, 0])
    assert minlstm(number(1), (number(3),), weights)[0].item() == pytest.approx(4, abs=1e-12)


def test_rglru_by_hand() -> None:
    # The branch is 2 * 3 = 6; u = 1 * 1 + 10 * 2 + 100 * 3 + 0.5 * 6 + 4 = 328; r = 1/2, i = 3/4.
    # softplus(Lambda) = ln(4)/8: log a = -8 * 1/2 * ln(4)/8 = -ln 2, so h = 1/2 * 8 + sqrt(3)/2 * 3/4 * 328.
    # gelu(20) = 20: y = 0.1 * 20 * h + 1.
    one = torch.ones(1, dtype=torch.float64)
    weights = RglruWeights(
        weight_ih=column(2, 0),
        bias_ih=column(0, 20)[:, 0],
        weight_conv=column(1, 10, 100, 0.5),
        bias_conv=4 * one,
        weight_gates=column(0, 0),
        bias_gates=column(0, LN3)[:, 0],
        decay=torch.log(torch.expm1(math.log(4) / 8 * one)),
        weight_out=column(0.1),
        bias_out=one,
    )
    y, (h, tail) = rglru(number(3), (number(8), column(1, 2, 3).T), weights)
    assert h.item() == pytest.approx(4 + 123 * math.sqrt(3), abs=1e-10)
    assert y.item() == pytest.approx(2 * h.item() + 1, abs=1e-10)
    assert tail.tolist() == [[2, 3, 6]]


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
