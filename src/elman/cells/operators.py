"""The operators of all cells, for torch tensors, NumPy arrays and symbols.

With tensors, a step is the reference that autograd differentiates; with arrays it is plain
mathematics; with symbols it is recorded (``symbol.py``). Vectors are the last axis, ``[.., size]``;
``+ - * /`` are those of the types. torch is not imported here: a caller with a tensor has imported
it.
"""

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.cells.symbol import Symbol

EPSILON = 1e-5
"""Added to a variance before the square root (as in ONNX and PyTorch)."""

Value = Any
"""A torch tensor, a NumPy array or a symbol; all values of one call are of one kind."""


def linear(x: Value, weight: Value, bias: Value = None) -> Value:
    """``weight x + bias``: ``x[.., D]``, ``weight[M, D]``, ``bias[M]`` to ``[.., M]``.

    >>> linear(np.array([1.0, 2.0]), np.array([[3.0, 4.0]]), np.array([0.5])).tolist()
    [11.5]
    """
    if isinstance(x, Symbol):
        assert weight.shape[1] == x.size, f"{weight.shape} times {x.shape}"
        more = () if bias is None else (Symbol.of(bias),)
        assert all(each.shape == weight.shape[:1] for each in more), f"a bias of {more} for {weight.shape[0]} rows"
        return Symbol("linear", (x, weight, *more), (weight.shape[0],))
    product = x @ weight.T
    return product if bias is None else product + bias


def sigmoid(x: Value) -> Value:
    """``1 / (1 + e^-x)``."""
    return _unary("sigmoid", x)


def tanh(x: Value) -> Value:
    """The hyperbolic tangent."""
    return _unary("tanh", x)


def relu(x: Value) -> Value:
    """``max(0, x)``."""
    return _unary("relu", x)


def exp(x: Value) -> Value:
    """``e^x``."""
    return _unary("exp", x)


def expm1(x: Value) -> Value:
    """``e^x - 1``, exact where x is small."""
    return _unary("expm1", x)


def sqrt(x: Value) -> Value:
    """The square root."""
    return _unary("sqrt", x)


def erf(x: Value) -> Value:
    """The error function."""
    return _unary("erf", x)


def softplus(x: Value) -> Value:
    """``log(1 + e^x)``; of weights only."""
    assert not isinstance(x, Symbol) or x.is_constant, "softplus is for weights only; it is computed once"
    return _unary("softplus", x)


def gelu(x: Value) -> Value:
    """``x Phi(x)``, where Phi is the normal distribution (Hendrycks and Gimpel 2016)."""
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


def split(x: Value, parts: int | Sequence[int]) -> list[Value]:
    """Pieces of a vector: a number of equal pieces, or pieces of these sizes.

    >>> [piece.tolist() for piece in split(np.arange(6), 3)]
    [[0, 1], [2, 3], [4, 5]]
    """
    whole = x.shape[-1]
    sizes = [whole // parts] * parts if isinstance(parts, int) else list(parts)
    assert sum(sizes) == whole, f"{whole} numbers in pieces of {sizes}"
    pieces, start = [], 0
    for size in sizes:
        pieces.append(x[..., start : start + size])
        start += size
    return pieces


def concat(*parts: Value) -> Value:
    """Concatenated vectors; a vector of weights is repeated for each row of a batch."""
    if isinstance(parts[0], Symbol):
        return Symbol("concat", parts, (sum(part.size for part in parts),))
    batch: Any = max((part.shape[:-1] for part in parts), key=len)
    if _is_array(parts[0]):
        return np.concatenate([np.broadcast_to(part, (*batch, part.shape[-1])) for part in parts], axis=-1)
    return _torch().cat([part.expand(*batch, -1) for part in parts], dim=-1)


def norm(x: Value, gain: Value) -> Value:
    """Mean 0 and variance 1, times a gain for each unit (Ba, Kiros and Hinton 2016, without a
    bias).
    """
    if isinstance(x, Symbol):
        assert isinstance(gain, Symbol) and gain.shape == x.shape, f"a gain for {x.size} units is needed, not {gain}"
        assert gain.is_constant, "the gain of a norm is made of weights"
        return Symbol("norm", (x, gain), x.shape)
    centred = x - x.mean(-1, keepdims=True)
    return centred / ((centred * centred).mean(-1, keepdims=True) + EPSILON) ** 0.5 * gain


def softmax(x: Value, groups: int = 1) -> Value:
    """The softmax of each of ``groups`` pieces of a vector."""
    if isinstance(x, Symbol):
        assert groups >= 1 and x.size % groups == 0, f"{x.size} numbers in {groups} groups"
        return Symbol("softmax", (x,), x.shape, (groups,))
    pieces = x.reshape(*x.shape[:-1], groups, -1)
    if not _is_array(x):
        return pieces.softmax(-1).reshape(x.shape)
    exponentials = np.exp(pieces - pieces.max(-1, keepdims=True))
    return (exponentials / exponentials.sum(-1, keepdims=True)).reshape(x.shape)


def dot(query: Value, keys: Value, heads: int) -> Value:
    """Each head's query times all of its keys: ``[.., heads * d]``, ``[.., W * heads * d]`` to
    ``[.., heads * W]``.
    """
    if isinstance(query, Symbol):
        assert query.size % heads == 0 and keys.size % query.size == 0, f"{query.shape}, {keys.shape} in {heads} heads"
        return Symbol("dot", (query, keys), (keys.size // query.size * heads,), (heads,))
    keys_of_heads = keys.reshape(*keys.shape[:-1], -1, heads, query.shape[-1] // heads)
    products = (query.reshape(*query.shape[:-1], 1, heads, -1) * keys_of_heads).sum(-1)
    return products.swapaxes(-1, -2).reshape(*products.shape[:-2], -1)


def mix(probs: Value, values: Value, heads: int) -> Value:
    """Weighted sum of values: ``[.., heads * W]``, ``[.., W * heads * d]`` to
    ``[.., heads * d]``.
    """
    count = probs.shape[-1] // heads
    if isinstance(probs, Symbol):
        assert probs.size % heads == 0 and values.size % probs.size == 0, f"{probs.shape} shares of {values.shape}"
        return Symbol("mix", (probs, values), (values.size // count,), (heads,))
    values_of_heads = values.reshape(*values.shape[:-1], count, heads, -1)
    weights = probs.reshape(*probs.shape[:-1], heads, count).swapaxes(-1, -2)
    mixed = (weights[..., None] * values_of_heads).sum(-3)
    return mixed.reshape(*mixed.shape[:-2], -1)


def constant(array: NDArray[Any], like: Value) -> Value:
    """An array of numbers as a value of the same kind as ``like``."""
    if isinstance(like, Symbol):
        return Symbol.constant(array)
    return array if _is_array(like) else _torch().as_tensor(array, dtype=like.dtype, device=like.device)


_NUMPY: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda x: 0.5 * (1 + np.tanh(0.5 * x)),
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "exp": np.exp,
    "expm1": np.expm1,
    "sqrt": np.sqrt,
    "erf": np.vectorize(math.erf, otypes=[float]),
    "softplus": lambda x: np.logaddexp(0, x),
}


def _unary(name: str, x: Value) -> Value:
    if isinstance(x, Symbol):
        return x.elementwise(name)
    if _is_array(x):
        return _NUMPY[name](x)
    return _torch().nn.functional.softplus(x) if name == "softplus" else getattr(x, name)()


def _is_array(x: Value) -> bool:
    return isinstance(x, (np.ndarray, np.generic, float, int))


def _torch() -> Any:
    return sys.modules["torch"]
