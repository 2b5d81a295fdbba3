"""The page's program.js against the engine, to the last bit: in Node.js, or in Chromium where there
is none.
"""

import json
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from elman.cells.registry import CELLS
from elman.cells.symbol import in_order
from elman.export.html import program_of
from elman.export.one_file import joined
from elman.inference import functions as f
from elman.inference.compiler import OPERATORS
from elman.inference.model import InferenceModel, inference_model
from elman.inference.network import network_program
from elman.inference.weights import groups_of, quantise
from elman.models.network_config import NeuralConfig
from elman.models.softmax_clusters import cluster_arrays
from elman.nn.clusters import Clusters
from elman.text.tokenizer import Tokenizer, TokenizerConfig

pytestmark = pytest.mark.slow

Evaluate = Callable[[str, Any], Any]
ENGINE = joined(("bytes.js", "functions.js", "program.js"))
STEPS = """
const {operators, codes, floats, step, output} = data.program;
const matrices = [new Int8Array(bytes(codes).buffer), new Float32Array(bytes(floats).buffer)];
const [steps, ends] = [step, output].map((each) => new Program(each, operators, ...matrices));
const bits = (vector) => Array.from(new Int32Array(vector.buffer));
let state = Object.fromEntries(Object.entries(data.state).map(([name, part]) => [name, Float32Array.from(part)]));
return data.ids.map((id, place) => {
  const after = Object.entries(steps.run({ids: id}, state)).map(([name, part]) => [name.slice("next.".length), part]);
  state = Object.fromEntries(after);
  const found = ends.run({targets: data.ids[place]}, {top: state.top});
  return Object.fromEntries([...after, ...Object.entries(found)].map(([name, part]) => [name, bits(part)]));
});
"""
WORDS = [f"w{number}" for number in range(41)]


@pytest.fixture(scope="module")
def javascript(request: pytest.FixtureRequest) -> Evaluate:
    """``javascript(body, data)``: what a function of ``data`` returns that stands behind the
    engine's own scripts.
    """
    node = shutil.which("node")
    if node:

        def in_node(body: str, data: Any) -> Any:
            script = f"{ENGINE}\nconst run = (data) => {{ {body} }};"
            script += f"\nprocess.stdout.write(JSON.stringify(run({json.dumps(data)})));"
            command = [node, "--input-type=module"]
            return json.loads(subprocess.run(command, input=script, check=True, capture_output=True, text=True).stdout)

        return in_node
    page = request.getfixturevalue("browser").new_page()
    return lambda body, data: page.evaluate(f"(data) => {{ {ENGINE}\nreturn ((data) => {{ {body} }})(data); }}", data)


@cache
def words() -> Tokenizer:
    return Tokenizer.fit([" ".join(WORDS)], config=TokenizerConfig(min_count=1))


def model_of(cell: str, *, int8: bool | tuple[str, ...] = True, **shape: Any) -> InferenceModel:
    """A network of random weights and odd sizes."""
    sizes: dict[str, Any] = {"embedding_size": 22, "hidden_size": 37}
    sizes |= {"window": 5} if CELLS[cell].window else {}
    sizes |= {"heads": 1} if cell == "transformer" else {}
    config = NeuralConfig(cell=cell, **sizes | shape)  # type: ignore[arg-type]
    vocab, draw = words().size, np.random.default_rng(len(cell))
    adaptive = config.softmax == "adaptive"
    clusters = Clusters(draw.permutation(vocab).astype(np.int32), (11, 26, vocab)) if adaptive else None
    arrays = {}
    for function in network_program(config, vocab, clusters).functions.values():
        for symbol in in_order(function.outputs.values()):
            if symbol.operator == "parameter":
                scale = 1.5 / symbol.shape[1] ** 0.5 if len(symbol.shape) == 2 else 0.5
                arrays[symbol.about[0]] = draw.normal(0, scale, symbol.shape).astype(np.float32)
    groups = groups_of(arrays) if int8 is True else int8 or ()
    arrays |= cluster_arrays(config, clusters)
    return inference_model(arrays, config, words(), model_hash="random", about={}, int8=groups)


SHAPES: dict[str, dict[str, Any]] = {
    "tied": {},
    "untied, three layers": {"tied": False, "layers": 3},
    "one-hot": {"tied": False, "input": "one-hot"},
    "adaptive": {"softmax": "adaptive"},
    "adaptive, untied": {"softmax": "adaptive", "tied": False},
}
CASES = [(cell, shape) for cell in CELLS for shape in SHAPES if shape != "one-hot" or not CELLS[cell].window]


