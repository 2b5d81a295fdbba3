"""The graphs against the torch network they are made from: probabilities, states, any batch, any length."""

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from elman.export.int8 import quantise
from elman.export.network import NetworkGraph
from elman.export.products import groups_of
from elman.export.runtime_program import build_program
from elman.models.neural import NeuralModel
from elman.models.protocol import State
from elman.models.runtime import RuntimeModel
from elman.models.shape import WINDOWS
from elman.nn.sequence import CELLS

SHAPES: dict[str, dict[str, Any]] = {
    "tied": {},
    "own weights, three layers": {"tied": False, "layers": 3},
    "one-hot": {"tied": False, "input": "one-hot", "skip": False},
    "adaptive": {"softmax": "adaptive"},
    "adaptive, own weights": {"softmax": "adaptive", "tied": False},
    "sampled, one layer": {"softmax": "sampled", "layers": 1},
}

CASES = [(cell, shape) for cell in CELLS for shape in SHAPES if "one-hot" not in shape or cell not in WINDOWS]


def runtime(model: NeuralModel, int8: frozenset[str], *, tape: bool = True) -> RuntimeModel:
    arrays = model.to_arrays()
    about = {"model_hash": model.model_hash, "about": model.describe(), "int8": int8}
    program = build_program(arrays, model.config, model.tokenizer, **about)  # type: ignore[arg-type]
    return RuntimeModel(program, lambda: arrays, model.tokenizer, tape=tape)


def run(graph: Any, **given: Any) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip([each.name for each in session.get_outputs()], session.run(None, given), strict=True))


def texts(model: Any, rows: int, steps: int) -> np.ndarray:
    return np.random.default_rng(rows).integers(0, model.tokenizer.size, (rows, steps))


def assert_near(found: State, wanted: State, *, bound: float) -> None:
    assert set(found.parts) == set(wanted.parts)
    for name, part in wanted.parts.items():
        np.testing.assert_allclose(found.parts[name], part, rtol=bound, atol=bound)


@pytest.mark.parametrize(("cell", "shape"), CASES)
def test_float32_says_what_torch_says(make_network: Any, cell: str, shape: str) -> None:
    model = make_network(cell, **SHAPES[shape])
    other = runtime(model, frozenset())
    assert other.precision == "fp32"
    ids = texts(model, 3, 9)
    mine, its = other.start(3), model.start(3)
    for column in ids.T:
        assert_near(mine, its, bound=1e-4)
        np.testing.assert_allclose(other.log_probs(mine), model.log_probs(its), atol=1e-4)
        mine, its = other.advance(column, mine), model.advance(column, its)


@pytest.mark.parametrize(("cell", "shape"), CASES)
def test_8_bits_are_the_network_with_rounded_weights(make_network: Any, cell: str, shape: str) -> None:
    """The slow twin: torch with each matrix as it is stored; it does not round what comes in."""
    model = make_network(cell, **SHAPES[shape])
    groups = frozenset(groups_of(model.to_arrays()))
    other = runtime(model, groups)
    assert other.precision == "int8" and not other.weights
    rounded = make_network(cell, **SHAPES[shape])
    with torch.no_grad():
        for name, weight in rounded.network.named_parameters():
            if weight.dim() == 2 and "conv" not in name:
                by_column = name == "stack.layers.0.weight_ih" and model.config.input == "one-hot"
                matrix = weight.numpy().T if by_column else weight.numpy()
                values = quantise(matrix).values()
                weight.copy_(torch.from_numpy(values.T if by_column else values))
    bound = 0.1 if cell in WINDOWS else 0.05  # their norms and attention make more of what is rounded
    ids = texts(model, 3, 7)
    mine, its = other.start(3), rounded.start(3)
    for column in ids.T:
        wanted = rounded.log_probs(its)
        assert np.abs(other.log_probs(mine) - wanted).max() < bound * wanted.std() + 0.02
        mine, its = other.advance(column, mine), rounded.advance(column, its)


@pytest.mark.parametrize("int8", [True, False])
@pytest.mark.parametrize(
    ("cell", "shape"), [case for case in CASES if case[1] in ("tied", "one-hot", "adaptive, own weights")]
)
def test_the_graphs_for_other_tools(make_network: Any, cell: str, shape: str, int8: bool) -> None:
    model = make_network(cell, **SHAPES[shape])
    groups = frozenset(groups_of(model.to_arrays())) if int8 else frozenset()
    other, bound = runtime(model, groups, tape=False), 0.0 if int8 else 1e-4
    graphs = NetworkGraph(model.to_arrays(), model.config, model.tokenizer.size, int8=groups)
    ids, lengths = texts(model, 5, 70), np.array([70, 0, 1, 33, 64])
    begun = other.score(ids[:, :3], np.full(5, 3), other.start(5))[1]
    wanted, after = other.score(ids, lengths, begun)
    # Whatever stands at padding, and in more rows than one chunk of the probabilities has.
    padded = np.where(np.arange(70) < lengths[:, None], ids, 10**12)
    found = run(graphs.score(), ids=padded, lengths=lengths, **begun.parts)
    np.testing.assert_allclose(found["scores"], wanted, rtol=0, atol=bound)
    for name, part in after.parts.items():
        np.testing.assert_allclose(found[f"next.{name}"], part, rtol=bound, atol=bound)
    stack = {name: part for name, part in begun.parts.items() if name != "top"}
    found = run(graphs.step(), ids=ids[:, 0], **stack)
    after = other.advance(ids[:, 0], begun)
    np.testing.assert_allclose(found["log_probs"], other.log_probs(after), rtol=0, atol=bound)
    for name, part in after.parts.items():
        np.testing.assert_allclose(found[f"next.{name}"], part, rtol=bound, atol=bound)


@pytest.mark.parametrize("cell", CELLS)
def test_a_wild_neighbour_changes_nothing(make_network: Any, cell: str) -> None:
    other = runtime(model := make_network(cell), frozenset(groups_of(model.to_arrays())))
    ids = texts(other, 1, 5)
    calm = other.score(ids, np.array([5]), other.start())[1]
    wild = State(other.model_hash, {name: np.full_like(part, 300) for name, part in calm.parts.items()})
    both = State.stack([calm, wild, calm])
    alone, among = other.advance(np.array([2]), calm), other.advance(np.array([2, 3, 2]), both)
    assert [among.key(0), among.key(2)] == [alone.key()] * 2
    assert other.log_probs(both)[0].tobytes() == other.log_probs(calm)[0].tobytes()
