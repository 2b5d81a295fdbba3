"""The tape against onnxruntime on the same program, and against hand-made graphs that it must refuse."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from elman.errors import FolderError, ModelError
from elman.export.graph import Graph
from elman.export.products import groups_of
from elman.export.runtime_program import build_program
from elman.models.protocol import State
from elman.models.runtime import RuntimeModel
from elman.models.runtime_file import contents
from elman.models.session import Session
from elman.models.shape import WINDOWS
from elman.models.tape import Tape
from elman.models.tape_things import Untranslatable
from elman.nn.sequence import CELLS

SHAPES: dict[str, dict[str, Any]] = {
    "tied": {},
    "own weights, three layers": {"tied": False, "layers": 3},
    "one-hot": {"tied": False, "input": "one-hot", "skip": False},
    "adaptive": {"softmax": "adaptive"},
    "adaptive, own weights": {"softmax": "adaptive", "tied": False},
}
CASES = [(cell, shape) for cell in CELLS for shape in SHAPES if shape != "one-hot" or cell not in WINDOWS]


def both(model: Any) -> tuple[RuntimeModel, RuntimeModel]:
    arrays = model.to_arrays()
    about: dict[str, Any] = {"model_hash": model.model_hash, "about": model.describe()}
    program = build_program(arrays, model.config, model.tokenizer, int8=frozenset(groups_of(arrays)), **about)
    fast, slow = (RuntimeModel(program, lambda: arrays, model.tokenizer, tape=tape) for tape in (True, False))
    return fast, slow


@pytest.mark.parametrize(("cell", "shape"), CASES)
def test_each_step_is_that_of_onnxruntime(make_network: Any, cell: str, shape: str) -> None:
    """From the same state, so that a number on the edge of being rounded up is not carried on."""
    fast, slow = both(make_network(cell, **SHAPES[shape]))
    assert isinstance(fast._step, Tape) and isinstance(fast._end, Tape)
    assert isinstance(slow._step, Session) and isinstance(slow._end, Session)
    assert fast.model_hash == slow.model_hash
    draw = np.random.default_rng(1)
    state, agreed, steps = slow.start(5), 0, 12
    np.testing.assert_allclose(fast.start(5).parts["top"], state.parts["top"], atol=1e-5)
    for _ in range(steps):
        ids = draw.integers(0, slow.tokenizer.size, 5)
        found, wanted = fast.advance(ids, state), slow.advance(ids, state)
        chosen = [model._probabilities("chosen", state.parts["top"], ids).ravel() for model in (fast, slow)]
        pairs = [(found.parts[name], wanted.parts[name]) for name in wanted.parts]
        pairs += [(fast.log_probs(state), slow.log_probs(state)), (chosen[0], chosen[1])]
        for one, two in pairs:
            assert one.shape == two.shape
            np.testing.assert_allclose(one, two, atol=0.03, rtol=0.02)  # where something was rounded the other way
        agreed += all(np.allclose(one, two, atol=2e-5, rtol=2e-5) for one, two in pairs)
        state = wanted
    assert agreed >= steps - 2


@pytest.mark.parametrize("cell", CELLS)
def test_rows_are_the_same_bits_in_any_company(make_network: Any, cell: str) -> None:
    fast, _ = both(make_network(cell))
    draw = np.random.default_rng(2)
    ids = draw.integers(0, fast.tokenizer.size, (70, 3))  # more rows than run together
    alone = [fast.score(row[None], np.array([3]), fast.start()) for row in ids]
    scores, state = fast.score(ids, np.full(70, 3), fast.start(70))
    assert np.concatenate([each for each, _ in alone]).tobytes() == scores.tobytes()
    assert [state.key(row) for row in range(70)] == [each.key() for _, each in alone]
    assert fast.log_probs(state).tobytes() == b"".join(fast.log_probs(each).tobytes() for _, each in alone)


def test_ids_out_of_bounds_are_an_error_and_no_memory_is_read(make_network: Any) -> None:
    for model in both(make_network("lstm")):
        size = model.tokenizer.size
        model.advance(np.array([size]), model.start())  # `<s>`
        for wrong in (-1, size + 1, 2**40):
            with pytest.raises(ModelError, match="bounds|go from"):
                model.advance(np.array([0, wrong]), model.start(2))


def test_states_outlive_later_steps(make_network: Any) -> None:
    fast, _ = both(make_network("gru"))
    first = fast.advance(np.array([3]), fast.start())
    kept, before = first.to_bytes(), fast.log_probs(first)
    copied = before.copy()
    fast.log_probs(fast.advance(np.array([4]), first))
    assert first.to_bytes() == kept and np.array_equal(before, copied)
    assert State.from_bytes(kept, like=fast.start()).key() == first.key()


Build = Callable[[Graph], str]


def tape_of(build: Build, **whole: tuple[int, int]) -> Tape:
    graph = Graph()
    inputs: dict[str, Any] = {"x": (np.float32, ["B", 6]), **{name: (np.int64, ["B"]) for name in whole}}
    model = graph.to_model(inputs, {"y": (build(graph), np.float32, ["B", 6])})
    return Tape(contents(model.SerializeToString()), whole)


def table(graph: Graph) -> str:
    return graph.value("table", np.arange(12, dtype=np.int8).reshape(4, 3))


def shaped(graph: Graph) -> str:
    return graph.op("Reshape", "x", graph.ints(0, 3, 1, 2))


def turned(graph: Graph, *order: int) -> str:
    return graph.op("Transpose", shaped(graph), perm=list(order))


@pytest.mark.parametrize(
    ("build", "error", "said"),
    [
        (lambda graph: graph.op("Add", "x", graph.value("b", np.ones(5, np.float32))), FolderError, "6 and 5"),
        (lambda graph: graph.op("Cast", graph.op("Gather", table(graph), "ids", axis=0), to=1), FolderError, "row 9"),
        (lambda graph: graph.op("Gather", "x", graph.ints(0, 6), axis=1), FolderError, "places"),
        (lambda graph: graph.op("Gather", "x", graph.ints(-1, 2), axis=1), FolderError, "places"),
        (lambda graph: graph.op("GatherElements", "x", "ids", axis=1), FolderError, "number 9"),
        (lambda graph: graph.op("Add", "x", "nobody"), FolderError, "'nobody', which nothing before it makes"),
        (lambda graph: graph.op("Add", "x"), FolderError, "Add has inputs"),
        (lambda graph: graph.op("Slice", "x", graph.ints(), graph.ints(), graph.ints(1)), FolderError, "Slice has"),
        (lambda graph: graph.cut("x", 2, 7, 1), Untranslatable, "Slice"),
        (lambda graph: graph.split("x", [2, 3])[0], Untranslatable, "Split"),
        (lambda graph: graph.op("Gemm", "x", graph.value("w", np.ones((6, 6), np.float32))), Untranslatable, "Gemm"),
        (lambda graph: graph.op("LogSoftmax", "x", axis=0), Untranslatable, "LogSoftmax"),
        (lambda graph: graph.op("Unsqueeze", "x", graph.ints(0)), Untranslatable, "Unsqueeze"),
        (lambda graph: graph.op("Transpose", "x", perm=[1, 0]), Untranslatable, "Transpose"),
        (lambda graph: graph.op("Reshape", "x", graph.ints(-1)), Untranslatable, "Reshape"),
        (lambda graph: graph.op("Reshape", "x", graph.ints(0, 2, -1)), Untranslatable, "Reshape"),
        (lambda graph: graph.op("Reshape", "x", graph.ints(0, 2, 0, 3)), Untranslatable, "Reshape"),
        (lambda graph: graph.op("Reshape", "x", graph.ints(0, 2, 2, 3)), FolderError, "6 numbers as .2, 2, 3."),
        (lambda graph: graph.op("Reshape", "x", graph.ints(0, 4, -1, 1)), FolderError, "6 numbers as .4, 1, 1."),
        (lambda graph: graph.op("Mul", shaped(graph), shaped(graph)), Untranslatable, "Mul"),
        (lambda graph: graph.op("Add", shaped(graph), "x"), Untranslatable, "Reshape"),
        (lambda graph: graph.op("Softmax", "x", axis=-1), Untranslatable, "x"),
        (lambda graph: graph.op("Softmax", shaped(graph), axis=1), Untranslatable, "Softmax"),
        (lambda graph: graph.op("Transpose", shaped(graph), perm=[0, 3, 2, 1]), Untranslatable, "Transpose"),
        (lambda graph: graph.op("MatMul", shaped(graph), shaped(graph)), Untranslatable, "MatMul"),
        (lambda graph: graph.op("MatMul", shaped(graph), turned(graph, 0, 2, 1, 3)), Untranslatable, "MatMul"),
        (lambda graph: graph.op("MatMul", turned(graph, 0, 2, 1, 3), shaped(graph)), Untranslatable, "Transpose"),
        (
            lambda graph: graph.op("LayerNormalization", "x", graph.value("g", np.ones(5, np.float32))),
            FolderError,
            "6 numbers by 5",
        ),
        (lambda graph: graph.op("LayerNormalization", "x", "x"), Untranslatable, "LayerNormalization"),
        (
            lambda graph: graph.op("LayerNormalization", "x", graph.value("g", np.ones(6, np.float32)), axis=0),
            Untranslatable,
            "LayerNormalization",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(build: Build, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        tape_of(build, ids=(0, 9))


def test_a_product_of_the_wrong_depth_is_refused() -> None:
    def build(graph: Graph) -> str:
        small = graph.op("Cast", "x", to=2)
        matrix = graph.value("matrix", np.ones((5, 6), np.int8))
        middle = graph.value("middle", np.array(128, np.uint8))
        return graph.op("Cast", graph.op("MatMulInteger", small, matrix, middle), to=1)

    with pytest.raises(FolderError, match="6 numbers and a matrix of 5 rows"):
        tape_of(build)


def test_operators_one_by_one_against_numpy() -> None:
    """What the cells do not use in every way: constants on either side, one number for all, where and equal."""
    draw = np.random.default_rng(3)
    x, ids = draw.normal(size=(3, 6)).astype(np.float32), np.array([0, 2, 1])
    six = np.array([3, -1, 0.5, 2, 7, -2], np.float32)

    def ways(graph: Graph) -> str:
        left = graph.op("Sub", graph.value("six", six), "x")  # a constant first
        one = graph.op("ReduceMax", "x", graph.ints(-1), keepdims=1)
        scaled = graph.op("Div", left, one)  # one number of each row
        turned = graph.op("Gather", scaled, graph.ints(5, 4, 3, 2, 1, 0), axis=1)
        here = graph.op(
            "Unsqueeze",
            graph.op("Equal", graph.op("Gather", graph.ints(7, 8, 7), "ids", axis=0), graph.ints(7)),
            graph.ints(-1),
        )
        return graph.op("Where", here, turned, graph.op("Max", "x", graph.number(0.25)))

    (found,) = tape_of(ways, ids=(0, 2)).run({"ids": ids}, {"x": x}, ["y"])
    turned = ((six - x) / x.max(axis=1, keepdims=True))[:, ::-1]
    wanted = np.where(np.array([True, True, False])[:, None], turned, np.maximum(x, np.float32(0.25)))
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_attention_one_by_one_against_numpy() -> None:
    """Two keys of two heads of three numbers, for three rows: scores, shares and their sum of values."""
    draw = np.random.default_rng(5)
    x, keys, values = (draw.normal(size=(3, size)).astype(np.float32) for size in (6, 12, 12))
    graph = Graph()

    def seen(name: str, *order: int) -> str:
        each = graph.op("Reshape", name, graph.ints(0, 2, 2, -1))
        return graph.op("Transpose", each, perm=list(order))

    query = graph.op("Reshape", "x", graph.ints(0, 2, 1, -1))
    scores = graph.op("MatMul", query, seen("keys", 0, 2, 3, 1))
    shares = graph.op("Softmax", graph.op("Add", scores, scores), axis=-1)
    mixed = graph.op("Reshape", graph.op("MatMul", shares, seen("values", 0, 2, 1, 3)), graph.ints(0, -1))
    gain = np.array([1, -2, 3, 0.5, 0, 4], np.float32)
    scaled = graph.op("LayerNormalization", mixed, graph.value("gain", gain))
    inputs: dict[str, Any] = {"x": (np.float32, ["B", 6]), "keys": (np.float32, ["B", 12])}
    inputs |= {"values": (np.float32, ["B", 12]), "ids": (np.int64, ["B"])}
    outputs: dict[str, Any] = {"y": (scaled, np.float32, ["B", 6]), "z": (mixed, np.float32, ["B", 6])}
    model = graph.to_model(inputs, outputs)
    tape = Tape(contents(model.SerializeToString()), {"ids": (0, 2)})
    given = {"x": x, "keys": keys, "values": values}
    found, z = tape.run({"ids": np.zeros(3, np.int64)}, given, ["y", "z"])
    q, k, v = x.reshape(3, 2, 3), keys.reshape(3, 2, 2, 3), values.reshape(3, 2, 2, 3)
    powers = np.exp(2 * np.einsum("bhd,bkhd->bhk", q, k).astype(np.float64))
    wanted = np.einsum("bhk,bkhd->bhd", powers / powers.sum(axis=2, keepdims=True), v).reshape(3, 6)
    np.testing.assert_allclose(z, wanted, rtol=1e-5, atol=1e-6)
    apart = (wanted - wanted.mean(axis=1, keepdims=True)) / np.sqrt(wanted.var(axis=1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(found, apart * gain, rtol=1e-4, atol=1e-5)


def test_a_product_times_a_constant_number_is_not_read_from_the_room() -> None:
    """Where a row's scale stands is a constant: its place among the constants is no place in the room."""
    draw = np.random.default_rng(4)
    matrix, far = draw.integers(-9, 10, (6, 6)).astype(np.int8), np.full(5000, 3, np.float32)

    def build(graph: Graph) -> str:
        before = graph.op(
            "ReduceMax", graph.op("Concat", "x", graph.value("far", far), axis=1), graph.ints(-1), keepdims=1
        )
        small = graph.op("Cast", "x", to=2)
        middle = graph.value("middle", np.array(128, np.uint8))
        made = graph.op("Cast", graph.op("MatMulInteger", small, graph.value("matrix", matrix), middle), to=1)
        scaled = graph.op("Mul", made, graph.number(0.5))
        scaled = graph.op("Mul", scaled, graph.value("columns", np.arange(1, 7, dtype=np.float32)))
        return graph.op("Add", scaled, before)

    x = draw.integers(0, 256, (2, 6)).astype(np.float32)
    (found,) = tape_of(build, ids=(0, 2)).run({"ids": np.zeros(2, np.int64)}, {"x": x}, ["y"])
    wanted = (x - 128) @ matrix.astype(np.float32) * np.float32(0.5) * np.arange(1, 7) + np.maximum(x.max(1), 3)[
        :, None
    ]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_a_program_that_onnxruntime_cannot_run_is_one_line() -> None:
    graph = Graph()
    short = graph.op("Gather", "x", graph.value("at", np.array([9])), axis=1)
    model = graph.to_model({"x": (np.float32, ["B", 6])}, {"y": (short, np.float32, ["B", 1])})
    session = Session(model.SerializeToString(), {}, whole={}, threads=1)
    with pytest.raises(ModelError, match="does not run"):
        session.run({}, {"x": np.zeros((2, 6), np.float32)}, ["y"])
