"""The gradient by lag against hand-made networks, finite differences and its bound."""

import numpy as np
import pytest
import torch

from elman.models.network_config import NeuralConfig
from elman.models.neural import Network
from elman.nn.feedback import ReluRnn, Rnn
from elman.nn.stack import Stack
from elman.tasks.language.lag_case import judge_lags, lag_words
from elman.tasks.language.lags import gradient_by_lag, through_time


def relu_chain(w: float) -> Stack:
    """One unit that adds its input to w times itself: h_t = w h_{t-1} + x_t, linear while
    positive."""
    stack = Stack(cell="rnn-relu", input_size=1, hidden_size=1).double()
    layer = stack.layers[0]
    assert isinstance(layer, ReluRnn)
    with torch.no_grad():
        layer.weight_ih.fill_(1)
        layer.weight_hh.fill_(w)
        layer.bias_ih.zero_()
        layer.bias_hh.zero_()
    return stack


@pytest.mark.parametrize("w", [0.5, 0.9, 1.2])
def test_a_linear_unit_gives_powers_of_its_weight(w: float) -> None:
    lags = 40
    x = torch.ones(3, lags, 1, dtype=torch.float64)
    start = (torch.full((3, 1), 2.0, dtype=torch.float64),)
    found = through_time(relu_chain(w), x, start, lambda y: y.sum())
    powers = w ** np.arange(lags + 1)
    np.testing.assert_allclose(found.state, np.tile(powers[:, None], 3), rtol=1e-12)
    assert found.bound is not None and found.weights is not None
    np.testing.assert_allclose(found.bound, found.state, rtol=1e-12)  # with one unit, the bound is the thing itself
    # dL/dw by lag: w^k times the state that the step met; together they are the derivative of the
    # last state by w.
    h = [2.0]
    for _ in range(lags):
        h.append(w * h[-1] + 1)
    by_hand = powers[:lags] * np.array(h[:-1])[::-1]
    np.testing.assert_allclose(found.weights[:, 0], by_hand, rtol=1e-12)
    judged = judge_lags(found.state)
    assert judged.rate == pytest.approx(w)
    assert judged.case == ("exploding" if w > 1 else "vanishing" if w == 0.5 or judged.gone else "healthy")


def test_the_parts_add_up_to_the_gradient_of_the_weights() -> None:
    torch.manual_seed(3)
    stack = Stack(cell="gru", input_size=2, hidden_size=1).double()
    x, start = torch.randn(1, 9, 2).double(), (torch.randn(1, 1).double(),)
    found = through_time(stack, x, start, lambda y: y.sum())
    assert found.weights is not None
    y, state = None, start
    for row in x.unbind(dim=1):
        y, state = stack.step(row, state)
    assert y is not None
    y.sum().backward()
    whole = float(stack.layers[0].weight_hh.grad.norm())  # type: ignore[union-attr]
    assert whole <= found.weights.sum() * (1 + 1e-9)
    only = through_time(stack, x[:, :1], start, lambda y: y.sum())
    stack.zero_grad()
    stack.step(x[:, 0], start)[0].sum().backward()
    assert only.weights is not None
    assert only.weights[0, 0] == pytest.approx(float(stack.layers[0].weight_hh.grad.norm()), rel=1e-12)  # type: ignore[union-attr]


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "gru", "rglru"])
def test_finite_differences(cell: str) -> None:
    torch.manual_seed(5)
    stack = Stack(cell=cell, input_size=3, hidden_size=4, layers=2).double()
    lags = 6
    x = torch.randn(2, lags, 3).double()
    start = tuple(torch.randn_like(part).double() * 0.5 for part in stack.initial_state(2))
    found = through_time(stack, x, start, lambda y: (y * y).sum())

    def loss(row: int, state: tuple[torch.Tensor, ...], first: int) -> float:
        y = None
        for t in range(first, lags):
            y, state = stack.step(x[row : row + 1, t], state)
        assert y is not None
        return float((y * y).sum())

    with torch.no_grad():
        for row in range(2):
            state = tuple(part[row : row + 1] for part in start)
            for t in range(lags):
                squares = 0.0
                for which, part in enumerate(state):
                    for unit in range(part.shape[1]):
                        moved = []
                        for side in (1e-6, -1e-6):
                            changed = [each.clone() for each in state]
                            changed[which][0, unit] += side
                            moved.append(loss(row, tuple(changed), t))
                        squares += ((moved[0] - moved[1]) / 2e-6) ** 2
                assert found.state[lags - t, row] == pytest.approx(squares**0.5, rel=1e-5)
                _, state = stack.step(x[row : row + 1, t], state)


@pytest.mark.parametrize("cell", ["rnn", "rnn-relu"])
@pytest.mark.parametrize("residual", [False, True])
def test_the_bound_bounds(cell: str, residual: bool) -> None:
    torch.manual_seed(1)
    stack = Stack(cell=cell, input_size=8, hidden_size=8, layers=3, residual=residual).double()
    with torch.no_grad():
        for layer in stack.layers:
            assert isinstance(layer, (Rnn, ReluRnn))
            layer.weight_hh.mul_(1.7)
    x = torch.randn(20, 30, 8).double()
    found = through_time(stack, x, tuple(part for part in stack.initial_state(20)), lambda y: (y**3).sum())
    assert found.bound is not None
    assert (found.state <= found.bound * (1 + 1e-12)).all()
    assert (found.state[1] > 0.2 * found.bound[1]).any()  # and is not miles above


