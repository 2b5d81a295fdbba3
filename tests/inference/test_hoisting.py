"""Hoisting: the two parts together compute what the whole function does."""

import numpy as np

from elman.cells.operators import concat, sigmoid, tanh
from elman.cells.symbol import Symbol
from elman.inference.hoisting import hoisted
from elman.inference.interpreter import Interpreter
from elman.inference.program import Function
from elman.inference.weights import ProgramWeights


def test_what_depends_on_one_vector_alone_is_taken_out() -> None:
    x, h = Symbol.input("x", 3), Symbol.input("h", 3)
    gate = sigmoid(x * 2 + 1)
    whole = Function({"y": gate * h + tanh(x), "plain": x, "other": concat(h, x)})
    outer, inner = hoisted(whole, "x")
    assert {symbol.operator for symbol in inner.symbols() if not symbol.is_constant} == {
        "input", "cut", "mul", "add", "concat",
    }  # fmt: skip
    rng, weights = np.random.default_rng(0), ProgramWeights({})
    given = {name: rng.normal(size=(4, 3)).astype(np.float32) for name in "xh"}
    names = list(whole.outputs)
    expected = Interpreter(whole, weights).run({}, given, names)
    (between,) = Interpreter(Function({"outer": outer}), weights).run({}, {"x": given["x"]}, ["outer"])
    assert between.shape == (4, inner.inputs["hoisted"]) == (4, 9)
    found = Interpreter(inner, weights).run({}, {"h": given["h"], "hoisted": between}, names)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
