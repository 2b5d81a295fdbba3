"""Evaluates a recorded graph on torch tensors or NumPy arrays."""

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from elman.cells import operators
from elman.cells.operators import Value
from elman.cells.symbol import Symbol, in_order


def evaluate(wanted: Iterable[Symbol], values: Mapping[str, Value]) -> list[Value]:
    """The values of the ``wanted`` symbols.

    Args:
        values: tensors or arrays, all of one kind, by the names of inputs and parameters.

    >>> import numpy as np
    >>> x = Symbol.input("x", 2)
    >>> evaluate([operators.tanh(x) * 2 + 1], {"x": np.zeros(2)})[0].tolist()
    [1.0, 1.0]
    """
    wanted = list(wanted)
    like = next(iter(values.values()))
    results: dict[int, Value] = {}
    for symbol in in_order(wanted):
        inputs = [results[id(operand)] for operand in symbol.inputs]
        results[id(symbol)] = _value(symbol, inputs, values, like)
    return [results[id(symbol)] for symbol in wanted]


def _value(symbol: Symbol, inputs: list[Value], values: Mapping[str, Value], like: Value) -> Value:
    name, about = symbol.operator, symbol.about
    if name in ("input", "parameter"):
        return values[about[0]]
    if name == "number":
        return about[0]
    if name == "constant":
        return operators.constant(about[0], like)
    if name == "cut":
        piece = slice(*about)
        return inputs[0][piece] if len(symbol.shape) == 2 else inputs[0][..., piece]
    if name == "row":
        return inputs[0][about[0]]
    if name == "transpose":
        return inputs[0].T
    if name == "beside":
        return operators.concat(*inputs)
    return _OPERATORS[name](*inputs, *about)


_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    **{
        name: getattr(operators, name)
        for name in (
            "sigmoid", "tanh", "relu", "exp", "expm1", "sqrt", "erf", "softplus",
            "linear", "concat", "norm", "softmax", "dot", "mix",
        )
    },
}  # fmt: skip
