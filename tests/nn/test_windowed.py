"""The layers that see a window, against their equations written out number by number in plain
Python.
"""

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from elman.errors import UsageError
from elman.nn.conv import GatedConv
from elman.nn.feed_forward import FeedForward
from elman.nn.sequence import make_layer
from elman.nn.stack import Stack
from elman.nn.transformer import TransformerLayer, attended
from elman.nn.windowed import Windowed

Vector = list[float]
Matrix = list[Vector]


def filled(layer: Windowed) -> dict[str, Matrix]:
    """Weights that are no accident of a generator, as plain numbers; they are the layer's from now
    on.
    """
    found: dict[str, Matrix] = {}
    for place, (name, parameter) in enumerate(layer.named_parameters()):
        count = parameter.numel()
        numbers = torch.tensor([((7 * k + 3 * place) % 11 - 5) / 8 for k in range(count)], dtype=torch.float64)
        parameter.data = numbers.view(parameter.shape)
        found[name] = parameter.reshape(parameter.shape[0], -1).tolist()
    return found


def inputs(steps: int, size: int) -> Matrix:
    return [[math.sin(1.3 * t + 0.7 * j) for j in range(size)] for t in range(steps)]


def times(matrix: Matrix, x: Sequence[float]) -> Vector:
    return [sum(weight * number for weight, number in zip(row, x, strict=True)) for row in matrix]


def plus(*vectors: Sequence[float]) -> Vector:
    return [sum(numbers) for numbers in zip(*vectors, strict=True)]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def normed(x: Vector, gain: Matrix) -> Vector:
    mean = sum(x) / len(x)
    variance = sum((number - mean) ** 2 for number in x) / len(x)
    return [(number - mean) / math.sqrt(variance + 1e-5) * g[0] for number, g in zip(x, gain, strict=True)]


def run(layer: Windowed, x: Matrix) -> Matrix:
    y, _ = layer(torch.tensor([x], dtype=torch.float64), layer.initial_state(1))
    return y[0].tolist()


def last(before: Matrix, count: int, size: int) -> Vector:
    """The last ``count`` vectors side by side, with zeros where there were none."""
    shown = [[0.0] * size] * max(count - len(before), 0) + before[-count:]
    return [number for vector in shown for number in vector]


def close(found: Matrix, wanted: Matrix) -> None:
    torch.testing.assert_close(torch.tensor(found), torch.tensor(wanted), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("direct", [True, False])
def test_feed_forward_is_bengios_equation(direct: bool) -> None:
    layer = FeedForward(2, 3, inner=4, window=3, direct=direct)
    w, x = filled(layer), inputs(6, 2)
    wanted = []
    for t in range(6):
        seen = last(x[: t + 1], 3, 2)
        bias = [row[0] for row in w["bias_ih"]]
        hidden = [math.tanh(total) for total in plus(times(w["weight_ih"], seen), bias)]
        y = times(w["weight_out"], hidden)
        wanted.append(plus(y, times(w["weight_direct"], seen)) if direct else y)
    close(run(layer, x), wanted)


@pytest.mark.parametrize("size", [2, 3])
def test_gated_convolution_by_hand(size: int) -> None:
    layer = GatedConv(2, size, inner=3, window=3)
    w, x = filled(layer), inputs(5, 2)
    scaled = [normed(vector, w["gain"]) for vector in x]
    wanted = []
    for t in range(5):
        both = plus(times(w["weight_ih"], last(scaled[: t + 1], 3, 2)), [row[0] for row in w["bias_ih"]])
        opened = [value * sigmoid(gate) for value, gate in zip(both[:3], both[3:], strict=True)]
        below = x[t] if size == 2 else times(w["weight_across"], x[t])
        wanted.append(plus(below, times(w["weight_out"], opened)))
    close(run(layer, x), wanted)


def turned(pair: tuple[float, float], angle: float) -> tuple[float, float]:
    a, b = pair
    return a * math.cos(angle) - b * math.sin(angle), a * math.sin(angle) + b * math.cos(angle)


@pytest.mark.parametrize("window", [2, 3, 9])
def test_transformer_by_hand(window: int) -> None:
    """Two heads of two pairs, whose speeds are 1 and 1/100; positions counted from the beginning of
    the text.
    """
    size, heads, half, inner = 8, 2, 2, 5
    layer = TransformerLayer(size, size, heads=heads, window=window, inner=inner)
    w, x = filled(layer), inputs(7, size)
    asked = [times(w["weight_ih"], normed(vector, w["gain"])) for vector in x]
    width = heads * half
    wanted = []
    for t in range(7):
        found: Vector = []
        for head in range(heads):
            pairs = [head * half + k for k in range(half)]
            scores, values = [], []
            for j in range(max(0, t - window + 1), t + 1):
                score = 0.0
                for k, place in enumerate(pairs):
                    q = turned((asked[t][place], asked[t][width + place]), t * 0.01**k)
                    key = turned((asked[j][2 * width + place], asked[j][3 * width + place]), j * 0.01**k)
                    score += q[0] * key[0] + q[1] * key[1]
                scores.append(math.exp(score / math.sqrt(2 * half)))
                first = 4 * width + head * 2 * half
                values.append(asked[j][first : first + 2 * half])
            total = sum(scores)
            found += plus(*[[s / total * v for v in value] for s, value in zip(scores, values, strict=True)])
        z = plus(x[t], times(w["weight_out"], found))
        both = times(w["weight_up"], normed(z, w["gain_up"]))
        opened = [gate * sigmoid(gate) * up for gate, up in zip(both[:inner], both[inner:], strict=True)]
        wanted.append(plus(z, times(w["weight_down"], opened)))
    close(run(layer, x), wanted)


@pytest.mark.parametrize("cell", ["feed-forward", "conv", "transformer"])
def test_a_layer_sees_its_window_and_nothing_older(cell: str) -> None:
    torch.manual_seed(1)
    layer = make_layer(cell, 6, 6, window=4).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-1, 1)
    x = torch.randn(1, 12, 6, dtype=torch.float64, requires_grad=True)
    y, _ = layer(x, layer.initial_state(1))
    (gradient,) = torch.autograd.grad(y[0, 10].sum(), x)
    assert (gradient[0].abs().sum(dim=1) > 0).tolist() == [7 <= t <= 10 for t in range(12)]


