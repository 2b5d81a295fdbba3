"""Training on a GPU: the same course as on the processor. Without a GPU there is nothing to
compare."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.language_runs import make_run, make_training

from elman.models.network_config import NeuralConfig
from elman.training.checkpoint import read_checkpoint, write_checkpoint
from elman.training.training import Training

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA GPU here")

SETTINGS: dict[str, Any] = {
    "updates": 8, "batch": 4, "bptt": 20, "rate": 0.01, "dropout": 0.3, "weight_drop": 0.2, "embedding_dropout": 0.1,
    "activation_penalty": 1.0, "temporal_penalty": 1.0, "vary_bptt": True, "average_from": 0.5,
}  # fmt: skip


def start(text_file: Path, folder: Path, cell: Any, **plan: Any) -> Training:
    config = NeuralConfig(cell=cell, embedding_size=6, hidden_size=10)
    return make_training(make_run(text_file, folder, config, **{**SETTINGS, **plan}))


@gpu
@pytest.mark.parametrize("optimizer", ["adamw", "muon", "sgd"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_gpu_goes_the_way_of_the_processor(text_file: Path, tmp_path: Path, cell: str, optimizer: str) -> None:
    runs = {
        device: start(text_file, tmp_path / device, cell, device=device, optimizer=optimizer)
        for device in ("cpu", "cuda")
    }
    for _ in range(8):
        found = {device: training.update() for device, training in runs.items()}
        assert found["cuda"].loss == pytest.approx(found["cpu"].loss, rel=1e-3)
    assert runs["cuda"].validate() == pytest.approx(runs["cpu"].validate(), rel=1e-3)
    assert all(parameter.is_cuda for parameter in runs["cuda"].network.parameters())


@gpu
@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_checkpoint_of_a_gpu_goes_on_there(text_file: Path, tmp_path: Path, optimizer: str) -> None:
    whole = start(text_file, tmp_path / "whole", "lstm", device="cuda", optimizer=optimizer)
    for _ in range(6):
        whole.update()
    write_checkpoint(tmp_path, whole.position, whole.groups())
    position, groups = read_checkpoint(tmp_path)
    assert not any(tensor.is_cuda for family in groups.values() for tensor in family.values())
    parts = start(text_file, tmp_path / "parts", "lstm", device="cuda", optimizer=optimizer)
    parts.restore(dataclasses.replace(position), groups)
    for _ in range(2):
        assert whole.update().loss == pytest.approx(parts.update().loss, rel=1e-6)
    for name, array in whole.weights().items():
        torch.testing.assert_close(torch.from_numpy(parts.weights()[name]), torch.from_numpy(array))


def test_on_the_processor_all_tensors_lie_there(text_file: Path, tmp_path: Path) -> None:
    training = start(text_file, tmp_path, "lstm", device="auto" if not torch.cuda.is_available() else "cpu")
    assert training.plan.device == "cpu"
    for _ in range(6):
        training.update()
    families = training.groups()
    assert set(families) == {"weights", "optimizer", "average", "state"}
    assert {tensor.device.type for family in families.values() for tensor in family.values()} == {"cpu"}
