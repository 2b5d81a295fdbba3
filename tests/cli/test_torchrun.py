"""Training in several processes: one of them is killed, and one alone resumes."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.forked import Forked

from elman.storage.language import load
from elman.system.launcher import leads, was_restarted
from elman.system.machine import available_cores

SETTINGS = [
    "--updates", "60", "--embedding-size", "16", "--hidden-size", "24", "--batch", "7", "--bptt", "20", "--rate",
    "0.02",
    "--dropout", "0.2", "--precision", "fp32", "--validations", "6", "--threads", "1", "--no-rival",
    "--weight-drop", "0.1",
]  # fmt: skip


@pytest.mark.slow
def test_a_killed_process_ends_all_and_one_alone_resumes(
    text_file: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    text, out, alone = tmp_path / "text.txt", tmp_path / "model", tmp_path / "alone"
    text.write_bytes(text_file.read_bytes())
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "elman"]
    train = [*map(str, ["train", text, "--out", out]), *SETTINGS]
    process = subprocess.Popen([*torchrun, *train], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    checkpoint = out / "training" / "checkpoint.safetensors"
    while process.poll() is None and not checkpoint.exists():
        time.sleep(0.005)
    second = next(pid for pid in children(process.pid) if b"RANK=1" in environment(pid).split(b"\0"))
    os.kill(second, signal.SIGKILL)
    said = process.communicate()[1]
    assert process.returncode != 0 and not (out / "model_card.json").exists()
    assert len(re.findall("^elman: process 0 of 2 lost the others", said, re.MULTILINE)) == 1, said
    shown = cli("train", "--out", out, "--resume")
    assert shown.code == 0, shown.err
    assert cli("train", text, "--out", alone, *SETTINGS).code == 0
    found, wanted = (load(each, torch=True)[0].to_arrays() for each in (out, alone))
    for name, weights in wanted.items():
        np.testing.assert_allclose(found[name], weights, rtol=1e-3, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_a_process_that_hangs_ends_the_others_after_the_timeout(text_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # As torchrun starts them, which would wait half a minute for the one that hangs.
    told = {"TORCHELASTIC_RUN_ID": "7", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    train = ("train", text_file, "--out", out, *SETTINGS, "--updates", 100_000, "--timeout", 6)
    first, second = (
        Forked(*train, variables={**told, "MASTER_PORT": str(port), "RANK": rank, "LOCAL_RANK": rank}) for rank in "01"
    )
    while first.runs() and not (out / "training" / "checkpoint.safetensors").exists():
        time.sleep(0.005)
    second.send_signal(signal.SIGSTOP)
    code, said = first.end()
    second.send_signal(signal.SIGKILL)
    second.end()
    assert code == 2
    (line,) = re.findall("^elman: .*", said, re.MULTILINE)
    assert line.startswith("elman: process 0 of 2 heard nothing from the others for 6 s (--timeout)")


def children(process: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def environment(process: int) -> bytes:
    return Path(f"/proc/{process}/environ").read_bytes()


def test_what_torchrun_tells_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = available_cores()
    assert leads() and not was_restarted()
    told = {"TORCHELASTIC_RUN_ID": "7", "WORLD_SIZE": "4", "RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    for name, value in {**told, "TORCHELASTIC_RESTART_COUNT": "1"}.items():
        monkeypatch.setenv(name, value)
    assert not leads() and was_restarted() and available_cores() == max(1, cores // 2)


@pytest.mark.slow
def test_a_restarted_training_goes_on(
    text_file: Path, tmp_path: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "model"
    train = ["train", text_file, "--out", out, "--no-rival", "--updates", "6", "--threads", "1"]
    shown = cli(*train, "--rate", "1e6", "--clip", "0", "--optimizer", "sgd")  # it leaves a checkpoint
    assert shown.code == 2 and (out / "training" / "checkpoint.safetensors").exists()
    again = cli(*train)
    assert again.code == 2 and "is not empty" in again.err
    for name, value in {"TORCHELASTIC_RUN_ID": "7", "WORLD_SIZE": "1", "TORCHELASTIC_RESTART_COUNT": "1"}.items():
        monkeypatch.setenv(name, value)
    assert "is not finite" in cli(*train).err
