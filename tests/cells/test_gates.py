"""Gates found in a recording, against autograd and against the equations worked out by hand."""

import numpy as np
import pytest
import torch

from elman.cells.cell import Cell, Sizes, States, Step, Value, Weights
from elman.cells.gates import gate_values, gates_in, meaning
from elman.cells.operators import linear, sigmoid, split, tanh
from elman.cells.recording import record_step
from elman.cells.registry import CELLS
from elman.nn.sequence import make_layer

KEPT = {"lstm": "c", "gru": "h", "mingru": "h", "minlstm": "h", "rglru": "h"}
"""Cells that keep a part of their old state, and which."""
GATES = {"lstm": ["i", "f", "o"], "gru": ["r", "z"], "mingru": ["z"], "minlstm": ["i", "f"], "rglru": ["r", "i"]}


@pytest.mark.parametrize("name", CELLS)
def test_gates_and_what_is_kept_by_name(name: str) -> None:
    cell = CELLS[name]
    found = gates_in(record_step(cell, Sizes(inputs=3, hidden=4, inner=5, window=cell.window or 0)))
    assert list(found.by_name) == GATES.get(name, [])
    assert found.kept == KEPT.get(name, "") and (found.keep is None) == (name not in KEPT)


@pytest.mark.parametrize("name", KEPT)
def test_keep_is_the_derivative_of_the_new_state_by_the_old(name: str) -> None:
    """With nothing else depending on the old state, d new / d old is what the gate keeps."""
    torch.manual_seed(2)
    layer = make_layer(name, 3, 5).double()
    x = torch.randn(4, 3).double()
    state = tuple(torch.randn_like(part).double() for part in layer.initial_state(4))
    which = layer.state_names.index(KEPT[name])
    if name == "gru":
        with torch.no_grad():
            layer.weight_hh.zero_()  # type: ignore[operator]
    old = state[which].requires_grad_()
    after = layer.step(x, state)[1][which]
    (expected,) = torch.autograd.grad(after.sum(), old)
    found = gate_values(layer.cell, layer.sizes, x, state, layer.weights())
    torch.testing.assert_close(found["keep"], expected)
    arrays = {key: value.detach().numpy() for key, value in layer.weights().items()}
    plain = gate_values(layer.cell, layer.sizes, x.numpy(), tuple(part.detach().numpy() for part in state), arrays)
    for key, value in plain.items():
        np.testing.assert_allclose(value, found[key].detach(), rtol=1e-12, atol=1e-15)


def test_the_gates_make_the_lstms_and_the_grus_states() -> None:
    torch.manual_seed(4)
    lstm = make_layer("lstm", 3, 4)
    x, state = torch.randn(2, 3), (torch.randn(2, 4), torch.randn(2, 4))
    gates = gate_values(lstm.cell, lstm.sizes, x, state, lstm.weights())
    _, (h, c) = lstm.step(x, state)
    torch.testing.assert_close(h, gates["o"] * torch.tanh(c))
    candidate = (c - gates["f"] * state[1]) / gates["i"]
    assert (candidate.abs() < 1).all()
    gru = make_layer("gru", 3, 4)
    gates = gate_values(gru.cell, gru.sizes, x, state[:1], gru.weights())
    _, (h,) = gru.step(x, state[:1])
    n_x, n_h = (
        torch.nn.functional.linear(v, w[8:], b[8:])
        for v, w, b in ((x, gru.weight_ih, gru.bias_ih), (state[0], gru.weight_hh, gru.bias_hh))  # type: ignore[index]
    )
    torch.testing.assert_close(h, (1 - gates["z"]) * torch.tanh(n_x + gates["r"] * n_h) + gates["z"] * state[0])


def _cell(step) -> Cell:
    return Cell("own", step, weights=lambda sizes: {"weight_ih": (2 * sizes.hidden, sizes.inputs)})


def kept(step) -> object:
    """What a one-unit cell keeps where its input is ln 3, so that sigmoid(x) = 3/4, and its old
    state 2.
    """
    given = {"weight_ih": np.array([[1.0], [-1.0]])}
    found = gate_values(_cell(step), Sizes(inputs=1, hidden=1), np.array([np.log(3)]), (np.array([2.0]),), given)
    return found["keep"].item() if "keep" in found else None


def test_the_coefficient_is_found_through_sums_products_and_quotients() -> None:
    def gate(x: Value, w: Weights) -> tuple[Value, Value]:
        a, b = split(linear(x, w.weight_ih), 2)
        return sigmoid(a), sigmoid(b)  # 3/4, 1/4

    def leaky(x: Value, state: States, w: Weights) -> Step:
        h = 0.5 * state[0] + linear(x, w.weight_ih)[..., :1]
        return h, (h,)

    def twice(x: Value, state: States, w: Weights) -> Step:
        p, q = gate(x, w)
        h = p * state[0] - q * (state[0] - 1) / 2 + q  # 3/4 - 1/8
        return h, (h,)

    def residual(x: Value, state: States, w: Weights) -> Step:
        h = state[0] + tanh(state[0])
        return h, (h,)

    def curved(x: Value, state: States, w: Weights) -> Step:
        h = tanh(state[0]) * state[0] * state[0] + linear(x, w.weight_ih)[..., :1]
        return h, (h,)

    assert kept(leaky) == 0.5
    assert kept(twice) == pytest.approx(0.625, abs=1e-12)
    assert kept(residual) == 1
    assert kept(curved) is None


def test_what_the_field_calls_a_gate() -> None:
    assert meaning("gru", "r") == "reset gate" and meaning("rglru", "r") == "recurrence gate"
    assert meaning("own", "k") == ""
