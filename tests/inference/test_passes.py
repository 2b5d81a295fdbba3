"""Each pass is an identity: what a rewritten program computes is what it computed before."""

from collections.abc import Callable

import numpy as np
import pytest

from elman.cells import operators
from elman.cells.registry import CELLS
from elman.cells.symbol import Symbol, in_order
from elman.inference import passes
from elman.inference.interpreter import Interpreter
from elman.inference.network import network_program
from elman.inference.passes import Shared, optimise
from elman.inference.program import Function, id_input
from elman.inference.weights import ProgramWeights, in_8_bits, name_of
from elman.models.network_config import NeuralConfig
from elman.models.softmax_clusters import make_clusters

DRAW = np.random.default_rng(0)
ARRAYS = {
    name: DRAW.normal(size=shape).astype(np.float32)
    for name, shape in {"A": (6, 4), "B": (6, 5), "a": (6,), "b": (6,), "table": (9, 4), "C": (4, 9)}.items()
}
A, B, a, b, TABLE, C = (Symbol.parameter(name, array.shape) for name, array in ARRAYS.items())
X, H = Symbol.input("x", 4), Symbol.input("h", 5)


def run(outputs: dict[str, Symbol]) -> list[np.ndarray]:
    draw = np.random.default_rng(1)
    vectors = {"x": draw.normal(size=(3, 4)).astype(np.float32), "h": draw.normal(size=(3, 5)).astype(np.float32)}
    function = Function(outputs)
    return Interpreter(function, ProgramWeights(ARRAYS)).run({"ids": np.array([0, 8, 3])}, vectors, list(outputs))


def linears(outputs: dict[str, Symbol]) -> list[str]:
    return [name_of(each.inputs[1]) for each in in_order(outputs.values()) if each.operator == "linear"]


def same(before: dict[str, Symbol], after: dict[str, Symbol]) -> None:
    assert before.keys() == after.keys()
    for one, two in zip(run(before), run(after), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-5)


def rewritten(outputs: dict[str, Symbol], rule: Callable[[Symbol], Symbol]) -> dict[str, Symbol]:
    return Shared().rewrite(outputs, rule)


def test_a_product_with_a_one_hot_vector_is_a_lookup() -> None:
    one_hot = Symbol("one_hot", (id_input("ids", 8),), (9,))
    before = {"y": operators.linear(one_hot, C, Symbol.parameter("c", (4,)))}
    after = rewritten(before, passes._lookup)
    assert not linears(after)
    arrays = {**ARRAYS, "c": np.arange(4, dtype=np.float32)}
    (found,) = Interpreter(Function(after), ProgramWeights(arrays)).run({"ids": np.array([0, 8, 3])}, {}, ["y"])
    np.testing.assert_allclose(found, arrays["C"][:, [0, 8, 3]].T + arrays["c"], rtol=1e-6)


def test_a_piece_of_a_product_has_fewer_rows() -> None:
    whole = operators.linear(X, A, a)
    before = {"y": whole.cut(1, 3), "z": whole.cut(2, 6).cut(1, 2)}
    after = rewritten(before, passes._cut)
    assert linears(after) == ["A[1:3]", "A[3:4]"]
    same(before, after)


def test_two_products_added_up_are_one() -> None:
    before = {"y": operators.linear(X, A, a) + operators.linear(H, B, b)}
    after = rewritten(before, lambda symbol: passes._join(symbol, 1.0))
    assert linears(after) == ["(A|B)"]
    same(before, after)


def test_products_of_which_one_waits_for_the_other_are_not_joined() -> None:
    first = operators.linear(X, A, a)
    square = Symbol.parameter("B", (6, 5))
    for second in (operators.linear(operators.tanh(first).cut(0, 5), square), operators.linear(X, A, b)):
        before = {"y": operators.linear(X, A, a) + second}
        assert rewritten(before, lambda symbol: passes._join(symbol, 1.0))["y"].operator == "add"


