"""A cell of one's own, the simple recurrent unit: registered in a few lines, and everything else
works unchanged.

CONTRIBUTING.md ("Add a cell") shows these very lines.
"""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.conftest import tiny_text
from tests.stopping import StopAfter

import elman
from elman.cells.cell import Sizes, Weights
from elman.cells.gates import gates_in
from elman.cells.recording import record_step
from elman.cells.registry import CELLS
from elman.errors import FolderError, Interrupted, UsageError
from elman.inference.model import InferenceModel
from elman.models.network_config import NeuralConfig
from elman.nn.sequence import make_layer
from elman.nn.unrolled import UnrolledLayer
from elman.system.plugins import VARIABLE, import_plugins
from elman.tasks.language.recipe import flop_per_token

SRU = '''\
import elman
from elman.cells.operators import linear, sigmoid, split, tanh

def sru(x, state, w):
    """The simple recurrent unit (Lei et al. 2018), rows v f r s."""
    (c,) = state
    v, f, r, s = split(linear(x, w.weight, w.bias), 4)
    f, r = sigmoid(f + w.forget * c), sigmoid(r + w.reset * c)
    c = f * c + (1 - f) * v
    return r * tanh(c) + (1 - r) * s, (c,)

def weights(z):
    return {"weight": (4 * z.hidden, z.inputs), "bias": (4 * z.hidden,), "forget": (z.hidden,), "reset": (z.hidden,)}

elman.register_cell("sru", sru, weights=weights, state=lambda sizes: {"c": sizes.hidden})
'''
SETTINGS: dict[str, Any] = {
    "model": "sru", "updates": 60, "embedding_size": 12, "hidden_size": 16, "batch": 8, "bptt": 10, "rate": 0.02,
    "dropout": 0.1, "weight_decay": 0.0, "threads": 1,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file that registers the cell, as ELMAN_PLUGINS names it; nothing imports it but asking
    for ``sru``.
    """
    file = tmp_path_factory.mktemp("own") / "sru.py"
    file.write_text(SRU, encoding="utf-8")
    import_plugins.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(VARIABLE, str(file))
        yield file
    CELLS.pop("sru", None)
    import_plugins.cache_clear()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each step of this cell costs much: 150 lines of the tiny text."""
    path = tmp_path_factory.mktemp("text") / "tiny.txt"
    path.write_text(tiny_text(150, seed=1), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("outside") / "sru"
    elman.train(text, out=out, **SETTINGS)
    return out


def test_it_is_fifteen_lines_and_those_of_the_manual() -> None:
    assert len([line for line in SRU.splitlines() if line]) <= 15
    assert SRU in (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_one_step_by_hand() -> None:
    layer = make_layer("sru", 1, 1).double()
    assert isinstance(layer, UnrolledLayer)
    ln3 = math.log(3)
    # c = 2; f = sigmoid(ln 3 - 2 ln 3 + 2 ln 3) = 3/4: c = 3/4 * 2 + 1/4 * 4; r = sigmoid(-ln 3 +
    # 0) = 1/4
    values = {"weight": [[4.0], [ln3], [-ln3], [8.0]], "bias": [0, -2 * ln3, 0, 0.0], "forget": [ln3], "reset": [0.0]}
    weights = {name: np.array(value) for name, value in values.items()}
    y, (c,) = layer.cell.step(np.array([1.0]), (np.array([2.0]),), Weights(weights, Sizes(inputs=1, hidden=1)))
    assert c.item() == pytest.approx(2.5, abs=1e-12)
    assert y.item() == pytest.approx(math.tanh(2.5) / 4 + 6, abs=1e-12)


def test_its_gates_are_found() -> None:
    found = gates_in(record_step(CELLS["sru"], Sizes(inputs=3, hidden=4)))
    assert list(found.by_name) == ["f", "r"] and found.keep is found.by_name["f"] and found.kept == "c"


def test_its_weights_start_as_they_are_promised_to() -> None:
    layer = make_layer("sru", 300, 200, generator=torch.Generator().manual_seed(1))
    assert layer.weights()["weight"].var().item() == pytest.approx(1 / 300, rel=0.02)
    assert all(part.eq(0).all() for name, part in layer.named_parameters() if name != "weight")


def test_what_it_multiplies_is_counted() -> None:
    config = NeuralConfig(cell="sru", layers=2, embedding_size=3, hidden_size=5, skip=False)
    assert flop_per_token(config, 100) == 6 * (4 * 5 * 3 + 4 * 3 * 5 + 100 * 3)


@pytest.mark.slow
def test_it_trains_and_is_evaluated(folder: Path, text: Path, tmp_path: Path) -> None:
    longer, shorter = (
        elman.load(folder, torch=True),
        elman.train(text, out=tmp_path / "a", **{**SETTINGS, "updates": 2}),
    )
    assert longer.lm.describe()["name"] == "sru"
    bits = [model.evaluate(text)["bits_per_byte"] for model in (longer, shorter)]
    assert bits[0] < 0.75 * bits[1]


@pytest.mark.slow
def test_interrupted_and_resumed_it_is_the_same_bit_for_bit(
    folder: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("elman.training.loop.StopRequest", lambda progress: StopAfter(24))
        with pytest.raises(Interrupted):
            elman.train(text, out=tmp_path / "parts", **SETTINGS)
    elman.resume(tmp_path / "parts")
    weights = [(path / "model.safetensors").read_bytes() for path in (folder, tmp_path / "parts")]
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_it_is_x_rayed(folder: Path, text: Path, cli: Callable[..., Any]) -> None:
    words = ("xray", folder, text, "--lags", "12", "--positions", "4", "--sentence", "Anna sees the old house.")
    found = json.loads(cli(*words, "--json").out)
    assert [(curve["name"], curve["trained"]) for curve in found["curves"]][0] == ("sru", True)
    assert [curve["name"] for curve in found["curves"]][-1] == "sru"
    assert [(each["layer"], each["gate"], each["meaning"]) for each in found["saturation"]] == [
        (layer, *gate) for layer in (0, 1) for gate in (("f", "forget gate"), ("r", "reset gate"))
    ]
    assert found["units"] and set(found["sentence"]["states"][0]) == {"c"}
    shown = cli(*words)
    assert shown.code == 0 and "layer 1 f (forget gate)" in shown.out and "Units that remember longest" in shown.out


@pytest.mark.slow
def test_it_runs_in_8_bits_without_torch(folder: Path, registered: Path) -> None:
    model = elman.load(folder)
    assert isinstance(model.lm, InferenceModel) and model.lm.precision == "int8"
    words = model.complete("Anna sees the old", n=3).words
    code = "import sys, elman; m = elman.load(sys.argv[1]); print(m.complete('Anna sees the old', n=3).words); "
    code += "sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(words)
    ids = np.array([[3, 1, 4, 1, 5]])
    lengths, trained = np.array([5]), elman.load(folder, torch=True).lm
    (found, _), (wanted, _) = (lm.score(ids, lengths, lm.start()) for lm in (model.lm, trained))
    np.testing.assert_allclose(found, wanted, atol=0.2)  # what rounding costs a network of twelve units
    slow = InferenceModel(model.lm.weights.arrays, model.lm.tokenizer, model.lm.config, patience=1000)
    fast = InferenceModel(model.lm.weights.arrays, model.lm.tokenizer, model.lm.config, patience=0)
    assert slow.score(ids, lengths, slow.start())[0].tobytes() == fast.score(ids, lengths, fast.start())[0].tobytes()


def test_it_is_written_as_onnx(folder: Path, tmp_path: Path) -> None:
    import onnxruntime

    model = elman.load(folder, torch=True)
    model.export_onnx(tmp_path / "onnx", precision="fp32")
    session = onnxruntime.InferenceSession(tmp_path / "onnx" / "step.onnx", providers=["CPUExecutionProvider"])
    zeros = {each.name: np.zeros((1, each.shape[1]), np.float32) for each in session.get_inputs() if each.name != "ids"}
    (found,) = session.run(["log_probs"], {"ids": np.array([model.lm.tokenizer.size]), **zeros})
    np.testing.assert_allclose(found, model.lm.log_probs(model.lm.start()), atol=1e-4)


def test_it_completes_text_on_a_page(folder: Path, tmp_path: Path, browser: Any) -> None:
    elman.load(folder).export_html(tmp_path / "sru.html")
    page = browser.new_page()
    page.goto(f"{(tmp_path / 'sru.html').as_uri()}#check")
    page.get_by_text("All 60").wait_for()
    page.close()


@pytest.mark.slow
def test_it_is_explained() -> None:
    """In a process that nobody has asked for it before."""
    shown = subprocess.run([sys.executable, "-m", "elman", "explain", "sru"], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert "The simple recurrent unit (Lei et al. 2018)" in shown.stdout
    assert "c = f * c + (1 - f) * v" in shown.stdout and "elman train my.txt --model sru" in shown.stdout


@pytest.mark.slow
def test_the_command_line_and_its_worker_processes_know_it(text: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    shown = cli(
        "compare", text, "--models", "sru", "--epochs", "1", "--parameters", "4000", "--document", "block",
        "--level", "word", "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert shown.code == 0, shown.err
    found = json.loads(shown.out)
    assert {model["name"] for model in found["models"]} == {"sru"} and found["failed"] == []
    (own,) = (model for model in found["models"] if model["name"] == "sru")
    assert abs(own["parameters"] - 4000) < 400


@pytest.mark.slow
def test_where_nobody_registers_it_the_error_says_how(
    folder: Path, monkeypatch: pytest.MonkeyPatch, registered: Path
) -> None:
    kept = CELLS.pop("sru")
    monkeypatch.delenv(VARIABLE)
    import_plugins.cache_clear()
    try:
        with pytest.raises(FolderError, match="no known model \\('sru'\\); known: lstm, .*name it in ELMAN_PLUGINS"):
            elman.load(folder, torch=True)
        with pytest.raises(UsageError, match="unknown cell 'sru'; known: lstm, .*import the module that registers"):
            NeuralConfig(cell="sru")
        monkeypatch.setenv(VARIABLE, str(registered.with_name("nowhere.py")))
        import_plugins.cache_clear()
        with pytest.raises(UsageError, match="ELMAN_PLUGINS names '.*nowhere.py', which cannot be imported: "):
            NeuralConfig(cell="sru")
    finally:
        CELLS["sru"] = kept
        monkeypatch.undo()
        import_plugins.cache_clear()
