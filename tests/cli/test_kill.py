"""A real process, stopped at random moments by every means, ends with bit for bit the same model."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from elman.storage.language import load

pytestmark = pytest.mark.slow

UPDATES = "130"
SETTINGS = [
    "--updates", UPDATES, "--embedding-size", "16", "--hidden-size", "24", "--batch", "8", "--bptt", "20",
    "--rate", "0.02", "--dropout", "0.2", "--weight-drop", "0.1", "--validations", "13", "--threads", "1",
    "--optimizer", "muon", "--weight-decay", "0.05", "--schedule", "trapezoid", "--vary-bptt", "--average-from", "0.5",
    "--activation-penalty", "2", "--temporal-penalty", "1",
]  # fmt: skip


def start(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "elman", "train", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy())


@pytest.fixture(scope="module")
def whole(text_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "model"
    process = start(text_file, "--out", out, *SETTINGS)
    _, talk = process.communicate(timeout=120)
    assert process.returncode == 0, talk
    return out


def wait_for_log(out: Path, process: subprocess.Popen[str], size: int) -> None:
    """Wait until training has written more than so many bytes of its log, so that the blow falls inside it."""
    log = out / "training" / "log.jsonl"
    begin = time.monotonic()
    while process.poll() is None and time.monotonic() - begin < 60:
        if log.exists() and log.stat().st_size > size:
            return
        time.sleep(0.005)


@pytest.mark.parametrize(
    "blows",
    [[signal.SIGKILL] * 2, [signal.SIGTERM, signal.SIGINT]],
    ids=["killed", "asked to stop"],
)
def test_stopped_and_resumed_is_as_never_stopped(
    whole: Path, text_file: Path, tmp_path: Path, blows: list[signal.Signals]
) -> None:
    out = tmp_path / "model"
    rng = random.Random(int(blows[0]))
    process = start(text_file, "--out", out, *SETTINGS)
    given: list[signal.Signals] = []
    for _ in range(12):
        size = (out / "training" / "log.jsonl").stat().st_size if (out / "training" / "log.jsonl").exists() else 0
        wait_for_log(out, process, size)
        time.sleep(rng.uniform(0.0, 0.15))
        if len(given) < len(blows) and process.poll() is None:
            given.append(blows[len(given)])
            process.send_signal(given[-1])
        _, talk = process.communicate(timeout=120)
        load(out)  # at any moment the folder holds a model that loads
        if process.returncode == 0:
            break
        if given[-1] == signal.SIGKILL:
            assert process.returncode == -signal.SIGKILL
        else:
            assert process.returncode == 130, talk
            assert f"resume with: elman train --out {out} --resume" in talk.splitlines()[-1]
        process = start("--out", out, "--resume")
    assert process.returncode == 0, talk
    assert len(given) >= 2  # SIGINT too
    assert (out / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (out / "config.json").read_bytes() == (whole / "config.json").read_bytes()


def test_changed_texts_are_not_resumed_on(text_file: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_bytes(text_file.read_bytes())
    out = tmp_path / "model"
    process = start(text, "--out", out, *SETTINGS)
    wait_for_log(out, process, 0)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    text.write_bytes(text_file.read_bytes().replace(b"Anna", b"Hanna"))
    process = start("--out", out, "--resume")
    _, talk = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "the texts have changed" in talk.splitlines()[-1]
