"""The gradient by lag during training: the model does not change, the log is kept, explosions are
called so."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.errors import Interrupted, TrainingError
from elman.progress import Progress
from elman.tasks.language.gradient_log import GradientLog

SMALL: dict[str, Any] = {
    "updates": 60, "layers": 1, "embedding_size": 8, "hidden_size": 12, "tied": False, "batch": 4, "bptt": 10,
    "validations": 3, "threads": 1, "dropout": 0.2, "weight_drop": 0.2,
}  # fmt: skip


class Said(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, message: str) -> None:
        self.lines.append(message)


@pytest.fixture(scope="module")
def logged(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Said]]:
    """A training of a kind with its gradient log, and what it said."""

    @cache
    def of(kind: str) -> tuple[Path, Said]:
        said, out = Said(), tmp_path_factory.mktemp("logged") / kind
        elman.train(text_file, out=out, model=kind, xray=True, progress=said, **SMALL)
        return out, said

    return of


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lstm", "rnn"])
def test_the_model_is_bit_for_bit_the_same(
    kind: str, logged: Callable[[str], tuple[Path, Said]], text_file: Path, tmp_path: Path
) -> None:
    out, said = logged(kind)
    elman.train(text_file, out=tmp_path / "without", model=kind, **SMALL)
    weights = [(folder / "model.safetensors").read_bytes() for folder in (out, tmp_path / "without")]
    assert weights[0] == weights[1]
    assert not (tmp_path / "without" / "training" / "xray.jsonl").exists()
    entries = [json.loads(line) for line in (out / "training" / "xray.jsonl").read_text().splitlines()]
    assert [entry["update"] for entry in entries] == [20, 40, 60]
    assert all(entry["share"][0] == 1 and len(entry["share"]) == entry["reached"] + 1 == 101 for entry in entries)
    assert entries[0]["share"] != entries[-1]["share"]
    assert sum(line.startswith("gradient by lag, ") for line in said.lines) == 3


@pytest.mark.slow
def test_resuming_goes_on_with_the_log(
    logged: Callable[[str], tuple[Path, Said]], text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = logged("lstm")
    note = GradientLog.note

    def stop_at_second(self: GradientLog, network: Any, update: int) -> None:
        note(self, network, update)
        if update == 40:
            raise KeyboardInterrupt

    monkeypatch.setattr(GradientLog, "note", stop_at_second)
    with pytest.raises(Interrupted):
        elman.train(text_file, out=tmp_path / "cut", model="lstm", xray=True, **SMALL)
    monkeypatch.undo()
    # The curve of update 40 was noted, its checkpoint not: it must not stand there twice.
    elman.resume(tmp_path / "cut")
    courses = [(folder / "training" / "xray.jsonl").read_text() for folder in (whole, tmp_path / "cut")]
    assert courses[0] == courses[1] and courses[0].count("\n") == 3


def test_a_run_that_explodes_says_so(text_file: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    wild = {**SMALL, "dropout": 0.0, "weight_drop": 0.0, "clip": 0.0, "rate": 30.0, "optimizer": "sgd"}
    wild |= {"hidden_size": 24, "bptt": 30}
    with pytest.raises(TrainingError, match="is exploding: .* tokens? back it is .* does not clip it"):
        elman.train(text_file, out=tmp_path / "wild", model="rnn-relu", xray=True, **wild)


def test_too_little_to_look_back_in(tmp_path: Path) -> None:
    said = Said()
    log = GradientLog(tmp_path, np.zeros(30, np.int64), clip=0.0, progress=said)
    log.note(None, 1)  # type: ignore[arg-type]
    assert "has 30 tokens, too few" in said.lines[0] and not list(tmp_path.iterdir())


def test_an_ngram_has_no_gradient_log(cli: Callable[..., Any], text_file: Path, tmp_path: Path) -> None:
    found = cli("train", text_file, "--out", tmp_path / "new", "--model", "ngram", "--xray")
    assert found.code == 2 and "--xray does not apply to an n-gram" in found.err


def test_forget_biases_are_for_the_lstm(cli: Callable[..., Any], text_file: Path, tmp_path: Path) -> None:
    for flags, said in (
        (("--model", "gru", "--forget-bias", "20"), "applies to an lstm only"),
        (("--model", "lstm", "--forget-bias", "1"), "must be at least 2"),
        (("--model", "ngram", "--forget-bias", "20"), "is not a setting"),
    ):
        found = cli("train", text_file, "--out", tmp_path / "new", *flags)
        assert found.code == 2 and said in found.err and found.err.count("\n") == 1
