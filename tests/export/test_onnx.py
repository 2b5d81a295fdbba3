"""ONNX files run by onnxruntime, against elman's engine, torch and NumPy."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from tests.networks import SHAPES as ENDS
from tests.networks import cases

from elman.cells.cell import Sizes, States, Step, Value, Weights
from elman.cells.operators import concat, exp, expm1, linear, sigmoid, split
from elman.cells.registry import CELLS, register_cell
from elman.cells.symbol import Symbol, in_order
from elman.errors import FolderError, ModelError
from elman.export.onnx import INT8_NOTE, network_of, score_model, step_model, write_onnx
from elman.export.onnx_graph import Constants, Emitter, Graph
from elman.inference import weights as stored
from elman.inference.model import InferenceModel
from elman.inference.network import network_program
from elman.inference.passes import optimise
from elman.inference.program import Function, Program
from elman.inference.target import features
from elman.models.network_config import NeuralConfig
from elman.models.protocol import LanguageModel
from elman.progress import Progress
from elman.text.tokenizer import Tokenizer

SHAPES = ENDS | {"sampled, one layer": {"softmax": "sampled", "layers": 1}}
BUILT_IN = tuple(CELLS)
CASES = [*cases(BUILT_IN), *((cell, "sampled, one layer") for cell in BUILT_IN)]
LENGTHS = np.array([70, 0, 1, 33, 64])
"""In all more tokens than score.onnx computes probabilities for at a time."""
needs_vnni = pytest.mark.skipif(
    "avx512vnni" not in features(), reason="without VNNI instructions onnxruntime may saturate 8-bit products"
)

pytestmark = pytest.mark.slow


def run(model: onnx.ModelProto, **given: Any) -> dict[str, np.ndarray]:
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip([each.name for each in session.get_outputs()], session.run(None, given), strict=True))


def tokens(model: LanguageModel, rows: int, steps: int) -> np.ndarray:
    return np.random.default_rng(rows).integers(0, model.tokenizer.size, (rows, steps))


def padded(ids: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Ids that no table holds at padding."""
    wild = np.where(np.arange(ids.shape[1]) % 2, 10**12, -(10**12))
    return np.where(np.arange(ids.shape[1]) < lengths[:, None], ids, wild)


def layers_of(parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: part for name, part in parts.items() if name != "top"}


def assert_states(found: dict[str, np.ndarray], parts: dict[str, np.ndarray], bound: float) -> None:
    assert {name for name in found if name.startswith("next.")} == {f"next.{name}" for name in parts}
    for name, part in parts.items():
        np.testing.assert_allclose(found[f"next.{name}"], part, rtol=bound, atol=bound, err_msg=name)


def assert_step(network: InferenceModel, reference: LanguageModel, rows: int, bound: float) -> None:
    ids = tokens(reference, rows, 6)
    before = reference.score(ids[:, :5], np.full(rows, 5), reference.start(rows))[1]
    after = reference.advance(ids[:, 5], before)
    found = run(step_model(network.program, network.weights), ids=ids[:, 5], **layers_of(before.parts))
    np.testing.assert_allclose(found["log_probs"], reference.log_probs(after), rtol=0, atol=bound)
    assert_states(found, after.parts, bound)


def assert_scores(network: InferenceModel, reference: LanguageModel, lengths: np.ndarray, bound: float) -> None:
    ids = tokens(reference, len(lengths), int(lengths.max(initial=1)))
    before = reference.score(tokens(reference, len(ids), 3), np.full(len(ids), 3), reference.start(len(ids)))[1]
    scores, after = reference.score(ids, lengths, before)
    model = score_model(network.program, network.weights)
    found = run(model, ids=padded(ids, lengths), lengths=lengths, **before.parts)
    np.testing.assert_allclose(found["scores"], scores, rtol=0, atol=bound)
    assert_states(found, after.parts, bound)
    assert not found["scores"][np.arange(ids.shape[1]) >= lengths[:, None]].any()
    for name, part in before.parts.items():
        np.testing.assert_array_equal(found[f"next.{name}"][lengths == 0], part[lengths == 0])