def test_a_network_is_left_as_it_is_and_the_text_matters() -> None:
    torch.manual_seed(0)
    network = Network(NeuralConfig(cell="lstm", layers=2, embedding_size=6, hidden_size=8, tied=False), 11)
    before = {name: weight.clone() for name, weight in network.named_parameters()}
    windows = np.random.default_rng(0).integers(0, 11, (5, 31))
    found = gradient_by_lag(network, windows, 20)
    assert found.state.shape == (21, 5) and found.layers.shape == (21, 5, 2)
    np.testing.assert_allclose(np.linalg.norm(found.layers, axis=2), found.state)
    assert all(torch.equal(weight, before[name]) for name, weight in network.named_parameters())
    # The direct derivative by the carried state, from the network in float64 as it is.
    double = network.double()
    state = tuple(part.requires_grad_() for part in double.initial_state(1))
    y, _ = double(torch.from_numpy(windows[:1, 10:30]), state)
    # What stands before the last 20 inputs warms up the state; without it the gradient is another.
    (-double.output.log_probs(y[:, -1])[0, windows[0, 30]]).backward()
    alone = sum(float((part.grad**2).sum()) for part in state if part.grad is not None) ** 0.5
    short = gradient_by_lag(network, windows[:1, 10:], 20)
    assert short.state[20, 0] == pytest.approx(alone, rel=1e-9)
    assert found.state[20, 0] != pytest.approx(alone, rel=1e-3)


def test_the_cases_in_words() -> None:
    lags = np.arange(101)
    shrinking = judge_lags(0.8 ** lags[:, None])
    assert shrinking.case == "vanishing" and shrinking.gone == 21 and shrinking.half == 4
    assert shrinking.half_life == pytest.approx(3.1063, abs=1e-4)
    assert lag_words(shrinking).startswith("vanishing: 21 tokens back")
    lasting = judge_lags(0.98 ** lags[:, None])
    assert lasting.case == "healthy" and lasting.gone is None and "100 tokens back" in lag_words(lasting)
    growing = judge_lags(1.1 ** lags[:, None])
    assert growing.case == "exploding" and growing.peak_lag == 100 and growing.half_life is None
    assert "clips its norm to 0.25" in lag_words(growing, clip=0.25) and "does not clip" in lag_words(growing)
    wild = judge_lags(np.array([[1.0], [2.0], [np.nan], [np.inf]]))
    assert wild.case == "exploding" and "2 tokens back it is no longer a finite number" in lag_words(wild)
    nothing = judge_lags(np.concatenate([np.ones((1, 2)), np.zeros((9, 2))]))
    assert nothing.case == "vanishing" and nothing.gone == 1


@pytest.mark.parametrize("shape", [{"input": "one-hot"}, {"softmax": "adaptive"}, {"softmax": "sampled", "samples": 5}])
def test_every_input_and_output_layer(shape: dict[str, object]) -> None:
    torch.manual_seed(0)
    config = NeuralConfig(cell="gru", layers=1, embedding_size=6, hidden_size=8, tied=False, **shape)  # type: ignore[arg-type]
    network = Network(config, 40)
    found = gradient_by_lag(network, np.random.default_rng(0).integers(0, 40, (3, 16)), 10)
    assert found.state.dtype == np.float64 and (found.state > 0).all() and (found.state[10] < found.state[0]).all()


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("layers", [2, 3])
def test_with_layers_of_one_positive_unit_the_bound_is_the_gradient(residual: bool, layers: int) -> None:
    """Nothing can cancel there, so all ways down through the layers have to be in it."""
    stack = Stack(cell="rnn-relu", input_size=1, hidden_size=1, layers=layers, residual=residual).double()
    with torch.no_grad():
        for layer, (w, u) in zip(stack.layers, ((0.9, 1.0), (0.5, 0.7), (0.8, 0.3)), strict=False):
            for name, value in (("weight_hh", w), ("weight_ih", u), ("bias_ih", 0.0), ("bias_hh", 0.0)):
                layer.get_parameter(name).fill_(value)
    x = torch.rand(2, 12, 1).double() + 0.1
    found = through_time(stack, x, tuple(part for part in stack.initial_state(2)), lambda y: y.sum())
    assert found.bound is not None
    np.testing.assert_allclose(found.bound, found.state, rtol=1e-12)
    if layers == 3:
        return
    # By hand: the top is reached from the bottom, k back, by going up at any of the steps after.
    # With residuals, it also adds itself to the output at the end.
    below = [sum(0.9 ** (k - up) * 0.7 * 0.5**up for up in range(k)) + residual * 0.9**k for k in range(1, 13)]
    np.testing.assert_allclose(found.layers[1:, 0, 0], below, rtol=1e-12)
    np.testing.assert_allclose(found.layers[1:, 0, 1], 0.5 ** np.arange(1, 13), rtol=1e-12)
