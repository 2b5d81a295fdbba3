"""The equations that are printed compute what the cells' steps compute."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.explain.outside import SRU, random_cell

from elman.cells import operators
from elman.cells.cell import Cell, Sizes, States, Step, Value, Weights
from elman.cells.operators import constant, linear, sigmoid, tanh
from elman.cells.recording import record_step
from elman.cells.registry import CELLS
from elman.explain.equations import equations
from elman.explain.page import page, topic_named

Arrays = dict[str, Any]

LSTM = """\
i = sigmoid(W_ii x + b_ii + W_hi h + b_hi)
f = sigmoid(W_if x + b_if + W_hf h + b_hf)
g = tanh(W_ig x + b_ig + W_hg h + b_hg)
o = sigmoid(W_io x + b_io + W_ho h + b_ho)
c = f * c + i * g
h = o * tanh(c)"""
GRU = """\
r = sigmoid(W_ir x + b_ir + W_hr h + b_hr)
z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
n = tanh(W_in x + b_in + r * (W_hn h + b_hn))
h = (1 - z) * n + z * h"""

ROWS: dict[str, dict[str, str]] = {
    "rnn": {},
    "rnn-relu": {},
    "gru": {"ih": "ir iz in", "hh": "hr hz hn"},
    "lstm": {"ih": "ii if ig io", "hh": "hi hf hg ho"},
    "mingru": {"ih": "z v"},
    "minlstm": {"ih": "i f v"},
    "rglru": {"ih": "branch p", "gates": "r i"},
    "feed-forward": {},
    "conv": {"ih": "a g"},
    "transformer": {"ih": "q1 q2 k1 k2 v v", "up": "gate up"},
    "sru": {"ih": "u f r k"},
}
"""What the rows of weights are for, from the top: weight_ih and bias_ih of mingru are W_z over W_v
and b_z over b_v."""


class Matrix:
    """``W ** v`` is their product: it binds before ``*``, as the printed ``W v`` does."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __pow__(self, vector: np.ndarray) -> np.ndarray:
        return self.values @ vector


class Pieces(np.ndarray):
    """A vector whose places are pieces of ``unit`` numbers."""

    unit = 0

    def __getitem__(self, place: Any) -> Any:
        plain = self.view(np.ndarray)
        return plain.reshape(-1, self.unit)[place].ravel() if self.unit else plain[place]


def pieces(values: np.ndarray, unit: int) -> Pieces:
    made = values.view(Pieces)
    made.unit = unit
    return made


def concat(*parts: np.ndarray) -> Pieces:
    return pieces(np.concatenate([part.view(np.ndarray) for part in parts]), len(parts[-1]))


def evaluate(cell: Cell, sizes: Sizes, known: Arrays) -> Arrays:
    """Run the printed lines from the first to the last."""
    functions = {name: getattr(operators, name) for name in operators._NUMPY} | {
        "gelu": operators.gelu, "norm": operators.norm, "concat": concat,
        "softmax": operators.softmax, "dot": lambda *a: operators.dot(*a, *[1][len(a) - 2 :]),
        "mix": lambda *a: operators.mix(*a, *[1][len(a) - 2 :]),
    }  # fmt: skip
    known = {**functions, **known}
    for line in equations(record_step(cell, sizes)):
        code = re.sub(r"\b(W_\w+) (?=[\w(])", r"\1 ** ", line.right).replace("'", "_new")
        known[line.name.replace("'", "_new")] = eval(code, {"__builtins__": {}}, known)
    return known


def printed_names(name: str, weights: Arrays) -> Arrays:
    """The weights under the names of the equations."""
    found: Arrays = {}
    for full, values in weights.items():
        kind, _, suffix = full.partition("_")
        letter = {"weight": "W" if suffix != "conv" else "w", "bias": "b"}.get(kind, "")
        rows = ROWS[name].get(suffix, "").split() if letter else []
        parts = np.split(values, len(rows)) if rows else []
        for row in dict.fromkeys(rows):
            part = np.concatenate([each for each, its in zip(parts, rows, strict=True) if its == row])
            found[f"{letter}_{row}"] = part
        if not rows:
            found[f"{letter}_{suffix}" if letter else full] = values
    return {key: Matrix(each) if key.startswith("W") else each for key, each in found.items()}


def drawn(cell: Cell, sizes: Sizes) -> tuple[np.ndarray, dict[str, np.ndarray], Arrays]:
    rng = np.random.default_rng(7)
    state = {part: rng.normal(size=size) for part, size in cell.state(sizes).items()}
    return rng.normal(size=sizes.inputs), state, {n: rng.normal(size=s) for n, s in cell.weights(sizes).items()}


def check(cell: Cell, sizes: Sizes, names: Callable[[Arrays], Arrays], **constants: np.ndarray) -> None:
    x, state, weights = drawn(cell, sizes)
    if "read" in state:
        state["read"] = np.array([2.0])
    output, after = cell.step(x, tuple(state.values()), Weights(weights, sizes))
    recorded = record_step(cell, sizes)
    given = {part: pieces(values, sizes.hidden if len(values) % sizes.hidden == 0 else 1)
             for part, values in state.items()}  # fmt: skip
    found = evaluate(cell, sizes, {"x": x, **given, **names(weights), **constants})
    for part, expected in zip(state, after, strict=True):
        np.testing.assert_allclose(np.asarray(found[part]), expected, rtol=1e-12, atol=1e-14, err_msg=part)
    # The output goes by the name that the step gives it.
    name = recorded.names.get(id(recorded.output), "y")
    np.testing.assert_allclose(np.asarray(found[name]), output, rtol=1e-12, atol=1e-14)