@pytest.mark.parametrize(("cell", "shape"), CASES)
def test_float32_agrees_with_torch_and_with_the_engine(make_network: Any, cell: str, shape: str) -> None:
    model = make_network(cell, **SHAPES[shape])
    network = network_of(model, "fp32")
    assert network.precision == "fp32"
    for reference in (model, network):
        assert_step(network, reference, 3, 1e-4)
        assert_scores(network, reference, LENGTHS, 1e-4)


@pytest.mark.parametrize("cell", BUILT_IN)
def test_any_number_of_rows_and_tokens(make_network: Any, cell: str) -> None:
    model = make_network(cell)
    network = network_of(model, "fp32")
    for rows in (1, 2, 67):
        assert_step(network, model, rows, 1e-4)
    for lengths in ([1], [2, 1], [0, 0], [3] * 67, [129]):
        assert_scores(network, model, np.array(lengths), 1e-4)


@pytest.mark.parametrize("cell", BUILT_IN)
def test_a_text_begins_with_zeros_and_id_v(make_network: Any, cell: str) -> None:
    model = make_network(cell, softmax="adaptive")
    network = network_of(model, "fp32")
    zeros = {name: np.zeros((2, size), np.float32) for name, size in network.program.states.items()}
    found = run(step_model(network.program, network.weights), ids=np.full(2, model.tokenizer.size), **zeros)
    np.testing.assert_allclose(found["log_probs"], model.log_probs(model.start(2)), atol=1e-5)
    assert_states(found, model.start(2).parts, 1e-5)


@pytest.mark.parametrize("cell", BUILT_IN)
def test_a_row_of_nan_spoils_no_other(make_network: Any, cell: str) -> None:
    model = make_network(cell)
    network = network_of(model, "fp32")
    ids, lengths = tokens(model, 3, 5), np.array([5, 5, 2])
    before = model.start(3).parts
    spoilt = {name: np.where([[False], [True], [False]], np.nan, part) for name, part in before.items()}
    made = score_model(network.program, network.weights)
    good, found = (run(made, ids=ids, lengths=lengths, **parts) for parts in (before, spoilt))
    assert np.isnan(found["scores"][1]).any()
    for name, value in good.items():
        np.testing.assert_allclose(found[name][[0, 2]], value[[0, 2]], rtol=1e-6, atol=1e-6)


@needs_vnni
@pytest.mark.parametrize(("cell", "shape"), CASES)
def test_8_bits_agree_with_the_engine(make_network: Any, cell: str, shape: str) -> None:
    network = network_of(make_network(cell, **SHAPES[shape]), "int8")
    assert network.precision == "int8"
    assert_step(network, network, 5, 1e-4)
    # Over many steps a number can come to lie on the other side of a rounding boundary.
    assert_scores(network, network, LENGTHS, 0.01)


@needs_vnni
@pytest.mark.parametrize("shape", SHAPES)
def test_products_of_8_bits_are_exact(make_network: Any, shape: str) -> None:
    # Between its products this network only adds and takes maxima, which are rounded alike
    # everywhere.
    network = network_of(make_network("rnn-relu", **SHAPES[shape]), "int8")
    ids = tokens(network, 5, 70)
    before = network.start(5)
    after = network.score(ids, LENGTHS, before)[1]
    found = run(score_model(network.program, network.weights), ids=ids, lengths=LENGTHS, **before.parts)
    for name, part in after.parts.items():
        np.testing.assert_array_equal(found[f"next.{name}"], part)


def test_groups_left_in_float32_stay_so(make_network: Any) -> None:
    model = make_network("gru")
    arrays, config = model.to_arrays(), network_of(model, "fp32").config
    mixed = InferenceModel(
        arrays, model.tokenizer, config.__class__.from_json({**config.to_json(), "int8": ["stack.layers.1"]})
    )
    assert network_of(mixed, "int8") is mixed
    kinds = [node.op_type for node in step_model(mixed.program, mixed.weights).graph.node]
    assert "MatMulInteger" in kinds and "Gemm" in kinds
    if "avx512vnni" in features():
        assert_step(mixed, mixed, 3, 1e-4)


