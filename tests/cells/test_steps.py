"""One step of each cell against pencil and paper, against torch.nn, and on all three kinds of
values.
"""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from elman.cells.cell import Cell, Sizes, Weights
from elman.cells.evaluate import evaluate
from elman.cells.recording import record_step
from elman.cells.registry import CELLS
from elman.nn.sequence import FAST

LN3 = math.log(3)  # sigmoid(ln 3) = 3/4, tanh(ln 3 / 2) = 1/2
ONE = Sizes(inputs=1, hidden=1)


def number(value: float) -> NDArray[np.float64]:
    return np.array([[value]])


def column(*values: float) -> NDArray[np.float64]:
    return np.array(values)[:, None]


def scalars(*, from_x: list[float], from_h: list[float], bias_x: list[float], bias_h: list[float]) -> Weights:
    matrices = {"weight_ih": column(*from_x), "weight_hh": column(*from_h)}
    return Weights({**matrices, "bias_ih": np.array(bias_x), "bias_hh": np.array(bias_h)}, ONE)


def after(cell: str, x: float, state: list[float], weights: Weights) -> list[float]:
    y, found = CELLS[cell].step(number(x), tuple(map(number, state)), weights)
    assert y.item() == found[0].item()
    return [part.item() for part in found]


def test_rnn_by_hand() -> None:
    # 2 * 0.5 + 1 - 3 * 1 + 0.5 + 0.5 = 0; then ln(3)/2 through the bias
    weights = scalars(from_x=[2], from_h=[-3], bias_x=[0.5], bias_h=[1.5 + LN3 / 2])
    assert after("rnn", 0.5, [1], weights) == pytest.approx([0.5], abs=1e-12)


def test_rnn_relu_by_hand() -> None:
    weights = scalars(from_x=[2], from_h=[-3], bias_x=[0.5], bias_h=[0.25])
    assert after("rnn-relu", 2, [1], weights) == [1.75]  # 4 - 3 + 0.75
    assert after("rnn-relu", 1, [1], weights) == [0]  # 2 - 3 + 0.75 < 0


def test_gru_by_hand() -> None:
    # r = 1/4, z = 3/4, n = tanh(0.5 * 1 + 0.25 + 1/4 * (-2 * 2 + 1) + ln(3)/2) = 1/2
    # h = 1/4 * 1/2 + 3/4 * 2 = 1.625
    weights = scalars(from_x=[-LN3, 0, 0.5], from_h=[0, LN3 / 2, -2], bias_x=[0, 0, 0.25 + LN3 / 2], bias_h=[0, 0, 1])
    assert after("gru", 1, [2], weights) == pytest.approx([1.625], abs=1e-12)


def test_lstm_by_hand() -> None:
    # i = 1/2, f = 3/4, g = 1/2, o = 1/4: c = 3/4 * 2 + 1/2 * 1/2 = 1.75; h = 1/4 * tanh(1.75)
    weights = scalars(from_x=[1, LN3, 0, 0], from_h=[-1, 0, LN3 / 2, 0], bias_x=[0, 0, 0, -LN3], bias_h=[0, 0, 0, 0])
    assert after("lstm", 1, [1, 2], weights) == pytest.approx([math.tanh(1.75) / 4, 1.75], abs=1e-12)


def test_mingru_by_hand() -> None:
    # z = sigmoid(2 * ln(3)/2) = 3/4, v = 2 * 3 - 2 = 4: h = 1/4 * 2 + 3/4 * 4
    weights = Weights({"weight_ih": column(LN3 / 2, 3), "bias_ih": np.array([0.0, -2])}, ONE)
    assert after("mingru", 2, [2], weights) == pytest.approx([3.5], abs=1e-12)


def test_minlstm_by_hand() -> None:
    # i = 1/4, f = 1/2: a third of v = 6 and two thirds of h = 3
    weights = Weights({"weight_ih": column(-LN3, 0, 5), "bias_ih": np.array([0.0, 0, 1])}, ONE)
    assert after("minlstm", 1, [3], weights) == pytest.approx([4], abs=1e-12)


def test_rglru_by_hand() -> None:
    # The branch is 2 * 3 = 6; u = 1 * 1 + 10 * 2 + 100 * 3 + 0.5 * 6 + 4 = 328; r = 1/2, i = 3/4.
    # softplus(Lambda) = ln(4)/8: log a = -8 * 1/2 * ln(4)/8 = -ln 2, so h = 1/2 * 8 + sqrt(3)/2 *
    # 3/4 * 328. gelu(20) = 20: y = 0.1 * 20 * h + 1.
    values = {
        "weight_ih": column(2, 0),
        "bias_ih": np.array([0.0, 20]),
        "weight_conv": column(1, 10, 100, 0.5),
        "bias_conv": np.array([4.0]),
        "weight_gates": column(0, 0),
        "bias_gates": np.array([0, LN3]),
        "decay": np.array([math.log(math.expm1(math.log(4) / 8))]),
        "weight_out": column(0.1),
        "bias_out": np.array([1.0]),
    }
    y, (h, tail) = CELLS["rglru"].step(number(3), (number(8), column(1, 2, 3).T), Weights(values, ONE))
    assert h.item() == pytest.approx(4 + 123 * math.sqrt(3), abs=1e-10)
    assert y.item() == pytest.approx(2 * h.item() + 1, abs=1e-10)
    assert tail.tolist() == [[2, 3, 6]]