def test_a_gain_goes_with_looked_up_vectors_only() -> None:
    embedded = Symbol("rows", (TABLE, id_input("ids", 8)), (4,))
    before = {"y": operators.linear(embedded, A, a) + operators.linear(H, B), "z": operators.linear(X, A) + before_h()}
    after = rewritten(before, lambda symbol: passes._join(symbol, 4.0))
    assert linears(after) == ["(A*0.25|B)", "(A|B)"]
    same(before, after)


def before_h() -> Symbol:
    return operators.linear(H, B, b)


def test_neighbouring_rows_are_one_product() -> None:
    before = {
        "y": operators.linear(X, A.cut(0, 2), a.cut(0, 2)), "z": operators.linear(X, A.cut(2, 5), a.cut(2, 5)),
        "far": operators.linear(H, B.cut(0, 1)), "further": operators.linear(H, B.cut(2, 4)),
    }  # fmt: skip
    shared = Shared()
    after = passes._merge(shared, shared.rewrite(before, lambda symbol: symbol))
    assert sorted(set(linears(after))) == ["A[0:5]", "B[0:1]", "B[2:4]"]
    same(before, after)


def test_equal_values_are_one() -> None:
    before = {"y": operators.tanh(X + 1.0), "z": operators.tanh(X + 1.0)}
    after = rewritten(before, lambda symbol: symbol)
    assert after["y"] is after["z"]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("softmax", ["full", "adaptive"])
def test_whole_networks_compute_what_they_did(cell: str, softmax: str) -> None:
    config = NeuralConfig(cell=cell, embedding_size=6, hidden_size=8, softmax=softmax, layers=2)  # type: ignore[arg-type]
    plain = network_program(config, 11, make_clusters(config, 11))
    draw = np.random.default_rng(7)
    names = {
        each.about: each.shape
        for function in plain.functions.values()
        for each in function.symbols()
        if each.operator == "parameter"
    }
    weights = ProgramWeights({name: draw.normal(size=shape).astype(np.float32) / 3 for (name,), shape in names.items()})
    state = {name: draw.normal(size=(4, size)).astype(np.float32) for name, size in plain.states.items()}
    given = (
        {"ids": np.array([0, 11, 3, 5]), "targets": np.array([0, 10, 3, 5])},
        {**state, "top": draw.normal(size=(4, 6)).astype(np.float32)},
    )
    for before, after in zip(plain.functions.values(), optimise(plain, gain=2.0).functions.values(), strict=True):
        assert before.outputs.keys() == after.outputs.keys()
        assert set(after.inputs) == set(before.inputs) and after.ids == before.ids
        found, wanted = (Interpreter(each, weights).run(*given, list(each.outputs)) for each in (after, before))
        for one, two in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("cell", "products"),
    [
        ("rnn", ["(L*2.0|L.hh)"]),
        ("lstm", ["(L*2.0|L.hh)"]),
        ("gru", ["(L*2.0|L.hh)[0:16]", "L[16:24]", "L.hh[16:24]"]),
        ("mingru", ["L"]),
    ],
)
def test_what_a_step_multiplies_with(cell: str, products: list[str]) -> None:
    """An LSTM's two products a step are one; of a GRU's six blocks those of two gates are one."""
    config = NeuralConfig(cell=cell, embedding_size=6, hidden_size=8, tied=False, layers=1)  # type: ignore[arg-type]
    step = optimise(network_program(config, 11, None), gain=0.5)["step"]
    short = [
        name.replace("stack.layers.0.weight_hh", "L.hh").replace("stack.layers.0.weight_ih", "L")
        for name in linears(step.outputs)
    ]
    assert short == products


def test_weights_that_a_step_computes_have_names_of_their_own() -> None:
    """A step may multiply with a matrix that it makes of its weights first."""
    first, second = (operators.tanh(A * scale) for scale in (0.5, 0.25))
    assert name_of(first) == "tanh(A*0.5)" != name_of(second)
    function = Function({"y": operators.linear(X, first, a)})
    (found,) = Interpreter(in_8_bits(function, ["A"]), ProgramWeights(ARRAYS)).run(
        {}, {"x": np.ones((1, 4), np.float32)}, ["y"]
    )
    np.testing.assert_allclose(found[0], np.tanh(0.5 * ARRAYS["A"]).sum(axis=1) + ARRAYS["a"], atol=0.03)
