"""Training with an adaptive or a sampled softmax: layout, lazy steps, resuming, going on, cost."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests import language_runs
from tests.language_runs import begun_with, make_training
from tests.stopping import StopAfter

from elman.data.frequency import count_types
from elman.errors import Interrupted, TrainingError
from elman.models.network_config import NeuralConfig
from elman.models.softmax_clusters import RANKS
from elman.report.curve import read_log
from elman.storage import folder as model_folder
from elman.tasks.language.recipe import flop_per_token
from elman.training.checkpoint import read_checkpoint
from elman.training.loop import fit
from elman.training.run import Run

SHAPES = {
    "adaptive": NeuralConfig(embedding_size=20, hidden_size=24, softmax="adaptive"),
    "adaptive, own weights": NeuralConfig(embedding_size=20, hidden_size=24, softmax="adaptive", tied=False),
    "sampled": NeuralConfig(embedding_size=20, hidden_size=24, softmax="sampled", samples=9),
    "sampled, own weights": NeuralConfig(embedding_size=20, hidden_size=24, softmax="sampled", samples=9, tied=False),
}


def make_run(text: Path, folder: Path, shape: NeuralConfig, **plan: Any) -> Run:
    return language_runs.make_run(text, folder, shape, **{"updates": 8, "validations": 2, **plan})


def stop_early(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("elman.training.loop.StopRequest", lambda progress: StopAfter(3))
        with pytest.raises(Interrupted):
            fit(run)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "optimizer"),
    # Own weights are tables like the embedding: what an optimizer keeps of these differs with sampling.
    [
        ("adaptive", "adamw"),
        ("adaptive, own weights", "momentum"),
        ("sampled", "momentum"),
        ("sampled, own weights", "adamw"),
        ("sampled, own weights", "momentum"),
    ],
)
def test_stopping_and_resuming_gives_the_same_bits(
    text_file: Path, tmp_path: Path, name: str, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = {"dropout": 0.3, "embedding_dropout": 0.1, "weight_decay": 0.1, "optimizer": optimizer}
    whole, parts = (make_run(text_file, tmp_path / part, SHAPES[name], **plan) for part in ("whole", "parts"))
    fit(whole)
    stop_early(parts, monkeypatch)
    fit(dataclasses.replace(parts, resume=True))
    assert (whole.folder / "model.safetensors").read_bytes() == (parts.folder / "model.safetensors").read_bytes()
    one, two = (read_checkpoint(run.folder / "training")[1] for run in (whole, parts))
    for group in ("weights", "optimizer", "state"):
        assert one[group].keys() == two[group].keys() and one[group]
        assert all(torch.equal(one[group][part], two[group][part]) for part in one[group]), group


@pytest.mark.parametrize("name", SHAPES)
def test_types_are_sorted_by_the_training_text(text_file: Path, tmp_path: Path, name: str) -> None:
    run = make_run(text_file, tmp_path, SHAPES[name])
    counts = count_types(run.objective.train.ids, run.objective.vocab)
    ranks = make_training(run).network.to_arrays()[RANKS]
    assert (np.diff(counts[np.argsort(ranks)]) <= 0).all() and len(set(counts)) > 5


def test_going_on_with_other_text_keeps_the_order_even_when_resumed(
    text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(text_file, tmp_path / "new", SHAPES["adaptive"])
    first = make_training(run)
    arrays = first.network.to_arrays()
    backwards = len(arrays[RANKS]) - 1 - arrays[RANKS]  # as if the old text had been of other words
    stop_early(begun_with(run, {**arrays, RANKS: backwards}), monkeypatch)
    kept = model_folder.read_arrays(run.folder / "model.safetensors")
    fit(dataclasses.replace(begun_with(run, kept), resume=True))
    assert np.array_equal(model_folder.read_arrays(run.folder / "model.safetensors")[RANKS], backwards)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adaptive", "sampled"])
def test_it_learns_the_grammar(text_file: Path, tmp_path: Path, name: str) -> None:
    shape = SHAPES[name].replace(layers=1, samples=20 if name == "sampled" else None)
    run = make_run(text_file, tmp_path, shape, updates=200, batch=8, bptt=12, rate=0.03)
    fit(run)
    found = [entry["valid_nats"] for entry in read_log(run.folder / "training" / "log.jsonl") if "valid_nats" in entry]
    # Four free choices out of five in each line; where a block ends cannot be known either.
    entropy = run.objective.valid.lines * 4 * np.log(5) / len(run.objective.valid.ids)
    assert entropy * 0.95 < found[-1] < entropy * 1.4
    # What validation says is what the saved weights say.
    again = make_training(begun_with(run, model_folder.read_arrays(run.folder / "model.safetensors")))
    assert again.validate() == pytest.approx(min(found), rel=1e-6)


def test_an_update_leaves_rows_alone_that_it_did_not_touch(text_file: Path, tmp_path: Path) -> None:
    shape = SHAPES["sampled"].replace(samples=2)
    run = make_run(text_file, tmp_path, shape, batch=2, bptt=3, weight_decay=0.1)
    training = make_training(run)
    before = training.network.get_parameter("embedding.weight").detach().clone()
    training.update()
    moved = (training.network.get_parameter("embedding.weight") != before).any(1)
    assert 3 <= int(moved.sum()) <= 2 * 3 * 2 + 2 < run.objective.vocab


def test_a_sparse_gradient_that_is_not_finite_is_named(text_file: Path, tmp_path: Path) -> None:
    training = make_training(make_run(text_file, tmp_path, SHAPES["sampled"]))
    training.network.get_parameter("embedding.weight").register_hook(lambda gradient: gradient * np.nan)
    with pytest.raises(TrainingError, match=r"first seen in the gradient of embedding\.weight"):
        training.update()


def test_cost_counts_what_a_token_meets() -> None:
    sizes = {"embedding_size": 256, "hidden_size": 512}
    full, adaptive, sampled = (
        flop_per_token(NeuralConfig.from_json({**sizes, "softmax": softmax}), 100_000) / 6
        for softmax in ("full", "adaptive", "sampled")
    )
    stack = full - 100_000 * 256
    assert sampled - stack == 4096 * 256
    assert 1000 * 256 < adaptive - stack < 0.12 * 100_000 * 256
    few = NeuralConfig.from_json({**sizes, "softmax": "sampled"})
    assert flop_per_token(few, 300) == flop_per_token(NeuralConfig.from_json(sizes), 300)