def test_attention_is_torchs() -> None:
    torch.manual_seed(5)
    q, k, v = (torch.randn(2, 3, count, 4, dtype=torch.float64, requires_grad=True) for count in (5, 9, 9))
    barred = torch.where(torch.rand(2, 1, 5, 9) > 0.4, 0.0, -torch.inf).double()
    barred[..., 0] = 0
    fast, torchs = (way(q, k, v, barred) for way in (attended, torch.nn.functional.scaled_dot_product_attention))
    torch.testing.assert_close(fast, torchs)
    weights = torch.randn(fast.shape, dtype=torch.float64)
    gradients = [torch.autograd.grad((found * weights).sum(), (q, k, v)) for found in (fast, torchs)]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_long_texts_are_looked_up_in_blocks() -> None:
    """Far beyond a block, and a step far into the text computes what the whole pass does."""
    torch.manual_seed(2)
    layer = TransformerLayer(8, 8, heads=2, window=5).double()
    x = torch.randn(2, 300, 8, dtype=torch.float64)
    reset = torch.zeros(2, 300, dtype=torch.bool)
    reset[0, 129] = reset[1, 257] = True
    whole, after = layer(x, layer.initial_state(2), reset)
    state, steps = layer.initial_state(2), []
    for t in range(300):
        fresh = layer.initial_state(2)
        state = tuple(torch.where(reset[:, t, None], new, old) for new, old in zip(fresh, state, strict=True))
        y, state = layer.step(x[:, t], state)
        steps.append(y)
    torch.testing.assert_close(whole, torch.stack(steps, dim=1), rtol=1e-10, atol=1e-10)
    for part, other in zip(after, state, strict=True):
        torch.testing.assert_close(part, other, rtol=1e-10, atol=1e-10)


def test_dropout_drops_what_is_added_and_is_the_same_at_all_steps() -> None:
    from elman.nn.dropout import Masks

    torch.manual_seed(3)
    layer = GatedConv(6, 6, drop=0.5)
    x = torch.randn(4, 5, 6)
    added = layer(x, layer.initial_state(4))[0] - x
    dropped: Tensor = layer(x, layer.initial_state(4), masks=Masks(1, 1))[0] - x
    gone = (dropped == 0).all(dim=1)
    assert gone.any() and not gone.all()
    torch.testing.assert_close(dropped, 2 * added.masked_fill(gone.unsqueeze(1), 0), rtol=1e-4, atol=1e-5)


def test_a_stream_of_layers_is_scaled_at_its_end() -> None:
    torch.manual_seed(4)
    stack = Stack(cell="conv", input_size=6, hidden_size=6, layers=2)
    y, _ = stack(torch.randn(2, 3, 6), stack.initial_state(2))
    torch.testing.assert_close(y.mean(dim=-1), torch.zeros(2, 3), rtol=0, atol=1e-6)
    assert (y.var(dim=-1, unbiased=False) - 1).abs().max() < 1e-2


def test_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="window of 1 with 3 inner units; they must be at least 2 and 1"):
        FeedForward(3, 3, window=1)
    with pytest.raises(UsageError, match="heads is 9; it must be at least 1 and at most 8"):
        TransformerLayer(8, 8, heads=9)