def constants_of(cell: Cell, sizes: Sizes) -> Arrays:
    """cos, sin and lag of a transformer, which have no line, computed by their definition."""
    if cell.name != "transformer":
        return {}
    half = sizes.hidden // 2 // sizes.heads
    lags = np.arange(sizes.window - 1, -1, -1)
    angles = np.array([[lag * 10_000.0 ** (-pair / half) for _ in range(sizes.heads) for pair in range(half)]
                       for lag in lags])  # fmt: skip
    scale = 1 / np.sqrt(2 * half)
    return {
        "cos": (scale * np.cos(angles)).ravel(), "sin": (scale * np.sin(angles)).ravel(),
        "lag": np.tile(lags, sizes.heads).astype(float),
    }  # fmt: skip


@pytest.mark.parametrize("cell", [*CELLS.values(), SRU], ids=lambda cell: cell.name)
@pytest.mark.parametrize("heads", [1, 2])
def test_the_equations_are_the_step(cell: Cell, heads: int) -> None:
    for inputs, direct in ((8, True), (5, False)):
        sizes = Sizes(inputs=inputs, hidden=8, inner=6, window=5 * bool(cell.window), heads=heads, direct=direct)
        check(cell, sizes, lambda weights: printed_names(cell.name, weights), **constants_of(cell, sizes))


@pytest.mark.parametrize(("name", "golden"), [("lstm", LSTM), ("gru", GRU)])
def test_the_equations_of_the_textbook(name: str, golden: str) -> None:
    topic = topic_named(name)
    assert "\n".join(map(str, topic.equations)) == golden
    shown = [re.sub(r"   .*", "", line.strip()) for line in page(topic).splitlines()]
    start = shown.index(golden.splitlines()[0])
    assert shown[start : start + golden.count("\n") + 1] == golden.splitlines()


def test_a_cell_from_outside() -> None:
    sizes = Sizes(inputs=3, hidden=4)
    assert [str(line) for line in equations(record_step(SRU, sizes))] == [
        "u = W_u x + b_u",
        "f = sigmoid(W_f x + b_f + v_f * c)",
        "r = sigmoid(W_r x + b_r + v_r * c)",
        "k = W_k x + b_k",
        "c = f * c + (1 - f) * u",
        "h = r * c + (1 - r) * k",
    ]


def test_the_equations_of_cells_that_nobody_would_write() -> None:
    def names(weights: Arrays) -> Arrays:
        return {
            "W_ih": Matrix(weights["weight_ih"]), "W_hh": Matrix(weights["weight_hh"]),
            "b_ih": weights["bias_ih"], "gain": weights["gain"],
        }  # fmt: skip

    for seed in range(40):
        check(random_cell(seed), Sizes(inputs=8, hidden=8), names)


def test_an_old_value_that_is_asked_for_late() -> None:
    """Both parts of the state need the old value of the other one; a delay line hands its old value
    on.
    """

    def turning(x: Value, state: States, w: Weights) -> Step:
        a, b = state
        a, b = tanh(b + w.gain * x), sigmoid(a)
        return a * b, (a, b)

    def delaying(x: Value, state: States, w: Weights) -> Step:
        a, b = state
        return b * w.gain, (x - a, a)

    def nesting(x: Value, state: States, w: Weights) -> Step:
        a, b = state
        y = a - (x - (b - a)) / (a / (x - w.gain)) - (-a) * (1 / (b * x)) + -b
        return y, (a, b)

    sizes = Sizes(inputs=4, hidden=4)
    for step, printed in (
        (nesting, ["y = a - (x - (b - a)) / (a / (x - gain)) - (-a) * (1 / (b * x)) + -b"]),
        (turning, ["a' = tanh(b + gain * x)", "b = sigmoid(a)", "y = a' * b", "a = a'"]),
        (delaying, ["y = b * gain", "b = a", "a = x - a"]),
    ):
        cell = Cell(
            "pair", step, weights=lambda s: {"gain": (s.hidden,)}, state=lambda s: {"a": s.hidden, "b": s.hidden}
        )
        lines = [str(line) for line in equations(record_step(cell, sizes))]
        assert sorted(lines) == sorted(printed) and [each for each in lines if each in printed[:2]] == printed[:2]
        check(cell, sizes, lambda weights: weights)


def test_values_without_names() -> None:
    """What a step never names but uses twice gets a name, and numbers of its own are constants."""

    def silu(v: Value) -> Value:
        return v * sigmoid(v)

    def nameless(x: Value, state: States, w: Weights) -> Step:
        return silu(linear(x, w.U)) - 0.5 / state[0] * constant(np.arange(4.0), x), (state[0],)

    cell = Cell("nameless", nameless, weights=lambda s: {"U": (s.hidden, s.inputs)})
    sizes = Sizes(inputs=3, hidden=4)
    lines = [str(line) for line in equations(record_step(cell, sizes))]
    assert lines == ["t1 = U x", "y = t1 * sigmoid(t1) - 0.5 / h * t2"]
    x, state, weights = drawn(cell, sizes)
    (y, _) = nameless(x, tuple(state.values()), Weights(weights, sizes))
    known = {"x": x, **state, "t2": np.arange(4.0), "sigmoid": operators.sigmoid, "t1": weights["U"] @ x}
    np.testing.assert_allclose(eval(lines[1].partition(" = ")[2], known), y, rtol=1e-12)
