import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests import language_runs
from tests.language_runs import make_training
from tests.stopping import StopAfter

from elman.data.streams import Cursor, Streams
from elman.errors import Interrupted, TrainingError
from elman.models.network_config import NeuralConfig
from elman.nn.dropout import Masks
from elman.report.curve import read_log
from elman.storage import folder as model_folder
from elman.system.machine import bf16_works
from elman.tasks.language.variable_bptt import varied_length
from elman.training.checkpoint import read_checkpoint
from elman.training.loop import fit
from elman.training.run import Run
from elman.training.training import Training

SHAPE = NeuralConfig(cell="lstm", layers=2, embedding_size=6, hidden_size=10, tied=False, skip=False)


def make_run(text_file: Path, folder: Path, shape: NeuralConfig = SHAPE, **plan: Any) -> Run:
    return language_runs.make_run(text_file, folder, shape, **plan)


class Plain(torch.nn.Module):
    """The same network out of torch's own parts: the slow and obvious twin."""

    def __init__(self, arrays: dict[str, np.ndarray], vocab: int) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(vocab + 1, 6)
        self.one = torch.nn.LSTM(6, 10, batch_first=True)
        self.two = torch.nn.LSTM(10, 10, batch_first=True)
        self.output = torch.nn.Linear(10, vocab)
        names = {
            "weight_ih": "weight_ih_l0",
            "weight_hh": "weight_hh_l0",
            "bias_ih": "bias_ih_l0",
            "bias_hh": "bias_hh_l0",
        }
        with torch.no_grad():
            self.embedding.weight.copy_(torch.from_numpy(arrays["embedding.weight"]))
            self.output.weight.copy_(torch.from_numpy(arrays["output.weight"]))
            self.output.bias.copy_(torch.from_numpy(arrays["output.bias"]))
            for number, layer in enumerate((self.one, self.two)):
                for ours, theirs in names.items():
                    getattr(layer, theirs).copy_(torch.from_numpy(arrays[f"stack.layers.{number}.{ours}"]))

    def arrays(self) -> dict[str, np.ndarray]:
        names = {
            "weight_ih": "weight_ih_l0",
            "weight_hh": "weight_hh_l0",
            "bias_ih": "bias_ih_l0",
            "bias_hh": "bias_hh_l0",
        }
        found = {
            "embedding.weight": self.embedding.weight,
            "output.weight": self.output.weight,
            "output.bias": self.output.bias,
        }
        for number, layer in enumerate((self.one, self.two)):
            found |= {f"stack.layers.{number}.{ours}": getattr(layer, theirs) for ours, theirs in names.items()}
        return {name: value.detach().numpy() for name, value in found.items()}


def test_five_updates_equal_a_loop_anyone_would_write(text_file: Path, tmp_path: Path) -> None:
    run = make_run(text_file, tmp_path, optimizer="sgd", rate=2.0, clip=0.1, schedule="constant", warmup=0.0)
    training = make_training(run)
    plain = Plain(training.network.to_arrays(), run.objective.vocab)
    streams = Streams(
        run.objective.train.ids,
        run.objective.train.documents,
        vocab_size=run.objective.vocab,
        batch=4,
        seed=1,
        line_resets=True,
    )
    cursor = Cursor()
    zeros = torch.zeros(1, 4, 10)
    states = [(zeros, zeros), (zeros, zeros)]
    resets = 0
    for _ in range(5):
        chunk, cursor = streams.chunk(cursor, 7)
        total = torch.zeros(())
        states = [(h.detach(), c.detach()) for h, c in states]
        for t in range(chunk.inputs.shape[1]):
            fresh = torch.from_numpy(chunk.reset[:, t])[None, :, None]
            resets += int(fresh.sum())
            states = [(torch.where(fresh, zeros, h), torch.where(fresh, zeros, c)) for h, c in states]
            x = plain.embedding(torch.from_numpy(chunk.inputs[:, t : t + 1]))
            x, states[0] = plain.one(x, states[0])
            x, states[1] = plain.two(x, states[1])
            total = total + torch.nn.functional.cross_entropy(
                plain.output(x[:, 0]), torch.from_numpy(chunk.targets[:, t]), reduction="sum"
            )
        plain.zero_grad()
        mean = total / chunk.targets.size
        mean.backward()
        norm = torch.nn.utils.clip_grad_norm_(plain.parameters(), 0.1)
        with torch.no_grad():
            for parameter in plain.parameters():
                assert parameter.grad is not None
                parameter -= 2.0 * parameter.grad
        done = training.update()
        assert done.loss == pytest.approx(float(mean.detach()), rel=1e-5)
        assert done.norm == pytest.approx(float(norm), rel=1e-4)
    assert resets > 4  # documents and lines started afresh inside the chunks, not only at the beginning
    ours, theirs = training.network.to_arrays(), plain.arrays()
    assert set(ours) == set(theirs)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], atol=2e-6, err_msg=name)


