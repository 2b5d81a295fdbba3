"""The equations that a page shows are those of the reference cells: they are read off the page and evaluated."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from elman.explain.cells import CELLS
from elman.explain.page import page, topic_named
from elman.nn import cells
from elman.nn.cells import InputWeights, RglruWeights, Weights

D, H = 3, 5
FUNCTIONS: dict[str, Any] = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "gelu": lambda x: 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
}


def evaluate(name: str, values: dict[str, Any]) -> dict[str, Any]:
    """Run the lines of a page that are equations, as numpy understands them; a product is a matrix beside a value."""
    known = {**FUNCTIONS, **values}
    lines = re.findall(r"^  ([a-z] = .+?)(?:   .*)?$", page(topic_named(name)), re.MULTILINE)
    assert lines
    for line in lines:
        left, right = line.split(" = ")
        code = re.sub(r"(W_\w+) (?=[\w(])", r"\1 @ ", right).replace("^", "**")
        known[left] = eval(code, {"__builtins__": {}}, known)
    return known


def tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values)


def drawn(*shape: int, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=shape)


def feedback(name: str, gates: str, cell: Callable[..., Any], state: str) -> None:
    rng = np.random.default_rng(7)
    values: dict[str, Any] = {"x": drawn(D, rng=rng), **{part: drawn(H, rng=rng) for part in state}}
    parts: dict[str, list[np.ndarray]] = {"ih": [], "hh": [], "bi": [], "bh": []}
    for gate in gates or " ":
        names = (
            ("W_ih", "W_hh", "b_ih", "b_hh") if not gates else (f"W_i{gate}", f"W_h{gate}", f"b_i{gate}", f"b_h{gate}")
        )
        shapes = ((H, D), (H, H), (H,), (H,))
        for key, place, shape in zip(names, parts, shapes, strict=True):
            values[key] = drawn(*shape, rng=rng)
            parts[place].append(values[key])
    weights = Weights(*(tensor(np.concatenate(part)) for part in parts.values()))
    expected = cell(tensor(values["x"])[None], tuple(tensor(values[part])[None] for part in state), weights)
    found = evaluate(name, values)
    for part, reference in zip(state, expected, strict=True):
        np.testing.assert_allclose(found[part], reference[0].numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "gates", "cell", "state"),
    [("rnn", "", cells.rnn, "h"), ("gru", "rzn", cells.gru, "h"), ("lstm", "ifgo", cells.lstm, "hc")],
)
def test_cells_with_feedback(name: str, gates: str, cell: Callable[..., Any], state: str) -> None:
    feedback(name, gates, cell, state)


@pytest.mark.parametrize(("name", "rows", "cell"), [("mingru", "zv", cells.mingru), ("minlstm", "ifv", cells.minlstm)])
def test_cells_that_see_only_the_input(name: str, rows: str, cell: Callable[..., Any]) -> None:
    rng = np.random.default_rng(8)
    values: dict[str, Any] = {"x": drawn(D, rng=rng), "h": drawn(H, rng=rng)}
    for row in rows:
        values[f"W_{row}"], values[f"b_{row}"] = drawn(H, D, rng=rng), drawn(H, rng=rng)
    weights = InputWeights(*(tensor(np.concatenate([values[f"{kind}_{row}"] for row in rows])) for kind in "Wb"))
    (expected,) = cell(tensor(values["x"])[None], (tensor(values["h"])[None],), weights)
    np.testing.assert_allclose(evaluate(name, values)["h"], expected[0].numpy(), rtol=1e-12, atol=1e-14)


def test_rglru() -> None:
    rng = np.random.default_rng(9)
    values: dict[str, Any] = {"x": drawn(D, rng=rng), "decay": drawn(H, rng=rng)}
    values |= {name: drawn(H, rng=rng) for name in ("h", "w1", "w2", "w3", "k1", "k2", "k3", "k4", "b_u")}
    for name, columns in (("w", D), ("p", D), ("r", H), ("i", H), ("y", H)):
        values[f"W_{name}"], values[f"b_{name}"] = drawn(H, columns, rng=rng), drawn(H, rng=rng)
    both = {
        kind: [np.concatenate([values[f"{kind}_{a}"], values[f"{kind}_{b}"]]) for a, b in ("wp", "ri")] for kind in "Wb"
    }
    weights = RglruWeights(
        *map(
            tensor,
            (
                both["W"][0], both["b"][0], np.stack([values[f"k{place}"] for place in range(1, 5)]), values["b_u"],
                both["W"][1], both["b"][1], values["decay"], values["W_y"], values["b_y"],
            ),
        )
    )  # fmt: skip
    tail = np.concatenate([values["w3"], values["w2"], values["w1"]])
    y, (h, after) = cells.rglru(tensor(values["x"])[None], (tensor(values["h"])[None], tensor(tail)[None]), weights)
    found = evaluate("rglru", values)
    np.testing.assert_allclose(found["y"], y[0].numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found["h"], h[0].numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found["w"], after[0, -H:].numpy(), rtol=1e-12, atol=1e-14)


def test_every_cell_that_can_be_trained_has_a_page() -> None:
    from elman.nn.sequence import CELLS as NETWORKS

    recurrent = {"rnn", "rnn-relu", "gru", "lstm", "mingru", "minlstm", "rglru"}
    assert recurrent <= set(NETWORKS)
    assert {topic_named(name) for name in recurrent} == set(CELLS)
