"""A real process, stopped at random moments by every means, ends with bit for bit the same
model."""

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.forked import Forked

from elman.storage.language import load

pytestmark = pytest.mark.slow

UPDATES = "130"
SETTINGS = [
    "--updates", UPDATES, "--embedding-size", "16", "--hidden-size", "24", "--batch", "8", "--bptt", "20",
    "--rate", "0.02", "--dropout", "0.2", "--weight-drop", "0.1", "--validations", "13", "--threads", "1",
    "--optimizer", "muon", "--weight-decay", "0.05", "--schedule", "trapezoid", "--vary-bptt", "--average-from", "0.5",
    "--activation-penalty", "2", "--temporal-penalty", "1", "--no-rival",
]  # fmt: skip


def wait_for_log(out: Path, process: Forked, size: int) -> None:
    """Wait until training has written more than so many bytes of its log, so that the blow falls
    inside it."""
    log = out / "training" / "log.jsonl"
    begin = time.monotonic()
    while process.runs() and time.monotonic() - begin < 60:
        if log.exists() and log.stat().st_size > size:
            return
        time.sleep(0.005)


BLOWS = [signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT]
"""A first run and resumed ones are killed, and both ways of asking are used."""


def test_stopped_and_resumed_is_as_never_stopped(text_file: Path, tmp_path: Path, cli: Callable[..., Any]) -> None:
    whole, out, text = tmp_path / "whole", tmp_path / "model", tmp_path / "text.txt"
    text.write_bytes(text_file.read_bytes())
    shown = cli("train", text, "--out", whole, *SETTINGS)
    assert shown.code == 0, shown.err
    rng = random.Random(9)
    process = Forked("train", text, "--out", out, *SETTINGS)
    given: list[signal.Signals] = []
    for _ in range(12):
        size = (out / "training" / "log.jsonl").stat().st_size if (out / "training" / "log.jsonl").exists() else 0
        wait_for_log(out, process, size)
        time.sleep(rng.uniform(0.0, 0.15))
        if len(given) < len(BLOWS) and process.runs():
            given.append(BLOWS[len(given)])
            process.send_signal(given[-1])
        code, talk = process.end()
        load(out)  # at any moment the folder holds a model that loads
        if code == 0:
            break
        if given[-1] == signal.SIGKILL:
            assert code == -signal.SIGKILL
        else:
            assert code == 130, talk
            assert f"resume with: elman train --out {out} --resume" in talk.splitlines()[-1]
        if given[-1] == signal.SIGTERM:
            changed_texts_are_not_resumed_on(text, out, cli)
        process = Forked("train", "--out", out, "--resume")
    assert code == 0, talk
    assert {*given} == {*BLOWS}  # SIGINT too
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (out / "config.json").read_bytes() == (whole / "config.json").read_bytes()


def changed_texts_are_not_resumed_on(text: Path, out: Path, cli: Callable[..., Any]) -> None:
    kept = text.read_bytes()
    text.write_bytes(kept.replace(b"Anna", b"Hanna"))
    refused = cli("train", "--out", out, "--resume")
    text.write_bytes(kept)
    assert refused.code == 2
    assert "the texts have changed" in refused.err.splitlines()[-1]