LINE = {
    "everything dropped": {"dropout": 0.3, "weight_drop": 0.2, "embedding_dropout": 0.1, "average_from": 0.5},
    "muon": {"optimizer": "muon", "weight_decay": 0.1, "schedule": "trapezoid", "dropout": 0.2},
    "muon in bf16": {"optimizer": "muon", "precision": "bf16", "schedule": "linear"},
    "the AWD-LSTM line": {
        "optimizer": "sgd", "rate": 5.0, "schedule": "constant", "vary_bptt": True, "bptt": 20, "weight_drop": 0.5,
        "dropout": 0.4, "activation_penalty": 2.0, "temporal_penalty": 1.0, "average_after": 1, "validations": 10,
    },
}  # fmt: skip
"""Plans whose every part must come back from a checkpoint."""


@pytest.mark.slow
@pytest.mark.parametrize("settings", LINE.values(), ids=LINE)
def test_stopping_and_resuming_gives_the_same_bits(
    text_file: Path, tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if settings.get("precision") == "bf16" and not bf16_works():
        pytest.skip("this processor cannot train in bf16")
    triggered = "average_after" in settings
    if triggered:  # better, better, and from the third on no better, so that averaging begins there
        falling = [9.0, 3.0, 2.0]
        monkeypatch.setattr(Training, "validate", lambda self: (falling + [2.5] * 9)[self.position.update])
    whole = make_run(text_file, tmp_path / "whole", **{"updates": 10, **settings})
    fit(whole)
    for stop in (3, 6):
        parts = make_run(text_file, tmp_path / f"parts-{stop}", **{"updates": 10, **settings})
        with monkeypatch.context() as patched:
            patched.setattr("elman.training.loop.StopRequest", lambda progress, stop=stop: StopAfter(stop))
            with pytest.raises(Interrupted, match=f"stopped at update {stop} of 10"):
                fit(parts)
        fit(dataclasses.replace(parts, resume=True))
        assert (whole.folder / "model.safetensors").read_bytes() == (parts.folder / "model.safetensors").read_bytes()
        one, two = (read_checkpoint(run.folder / "training") for run in (whole, parts))
        timeless = [dataclasses.replace(position, seconds=0, log_bytes=0, log_crc=0) for position, _ in (one, two)]
        assert timeless[0] == timeless[1]
        assert one[1].keys() == two[1].keys() >= {"weights", "state"}
        for group in one[1]:
            assert set(one[1][group]) == set(two[1][group]) and one[1][group]
            assert all(torch.equal(one[1][group][name], two[1][group][name]) for name in one[1][group]), group
        assert (one[0].average_start, one[0].averaged) == (
            (3, 7) if triggered else (0, 5 if "average" in one[1] else 0)
        )
        assert ("optimizer" in one[1]) == (settings.get("optimizer") != "sgd")


def test_a_varied_length_scales_the_rate_and_moves_the_cursor(text_file: Path, tmp_path: Path) -> None:
    run = make_run(
        text_file,
        tmp_path,
        optimizer="sgd",
        rate=3.0,
        clip=0.0,
        schedule="constant",
        warmup=0.0,
        vary_bptt=True,
        bptt=40,
    )
    training = make_training(run)
    offset = 0
    lengths = [varied_length(40, seed=1, update=update) for update in range(6)]
    assert len(set(lengths)) > 3
    for length in lengths:
        before = {name: p.detach().clone() for name, p in training.network.named_parameters()}
        training.update()
        offset += length
        assert (training.position.epoch, training.position.offset) == (0, offset)
        for name, parameter in training.network.named_parameters():
            assert parameter.grad is not None
            moved = before[name] - 3.0 * length / 40 * parameter.grad
            torch.testing.assert_close(parameter.detach(), moved, rtol=1e-6, atol=1e-7)


def test_penalties_are_part_of_what_is_descended_and_not_of_what_is_reported(text_file: Path, tmp_path: Path) -> None:
    plan = {"optimizer": "sgd", "rate": 1.0, "clip": 0.0, "schedule": "constant", "warmup": 0.0, "dropout": 0.3}
    with_them = make_training(
        make_run(text_file, tmp_path / "with", activation_penalty=2.0, temporal_penalty=1.0, **plan)
    )
    without = make_training(make_run(text_file, tmp_path / "without", **plan))
    chunk, _ = without.objective.streams.chunk(Cursor(), 7)
    masks = Masks(1, 0)
    reset = torch.from_numpy(chunk.reset)
    raw, _ = without.network.stack(
        without.network.embedding(torch.from_numpy(chunk.inputs), masks), without.state, reset, None, masks
    )
    y = raw * masks.keep(4, 1, 10, drop=0.3)
    total, count = without.network.output.loss(y, torch.from_numpy(chunk.targets))
    pairs = ~reset[:, 1:]
    changes = (raw[:, 1:] - raw[:, :-1])[pairs].square().mean()
    (total / count + 2.0 * y.square().mean() + changes).backward()
    expected = {name: (p - p.grad).detach() for name, p in without.network.named_parameters() if p.grad is not None}
    assert len(expected) == len(list(without.network.parameters()))
    reported = with_them.update().loss
    for name, parameter in with_them.network.named_parameters():
        torch.testing.assert_close(parameter.detach(), expected[name], rtol=1e-5, atol=1e-6, msg=name)
    assert reported == pytest.approx(float(total.detach()) / count, rel=1e-6)
    assert reported == without.update().loss


@pytest.mark.slow
def test_plain_sgd_at_twenty_with_a_constant_rate_and_averaging_learns(text_file: Path, tmp_path: Path) -> None:
    run = make_run(
        text_file, tmp_path, NeuralConfig(embedding_size=16, hidden_size=24), updates=350, batch=8, bptt=20,
        optimizer="sgd", rate=20.0, schedule="constant", warmup=0.0, average_from=0.9, vary_bptt=True,
    )  # fmt: skip
    training = make_training(run)
    before = training.validate()
    for _ in range(350):
        training.update()
    assert training.average
    # Four free choices out of five in each line are about a fifth of where it began.
    assert training.validate() < 0.3 * before


@pytest.mark.slow
def test_masks_differ_from_update_to_update_and_not_from_run_to_run(text_file: Path, tmp_path: Path) -> None:
    losses = []
    for number, seed in enumerate((1, 1, 2)):
        run = make_run(text_file, tmp_path / str(number), dropout=0.5, seed=seed)
        training = make_training(run)
        losses.append([training.update().loss for _ in range(4)])
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_the_average_is_the_mean_of_the_last_weights(text_file: Path, tmp_path: Path) -> None:
    run = make_run(text_file, tmp_path, updates=6, average_from=0.5)
    training = make_training(run)
    seen = []
    for update in range(6):
        training.update()
        if update >= 3:
            seen.append(training.network.to_arrays())
    for name, mean in training.weights().items():
        np.testing.assert_allclose(mean, np.mean([arrays[name] for arrays in seen], 0), atol=1e-6, err_msg=name)
    last = training.network.to_arrays()
    assert any(not np.array_equal(last[name], training.weights()[name]) for name in last)


@pytest.mark.slow
def test_it_learns_the_grammar(text_file: Path, tmp_path: Path) -> None:
    shape = NeuralConfig(embedding_size=16, hidden_size=24)
    run = make_run(text_file, tmp_path, shape, updates=160, batch=8, bptt=12, rate=0.03)
    fit(run)
    log = read_log(run.folder / "training" / "log.jsonl")
    found = [entry["valid_nats"] for entry in log if "valid_nats" in entry]
    # Four free choices out of five in each line; where a block ends cannot be known either.
    entropy = run.objective.valid.lines * 4 * np.log(5) / len(run.objective.valid.ids)
    assert entropy * 0.95 < found[-1] < min(entropy * 1.4, found[0])


@pytest.mark.slow
def test_early_stop_keeps_the_best(text_file: Path, tmp_path: Path) -> None:
    run = make_run(text_file, tmp_path, updates=300, validations=60, patience=2, rate=0.5, schedule="constant")
    fit(run)
    log = read_log(run.folder / "training" / "log.jsonl")
    found = [entry["valid_nats"] for entry in log if "valid_nats" in entry]
    assert len(found) < 60
    assert min(found[-2:]) > min(found)
    best = make_training(run)
    best.network.load_arrays(model_folder.read_arrays(run.folder / "model.safetensors"))
    assert best.validate() == pytest.approx(min(found), rel=1e-6)


@pytest.mark.parametrize(("name", "where"), [("stack.layers.1.weight_hh", "stack.layers.1"), ("output.bias", "output")])
def test_a_loss_that_is_not_finite_stops_and_names_layer_and_batch(
    text_file: Path, tmp_path: Path, name: str, where: str
) -> None:
    run = make_run(text_file, tmp_path)
    training = make_training(run)
    training.update()
    with torch.no_grad():
        training.network.get_parameter(name).view(-1)[0] = float("nan")
    with pytest.raises(TrainingError) as caught:
        training.update()
    message = str(caught.value)
    assert "update 2 " in message and "epoch 1, token 7 of each row" in message
    assert where in message and "--rate" in message and "\n" not in message
    assert training.position.update == 1


def test_exploding_training_keeps_a_model_that_loads(text_file: Path, tmp_path: Path) -> None:
    relu = NeuralConfig(cell="rnn-relu", embedding_size=6, hidden_size=10, tied=False)
    run = make_run(text_file, tmp_path, relu, optimizer="sgd", rate=1e5, clip=0.0, updates=400, warmup=0.0)
    with pytest.raises(TrainingError, match="is not finite at update"):
        fit(run)
    arrays = model_folder.read_arrays(run.folder / "model.safetensors")
    assert all(np.isfinite(array).all() for array in arrays.values())


def test_the_log_is_cut_back_to_the_checkpoint(text_file: Path, tmp_path: Path) -> None:
    run = make_run(text_file, tmp_path, updates=8)
    fit(run)
    log = run.folder / "training" / "log.jsonl"
    entries = read_log(log)
    with open(log, "ab") as file:
        file.write(b'{"update": 99, "loss": 1')  # what a kill in the middle of a write leaves
    fit(dataclasses.replace(run, resume=True))
    assert read_log(log) == entries
    assert [json.loads(line)["update"] for line in log.read_bytes().splitlines()][-1] == 8