def sru(x: Value, state: States, w: Weights) -> Step:
    """The simple recurrent unit (Lei et al. 2018) without its highway connection."""
    (c,) = state
    v, f, r = split(linear(x, w.weight_ih, w.bias_ih), 3)
    f, r = sigmoid(f + w.weight_f * c), sigmoid(r + w.weight_r * c)
    c = f * c + (1 - f) * v
    return r * c, (c,)


def sru_weights(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    size = sizes.hidden
    return {"weight_ih": (3 * size, sizes.inputs), "bias_ih": (3 * size,), "weight_f": (size,), "weight_r": (size,)}


@pytest.fixture
def outside_cell() -> Iterator[str]:
    register_cell("sru", sru, weights=sru_weights, state=lambda sizes: {"c": sizes.hidden})
    yield "sru"
    del CELLS["sru"]


def test_a_cell_from_outside(outside_cell: str) -> None:
    config = NeuralConfig(cell="rnn", layers=1, embedding_size=5, tied=False, hidden_size=7)
    object.__setattr__(config, "cell", outside_cell)
    vocab, rng = 11, np.random.default_rng(0)
    program = optimise(network_program(config, vocab, None))
    symbols = in_order(end for function in program.functions.values() for end in function.outputs.values())
    shapes = {each.about[0]: each.shape for each in symbols if each.operator == "parameter"}
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    ids, lengths = rng.integers(0, vocab, (2, 6)), np.array([6, 4])
    layer = Weights(
        {name.rpartition(".")[2]: array for name, array in arrays.items() if name.startswith("stack")},
        Sizes(inputs=5, hidden=7),
    )
    c, top = np.zeros((2, 7)), np.zeros((2, 7))
    scores = np.zeros((2, 6))
    for time in range(6):
        real = time < lengths
        scores_of_all = top @ arrays["output.weight"].T + arrays["output.bias"]
        log_probs = scores_of_all - np.log(np.exp(scores_of_all).sum(axis=1, keepdims=True))
        scores[real, time] = log_probs[real, ids[real, time]]
        y, (after,) = sru(arrays["embedding.weight"][ids[:, time]], (c,), layer)
        c, top = np.where(real[:, None], after, c), np.where(real[:, None], y, top)
    zeros = {"top": np.zeros((2, 7), np.float32), "stack.0": np.zeros((2, 7), np.float32)}
    found = run(score_model(program, stored.ProgramWeights(arrays)), ids=padded(ids, lengths), lengths=lengths, **zeros)
    np.testing.assert_allclose(found["scores"], scores, atol=1e-5)
    assert_states(found, {"top": top, "stack.0": c}, 1e-5)


def test_operators_that_are_easily_inexact() -> None:
    size = 12
    x = Symbol.input("x", size)
    constant = Symbol.constant(np.array([2.0, -3.0]))
    outputs = {"expm1": expm1(x), "exp": exp(x), "constant": constant * 2, "joined": concat(constant, x[..., 3:5])}
    function = Function(outputs)
    graph = Graph()
    constants = Constants(graph, stored.ProgramWeights({}), Program({"step": function}, {}))
    made = Emitter(graph, constants, {"x": "x"}).emit(function, outputs)
    for name, value in made.items():
        graph.rename(name, value)
    types: Any = {name: (np.float32, ["B", symbol.size]) for name, symbol in outputs.items()}
    values = np.array([[-80, -20, -1, -1e-3, -1e-6, -1e-9, 0, 1e-9, 1e-6, 1e-3, 1, 80]], np.float32).repeat(3, axis=0)
    found = run(graph.to_model({"x": (np.float32, ["B", size])}, types), x=values)
    np.testing.assert_allclose(found["expm1"], np.expm1(values.astype(float)), rtol=1e-5)
    np.testing.assert_allclose(found["exp"], np.exp(values.astype(float)), rtol=1e-5)
    np.testing.assert_array_equal(found["constant"], [[4, -6]] * 3)
    np.testing.assert_array_equal(found["joined"], np.hstack([[[2, -3]] * 3, values[:, 3:5]]))


class Said(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


def test_the_folder_for_other_tools(make_network: Any, tmp_path: Path) -> None:
    model, said = make_network("lstm", tied=False), Said()
    about = write_onnx(tmp_path / "fp32", model, precision="fp32", progress=said)
    vocab = model.tokenizer.size
    states = {"stack.0": 37, "stack.1": 37, "stack.2": 37, "stack.3": 37}
    before = {name: ["B", size] for name, size in states.items()}
    after = {"next.top": ["B", 37], **{f"next.{name}": ["B", size] for name, size in states.items()}}
    files = {
        "step.onnx": {"inputs": {"ids": ["B"], **before}, "outputs": {"log_probs": ["B", vocab], **after}},
        "score.onnx": {
            "inputs": {"ids": ["B", "T"], "lengths": ["B"], "top": ["B", 37], **before},
            "outputs": {"scores": ["B", "T"], **after},
        },
    }
    wanted = {
        "model": model.describe(), "hash": model.model_hash, "bos_id": vocab, "precision": "fp32", "files": files
    }  # fmt: skip
    assert about == wanted == json.loads((tmp_path / "fp32" / "onnx.json").read_bytes())
    assert len(said.lines) == 2 and all("fp32, " in line for line in said.lines)
    written = {file.name: file.read_bytes() for file in (tmp_path / "fp32").iterdir()}
    assert Tokenizer.from_files(written).hash == model.tokenizer.hash
    assert written.keys() == {*files, "onnx.json", *model.tokenizer.to_files()}
    session = onnxruntime.InferenceSession(written["step.onnx"], providers=["CPUExecutionProvider"])
    zeros = {name: np.zeros((1, size), np.float32) for name, size in states.items()}
    (found,) = session.run(["log_probs"], {"ids": np.array([vocab]), **zeros})
    np.testing.assert_allclose(found, model.log_probs(model.start()), atol=1e-5)
    # The same from the engine's model, whatever its own precision.
    write_onnx(tmp_path / "again", network_of(model, "int8"), precision="fp32", progress=Progress())
    assert written == {file.name: file.read_bytes() for file in (tmp_path / "again").iterdir()}
    with pytest.raises(FolderError, match="not empty"):
        write_onnx(tmp_path / "fp32", model, precision="fp32", progress=Progress())


def test_8_bits_are_smaller_and_warned_of(make_network: Any, tmp_path: Path) -> None:
    model, said = make_network("gru", hidden_size=101), Said()
    about = write_onnx(tmp_path / "int8", model, precision="int8", progress=said)
    write_onnx(tmp_path / "fp32", model, precision="fp32", progress=Progress())
    assert about["precision"] == "int8" and about["note"] == INT8_NOTE and "VNNI" in INT8_NOTE
    assert said.lines[-1] == f"note: {INT8_NOTE}"
    for name in about["files"]:
        small, large = ((tmp_path / precision / name).stat().st_size for precision in ("int8", "fp32"))
        assert small < 0.4 * large
    again = network_of(model, "int8")
    written = InferenceModel.from_arrays(again.to_arrays(), again.tokenizer, again.config)
    write_onnx(tmp_path / "again", written, precision="int8", progress=Progress())
    for file in (tmp_path / "int8").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()
    with pytest.raises(ModelError, match="holds 8-bit ones"):
        network_of(written, "fp32")


@pytest.mark.parametrize("softmax", ["full", "adaptive"])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_no_matrix_is_stored_twice(make_network: Any, cell: str, softmax: str) -> None:
    network = network_of(make_network(cell, softmax=softmax), "fp32")
    own = sum(array.size for array in network.weights.arrays.values() if array.ndim == 2)
    for made in (step_model(network.program, network.weights), score_model(network.program, network.weights)):
        assert sum(np.prod(each.dims) for each in made.graph.initializer if len(each.dims) == 2) == own


def test_only_networks(make_network: Any) -> None:
    class Counted:
        kind = "ngram"

    with pytest.raises(ModelError, match=r"this model \(ngram\) is not a network"):
        network_of(Counted(), "fp32")  # type: ignore[arg-type]