@pytest.mark.parametrize(
    ("cell", "module"),
    [
        ("rnn", nn.RNNCell(4, 3)),
        ("rnn-relu", nn.RNNCell(4, 3, nonlinearity="relu")),
        ("gru", nn.GRUCell(4, 3)),
        ("lstm", nn.LSTMCell(4, 3)),
    ],
    ids=["rnn", "rnn-relu", "gru", "lstm"],
)
def test_cells_are_those_of_torch(cell: str, module: nn.Module) -> None:
    module.double()
    x = torch.randn(2, 4, dtype=torch.float64)
    state = tuple(torch.randn(2, 3, dtype=torch.float64) for _ in range(2 if cell == "lstm" else 1))
    weights = Weights(dict(module.named_parameters()), Sizes(inputs=4, hidden=3))
    expected = module(x, state if cell == "lstm" else state[0])
    _, found = CELLS[cell].step(x, state, weights)
    for part, given in zip(found, expected if cell == "lstm" else (expected,), strict=True):
        torch.testing.assert_close(part, given, rtol=0, atol=1e-14)


SIZES = {
    "odd": {"inputs": 3, "hidden": 5, "inner": 7},
    "square": {"inputs": 6, "hidden": 6, "inner": 5, "heads": 2, "direct": True},
}
"""Sizes of layers: no two alike, and where layers add to what they read without a product."""


def sizes_of(cell: Cell, kind: str) -> Sizes:
    return Sizes(window=cell.window or 0, **SIZES[kind])  # type: ignore[arg-type]


def values_of(cell: Cell, sizes: Sizes) -> dict[str, NDArray[np.float64]]:
    """Numbers for everything that a step reads: two rows of input and state, and weights."""
    rng = np.random.default_rng(1)
    rows = {"x": sizes.inputs, **cell.state(sizes)}
    found = {name: rng.normal(size=(2, size)) for name, size in rows.items()}
    found |= {name: rng.normal(size=shape) * 0.6 for name, shape in cell.weights(sizes).items()}
    if "read" in found:
        found["read"] = np.array([[1.0], [sizes.window - 1.0]])
    return found


def stepped(cell: Cell, sizes: Sizes, values: dict[str, Any]) -> list[Any]:
    state = tuple(values[name] for name in cell.state(sizes))
    y, found = cell.step(values["x"], state, Weights({name: values[name] for name in cell.weights(sizes)}, sizes))
    return [y, *found]


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("name", CELLS)
def test_tensors_arrays_and_recorded_symbols_agree(name: str, kind: str) -> None:
    cell = CELLS[name]
    sizes = sizes_of(cell, kind)
    values = values_of(cell, sizes)
    plain = stepped(cell, sizes, values)
    tensors = {key: torch.tensor(value) for key, value in values.items()}
    recorded = record_step(cell, sizes)
    ends = [recorded.output, *recorded.after]
    for found in (stepped(cell, sizes, tensors), evaluate(ends, tensors), evaluate(ends, values)):
        for part, expected in zip(found, plain, strict=True):
            np.testing.assert_allclose(np.asarray(part), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("name", CELLS)
def test_gradients_through_torch_are_differences_of_numpy(name: str, kind: str) -> None:
    """Along one direction through everything that is read, of one combination of everything that
    comes out.
    """
    cell = CELLS[name]
    sizes = sizes_of(cell, kind)
    values = values_of(cell, sizes)
    rng = np.random.default_rng(2)
    moved = {key: rng.normal(size=value.shape) * (key != "read") for key, value in values.items()}
    factors = [rng.normal(size=part.shape) for part in stepped(cell, sizes, values)]

    def total(step: float) -> float:
        shifted = {key: value + step * moved[key] for key, value in values.items()}
        return sum(
            float((part * factor).sum()) for part, factor in zip(stepped(cell, sizes, shifted), factors, strict=True)
        )

    tensors = {key: torch.tensor(value, requires_grad=True) for key, value in values.items()}
    parts = stepped(cell, sizes, tensors)
    sum((part * torch.tensor(factor)).sum() for part, factor in zip(parts, factors, strict=True)).backward()
    slope = sum(
        float((tensor.grad * torch.tensor(moved[key])).sum())
        for key, tensor in tensors.items()
        if tensor.grad is not None
    )
    assert slope == pytest.approx((total(1e-6) - total(-1e-6)) / 2e-6, rel=1e-6)


@pytest.mark.parametrize("kind", SIZES)
@pytest.mark.parametrize("name", FAST)
def test_fast_layers_have_the_cells_weights_and_state_in_its_order(name: str, kind: str) -> None:
    cell = CELLS[name]
    sizes = sizes_of(cell, kind)
    more = {"inner": sizes.inner, "window": sizes.window} if cell.window else {}
    more |= (
        {"direct": sizes.direct} if name == "feed-forward" else {"heads": sizes.heads} if name == "transformer" else {}
    )
    layer = FAST[name](sizes.inputs, sizes.hidden, **more)
    assert [(key, tuple(part.shape)) for key, part in layer.named_parameters()] == list(cell.weights(sizes).items())
    state = dict(zip(layer.state_names, (part.shape[1] for part in layer.initial_state(2)), strict=True))
    assert list(state.items()) == list(cell.state(sizes).items())
