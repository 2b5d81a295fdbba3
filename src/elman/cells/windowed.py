"""Layers over a window of their last W inputs; their state is that window.

An initial state is zeros. Residual layers (``Cell.adds``) have ``weight_across`` where D is not H.
"""

import numpy as np
from numpy.typing import NDArray

from elman.cells.cell import Cell, Shapes, Sizes, States, Step, Value, Weights
from elman.cells.operators import concat, constant, dot, linear, mix, norm, relu, sigmoid, softmax, split, tanh

BASE = 10_000.0
"""The slowest pair of units rotates by about one over this per step (Su et al. 2021)."""
_FAR = 1e9
"""Subtracted from the scores of keys before the start, so that their weights are exactly zero."""


def feed_forward(x: Value, state: States, w: Weights) -> Step:
    """Bengio's network (Bengio, Ducharme, Vincent and Jauvin 2003): an n-gram with word vectors."""
    (tail,) = state
    seen = concat(tail, x)
    y = linear(tanh(linear(seen, w.weight_ih, w.bias_ih)), w.weight_out)
    if "weight_direct" in w:
        y = y + linear(seen, w.weight_direct)
    return y, (seen[..., x.shape[-1] :],)


def conv(x: Value, state: States, w: Weights) -> Step:
    """The gated convolutional network (Dauphin, Fan, Auli and Grangier 2017), inputs scaled instead
    of weights.
    """
    (tail,) = state
    seen = concat(tail, norm(x, w.gain))
    a, g = split(linear(seen, w.weight_ih, w.bias_ih), 2)
    y = _across(x, w) + linear(a * sigmoid(g), w.weight_out)
    return y, (seen[..., x.shape[-1] :],)


def transformer(x: Value, state: States, w: Weights) -> Step:
    """A Transformer's layer (Vaswani et al. 2017): pre-norm, rotary positions (Su et al. 2021),
    SwiGLU (Shazeer 2020).

    Keys are stored unrotated, in two halves, and rotated by their lag on use; ``read`` counts them.
    """
    first, second, values, read = state
    heads, window = w.sizes.heads, w.sizes.window
    size = first.shape[-1] // (window - 1)
    q1, q2, k1, k2, v = split(linear(norm(x, w.gain), w.weight_ih), [size, size, size, size, 2 * size])
    first, second, values = concat(first, k1), concat(second, k2), concat(values, v)
    turn = np.arange(window - 1, -1, -1)[:, None] * np.tile(speeds_of(size // heads), heads)
    root = (2 * size // heads) ** -0.5
    cos, sin = (constant((root * part).ravel(), x) for part in (np.cos(turn), np.sin(turn)))
    scores = dot(q1, first * cos + second * sin, heads) + dot(q2, second * cos - first * sin, heads)
    lag = constant(np.tile(np.arange(window - 1.0, -1, -1), heads), x)
    unread = relu(lag - 0.5 - read)
    shares = softmax(scores - _FAR * unread, heads)
    z = _across(x, w) + linear(mix(shares, values, heads), w.weight_out)
    gate, up = split(linear(norm(z, w.gain_up), w.weight_up), 2)
    y = z + linear(gate * sigmoid(gate) * up, w.weight_down)
    read = (window - 1) - relu((window - 2) - read)
    return y, (first[..., size:], second[..., size:], values[..., 2 * size :], read)


def speeds_of(pairs: int) -> NDArray[np.float64]:
    """Rotation of each of a head's ``pairs`` per step in radians, ``[pairs]``, falling from 1.

    >>> speeds_of(2).round(4).tolist()
    [1.0, 0.01]
    """
    return BASE ** (-np.arange(pairs) / pairs)


def pairs_of(sizes: Sizes) -> int:
    """Pairs of units per head, rounded up."""
    return -(-sizes.hidden // (2 * sizes.heads))


def _across(x: Value, w: Weights) -> Value:
    """The residual: the input, through a product where the sizes differ."""
    return linear(x, w.weight_across) if "weight_across" in w else x


def _wide(sizes: Sizes) -> Shapes:
    return {} if sizes.inputs == sizes.hidden else {"weight_across": (sizes.hidden, sizes.inputs)}


def _feed_forward(sizes: Sizes) -> Shapes:
    seen = sizes.window * sizes.inputs
    direct = {"weight_direct": (sizes.hidden, seen)} if sizes.direct else {}
    return {
        "weight_ih": (sizes.inner, seen), "bias_ih": (sizes.inner,), "weight_out": (sizes.hidden, sizes.inner), **direct
    }  # fmt: skip


def _conv(sizes: Sizes) -> Shapes:
    seen, inner = sizes.window * sizes.inputs, sizes.inner
    return {
        **_wide(sizes), "gain": (sizes.inputs,), "weight_ih": (2 * inner, seen), "bias_ih": (2 * inner,),
        "weight_out": (sizes.hidden, inner),
    }  # fmt: skip


def _transformer(sizes: Sizes) -> Shapes:
    width, size, inner = 2 * sizes.heads * pairs_of(sizes), sizes.hidden, sizes.inner
    return {
        **_wide(sizes), "gain": (sizes.inputs,), "weight_ih": (3 * width, sizes.inputs), "weight_out": (size, width),
        "gain_up": (size,), "weight_up": (2 * inner, size), "weight_down": (size, inner),
    }  # fmt: skip


def _tail(sizes: Sizes) -> dict[str, int]:
    return {"tail": (sizes.window - 1) * sizes.inputs}


def _keys(sizes: Sizes) -> dict[str, int]:
    half = (sizes.window - 1) * sizes.heads * pairs_of(sizes)
    return {"first": half, "second": half, "values": 2 * half, "read": 1}


CELLS = (
    Cell("feed-forward", feed_forward, weights=_feed_forward, state=_tail, window=4, options=("direct",)),
    Cell("conv", conv, weights=_conv, state=_tail, window=4, adds=True),
    Cell("transformer", transformer, weights=_transformer, state=_keys, window=64, options=("heads",), adds=True),
)
