"""Cells with gates that see only the input, so the recurrence is ``h = a * h + b``."""

from elman.cells.cell import Cell, Shapes, Sizes, States, Step, Value, Weights
from elman.cells.operators import concat, exp, expm1, gelu, linear, sigmoid, softplus, split, sqrt

CONVOLVED = 4
"""Inputs of RG-LRU's convolution, including the newest."""


def mingru(x: Value, state: States, w: Weights) -> Step:
    """The minimal GRU (Feng et al. 2024), rows ``z v``; where z is 1, the new value replaces the
    old state.
    """
    (h,) = state
    z, v = split(linear(x, w.weight_ih, w.bias_ih), 2)
    z = sigmoid(z)
    h = (1 - z) * h + z * v
    return h, (h,)


def minlstm(x: Value, state: States, w: Weights) -> Step:
    """The minimal LSTM (Feng et al. 2024), rows ``i f v``; the gates are scaled to sum to 1."""
    (h,) = state
    i, f, v = split(linear(x, w.weight_ih, w.bias_ih), 3)
    i, f = sigmoid(i), sigmoid(f)
    s = f + i
    h = f / s * h + i / s * v
    return h, (h,)


def rglru(x: Value, state: States, w: Weights) -> Step:
    """Griffin's real-gated linear recurrent unit in its block (De et al. 2024).

    ``tail`` holds the last inputs of the convolution (``branch``), the oldest first.
    """
    h, tail = state
    branch, p = split(linear(x, w.weight_ih, w.bias_ih), 2)
    u = w.bias_conv
    for k, past in enumerate([*split(tail, CONVOLVED - 1), branch]):
        u = u + w.weight_conv[k] * past
    r, i = split(sigmoid(linear(u, w.weight_gates, w.bias_gates)), 2)
    log_a = -8 * softplus(w.decay) * r
    a = exp(log_a)
    h = a * h + sqrt(-expm1(2 * log_a)) * i * u
    y = linear(gelu(p) * h, w.weight_out, w.bias_out)
    tail = concat(tail[..., branch.shape[-1] :], branch)
    return y, (h, tail)


def _minimal(blocks: int, sizes: Sizes) -> Shapes:
    return {"weight_ih": (blocks * sizes.hidden, sizes.inputs), "bias_ih": (blocks * sizes.hidden,)}


def _rglru(sizes: Sizes) -> Shapes:
    size = sizes.hidden
    return {
        "weight_ih": (2 * size, sizes.inputs), "bias_ih": (2 * size,),
        "weight_conv": (CONVOLVED, size), "bias_conv": (size,),
        "weight_gates": (2 * size, size), "bias_gates": (2 * size,), "decay": (size,),
        "weight_out": (size, size), "bias_out": (size,),
    }  # fmt: skip


def _h_and_tail(sizes: Sizes) -> dict[str, int]:
    return {"h": sizes.hidden, "tail": (CONVOLVED - 1) * sizes.hidden}


CELLS = (
    Cell("mingru", mingru, weights=lambda sizes: _minimal(2, sizes)),
    Cell("minlstm", minlstm, weights=lambda sizes: _minimal(3, sizes)),
    Cell("rglru", rglru, weights=_rglru, state=_h_and_tail),
)