def same_bits(javascript: Evaluate, lm: InferenceModel) -> None:
    """Eight steps on from a text's middle: the parts of each state, and the probabilities there."""
    ids = np.random.default_rng(7).integers(0, lm.tokenizer.size, 11)
    state = lm.start()
    for token in ids[:3]:
        state = lm.advance(np.array([token]), state)
    given = {name: part[0].tolist() for name, part in state.parts.items()}
    found = javascript(STEPS, {"program": program_of(lm), "state": given, "ids": ids[3:].tolist()})
    for token, after in zip(ids[3:], found, strict=True):
        state = lm.advance(np.array([token]), state)
        wanted = {name: part[0] for name, part in state.parts.items()}
        wanted["log_probs"] = lm.log_probs(state)[0]
        wanted["chosen"] = wanted["log_probs"][token : token + 1]
        assert {name: part.view(np.int32).tolist() for name, part in wanted.items()} == after


@pytest.mark.parametrize(("cell", "shape"), CASES)
def test_every_cell(javascript: Evaluate, cell: str, shape: str) -> None:
    lm = model_of(cell, **SHAPES[shape])
    assert lm.precision == "int8"
    same_bits(javascript, lm)


@pytest.mark.parametrize(
    ("cell", "int8", "shape"),
    [
        ("lstm", False, {}),
        ("gru", ("output",), {"softmax": "adaptive", "tied": False}),
        ("transformer", ("embedding",), {}),
        ("rnn", False, {"tied": False, "input": "one-hot"}),
    ],
)
def test_float32_products(javascript: Evaluate, cell: str, int8: Any, shape: dict[str, Any]) -> None:
    lm = model_of(cell, int8=int8, **shape)
    assert lm.precision != "int8"
    same_bits(javascript, lm)


def test_products_of_more_than_24_bits(javascript: Evaluate) -> None:
    """Sums of 1,101 products of about 127 * 127 are whole numbers that float32 does not have."""
    draw, lm = np.random.default_rng(5), model_of("rnn-relu", embedding_size=1101, hidden_size=3)
    arrays = dict(lm.weights.arrays)
    for name in ("embedding.weight", "stack.layers.0.weight_ih"):
        arrays[name] = draw.uniform(0.98, 1, arrays[name].shape).astype(np.float32)
    vector, matrix = (quantise(arrays[name]).codes for name in ("embedding.weight", "stack.layers.0.weight_ih"))
    assert (vector.astype(np.int64) @ matrix.T.astype(np.int64) > 1 << 24).all()
    same_bits(javascript, InferenceModel(arrays, lm.tokenizer, lm.config))


def test_every_operator_has_its_place(javascript: Evaluate) -> None:
    assert sorted(javascript("return Object.keys(OPERATORS);", None)) == sorted(OPERATORS)


def inputs_of(name: str) -> NDArray[np.float32]:
    """300,000 numbers: of any size that is allowed, of usual ones, and edges."""
    draw = np.random.default_rng(3)
    low, high = {"log": (1.0, 3e38), "sqrt": (0.0, 3e38), "whole": (0.0, 2.0**22)}.get(name, (0.0, 3e38))
    bits = draw.integers(np.float32(low).view(np.int32), np.float32(high).view(np.int32), 150_000, dtype=np.int32)
    usual = draw.uniform(low, 30 + low, 150_000).astype(np.float32)
    edges = [
        0.0,
        1e-45,
        1e-38,
        0.5,
        1,
        1.5,
        2.5,
        43.5,
        43.50001,
        86.99999,
        87,
        87.00001,
        88.8,
        1e4,
        np.sqrt(2),
        np.exp(1),
    ]
    near = np.array([edge for edge in edges if low <= edge <= high], np.float32)
    x = np.concatenate([bits.view(np.float32), usual, near, np.nextafter(near, np.float32(np.inf))])
    if name not in ("log", "sqrt"):
        x[::2] *= -1
        x = np.concatenate([x, -near, np.array([-0.0], np.float32)])
    return x


@pytest.mark.parametrize("name", ["exp", "expm1", "sigmoid", "tanh", "log", "erf", "relu", "sqrt", "whole"])
def test_elementary_functions(javascript: Evaluate, name: str) -> None:
    x = inputs_of(name)
    own: dict[str, Any] = {"sqrt": np.sqrt, "relu": lambda x: np.where(x > 0, x, np.float32(0))}
    with np.errstate(over="ignore", under="ignore"):
        wanted = (own.get(name) or getattr(f, name))(x)
    body = f"""
        const x = new Float32Array(Int32Array.from(data).buffer);
        return Array.from(new Int32Array(x.map((each) => {name}(each)).buffer));
    """
    found = np.array(javascript(body, x.view(np.int32).tolist()), np.int32)
    different = np.flatnonzero(found != wanted.view(np.int32))
    assert len(different) == 0, [(float(x[place]), float(wanted[place])) for place in different[:5]]
