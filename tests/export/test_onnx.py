"""From a network to the runtime's file: what is measured, and what happens when 8 bits cost too much."""

from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import ModelError
from elman.export import onnx
from elman.export.onnx import export_network
from elman.export.products import groups_of
from elman.models.protocol import LanguageModel
from elman.models.runtime import RuntimeModel


def ids_of(model: LanguageModel, count: int) -> np.ndarray:
    return np.random.default_rng(4).integers(0, model.tokenizer.size, count)


def perplexity(model: LanguageModel, piece: np.ndarray) -> float:
    scores, _ = model.score(piece, np.full(len(piece), piece.shape[1]), model.start(len(piece)))
    return float(np.exp(-scores.astype(np.float64).mean()))


def test_the_ratio_is_that_of_the_perplexities(make_network: Any) -> None:
    model = make_network("gru")
    ids = ids_of(model, 803)
    made = export_network(model, ids)
    other = RuntimeModel(made.program, lambda: {}, model.tokenizer)
    piece = ids[:800].reshape(8, 100)
    assert made.parity["tokens"] == 800
    assert made.parity["int8"]["kept_in_fp32"] == []
    found = made.parity["int8"]["perplexity_ratio"]
    assert found == pytest.approx(perplexity(other, piece) / perplexity(model, piece), rel=1e-6)
    assert found != 1.0 and 0 < made.parity["fp32"]["largest_difference"] < 1e-5


def test_groups_that_8_bits_harm_stay_float32(make_network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_network("lstm", tied=False)
    arrays = model.to_arrays()
    ids = ids_of(model, 400)
    # One huge weight to every 32 leaves the others of an output's row next to no steps.
    with torch.no_grad():
        model.network.output.weight[:, 0] = 3000.0
        model.network.stack.skips[0].weight[0].zero_()
        model.network.stack.layers[1].weight_ih.zero_()
        model.network.stack.layers[1].weight_hh.zero_()
        model.network.stack.layers[1].bias_ih.zero_()
        model.network.stack.layers[1].bias_hh.zero_()
    made = export_network(model, ids)
    assert "output" in made.parity["int8"]["kept_in_fp32"]
    assert made.parity["precision"] == "int8+fp32" and made.int8 == set(groups_of(arrays)) - {
        *made.parity["int8"]["kept_in_fp32"]
    }
    assert abs(made.parity["int8"]["perplexity_ratio"] - 1) <= onnx.INT8_BOUND
    other = RuntimeModel(made.program, model.to_arrays, model.tokenizer)
    assert set(other.weights) == {"output.weight"}


def test_nothing_fits_a_bound_of_nothing(make_network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_network("rnn")
    monkeypatch.setattr(onnx, "INT8_BOUND", 0.0)
    made = export_network(model)
    assert made.parity["precision"] == "fp32" and made.int8 == frozenset()
    assert made.parity["int8"] == {"perplexity_ratio": 1.0, "kept_in_fp32": groups_of(model.to_arrays())}
    monkeypatch.setattr(onnx, "FLOAT_BOUND", 0.0)
    with pytest.raises(ModelError, match="differ by"):
        export_network(model)


def test_the_same_model_is_the_same_file(make_network: Any) -> None:
    one, two = (export_network(make_network("minlstm", softmax="adaptive")).program for _ in range(2))
    assert one == two


def test_only_networks_can_be_exported(make_network: Any) -> None:
    model = make_network("rnn")
    made = export_network(model, precision="fp32")
    assert made.parity["precision"] == "fp32" and "int8" not in made.parity
    with pytest.raises(ModelError, match="already runs without torch"):
        export_network(RuntimeModel(made.program, model.to_arrays, model.tokenizer))
