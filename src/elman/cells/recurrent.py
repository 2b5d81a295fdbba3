"""Cells with hidden-to-hidden weights, as in textbooks.

Weights are stored as in torch.nn: rows by gate, GRU ``r z n``, LSTM ``i f g o``.
"""

from elman.cells.cell import Cell, Shapes, Sizes, States, Step, Value, Weights
from elman.cells.operators import linear, relu, sigmoid, split, tanh


def rnn(x: Value, state: States, w: Weights) -> Step:
    """Elman's network (Elman 1990)."""
    (h,) = state
    h = tanh(linear(x, w.weight_ih, w.bias_ih) + linear(h, w.weight_hh, w.bias_hh))
    return h, (h,)


def rnn_relu(x: Value, state: States, w: Weights) -> Step:
    """Elman's network with max(0, .) in place of tanh."""
    (h,) = state
    h = relu(linear(x, w.weight_ih, w.bias_ih) + linear(h, w.weight_hh, w.bias_hh))
    return h, (h,)


def gru(x: Value, state: States, w: Weights) -> Step:
    """The gated recurrent unit (Cho et al. 2014); where z is 1, the old state stays."""
    (h,) = state
    r_x, z_x, n_x = split(linear(x, w.weight_ih, w.bias_ih), 3)
    r_h, z_h, n_h = split(linear(h, w.weight_hh, w.bias_hh), 3)
    r = sigmoid(r_x + r_h)
    z = sigmoid(z_x + z_h)
    n = tanh(n_x + r * n_h)
    h = (1 - z) * n + z * h
    return h, (h,)


def lstm(x: Value, state: States, w: Weights) -> Step:
    """Long short-term memory with a forget gate (Hochreiter and Schmidhuber 1997; Gers et al.
    2000).
    """
    h, c = state
    i, f, g, o = split(linear(x, w.weight_ih, w.bias_ih) + linear(h, w.weight_hh, w.bias_hh), 4)
    i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
    c = f * c + i * g
    h = o * tanh(c)
    return h, (h, c)


def _weights(gates: int, sizes: Sizes) -> Shapes:
    rows = gates * sizes.hidden
    return {
        "weight_ih": (rows, sizes.inputs), "weight_hh": (rows, sizes.hidden), "bias_ih": (rows,), "bias_hh": (rows,)
    }  # fmt: skip


def _h_and_c(sizes: Sizes) -> dict[str, int]:
    return {"h": sizes.hidden, "c": sizes.hidden}


CELLS = (
    Cell("lstm", lstm, weights=lambda sizes: _weights(4, sizes), state=_h_and_c),
    Cell("gru", gru, weights=lambda sizes: _weights(3, sizes)),
    Cell("rnn", rnn, weights=lambda sizes: _weights(1, sizes)),
    Cell("rnn-relu", rnn_relu, weights=lambda sizes: _weights(1, sizes)),
)
