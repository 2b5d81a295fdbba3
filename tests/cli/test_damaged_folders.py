"""A model folder of which a bit, a byte or a file is not as it was written: found, named, and what
to do about it."""

import os
import random
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_bad_input import TRAIN, copy, fails
from tests.stopping import stopped_run

Call = Callable[..., Any]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lstm", "ngram"])
def test_a_flipped_bit_anywhere_is_found(
    cli: Call, lstm_folder: Path, ngram_folder: Path, tmp_path: Path, kind: str
) -> None:
    folder = copy(lstm_folder if kind == "lstm" else ngram_folder, tmp_path)
    rng = random.Random(5)
    files = [file for file in folder.iterdir() if file.suffix in (".json", ".safetensors")]
    assert {"config.json", "model.safetensors", "model_card.json"} <= {file.name for file in files}
    for file in files:
        data = file.read_bytes()
        head = min(len(data), 1500)  # where safetensors has what is no array
        for place in [*(rng.randrange(len(data)) for _ in range(4)), *(rng.randrange(head) for _ in range(8))]:
            damaged = bytearray(data)
            damaged[place] ^= 1 << rng.randrange(8)
            file.write_bytes(bytes(damaged))
            fails(cli("complete", folder, "Anna"), str(folder))
        file.write_bytes(data)
    assert cli("complete", folder, "Anna").code == 0


@pytest.mark.slow
def test_a_flipped_bit_in_what_resuming_reads_is_found(cli: Call, text_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "m"
    stopped_run(text_file, out)
    for file in ("plan.json", "log.jsonl", "checkpoint.safetensors"):
        path = out / "training" / file
        data = path.read_bytes()
        for place in (100, len(data) // 2):
            damaged = bytearray(data)
            damaged[place] ^= 16
            path.write_bytes(bytes(damaged))
            fails(cli("train", "--out", out, "--resume"), str(path))
        path.write_bytes(data)
    assert cli("train", "--out", out, "--resume").code == 0


def test_a_digit_that_changes_no_number_is_found(cli: Call, ngram_folder: Path, tmp_path: Path) -> None:
    folder = copy(ngram_folder, tmp_path)
    card = (folder / "model_card.json").read_text()
    longest = max(re.findall(r"\d+\.\d{15,}(?!\d|e)", card), key=len)
    same = longest + "0"
    assert float(same) == float(longest)
    (folder / "model_card.json").write_text(card.replace(longest, same, 1))
    fails(cli("info", folder), "model_card.json was changed")


@pytest.mark.slow
@pytest.mark.parametrize("kept", range(1, 8))
def test_a_kill_between_two_files_of_an_ngram(
    cli: Call, text_file: Path, ngram_folder: Path, tmp_path: Path, kept: int
) -> None:
    """Whatever is there of the files in the order in which they are written, verbs say the same."""
    whole, out = ngram_folder, tmp_path / "m"
    order = ["tokenizer.json", "tokenizer_config.json", "speller.safetensors", "config.json", "training/plan.json"]
    order += ["model.safetensors"]
    (out / "training").mkdir(parents=True)
    for name in order[: kept - 1]:
        shutil.copyfile(whole / name, out / name)
    (out / ".model.safetensors.k2_x8b1q").write_bytes(b"half")
    fails(cli("train", "--out", out, "--resume"), f"train it again with --out {out}")
    info = cli("info", out)
    if kept == 7:
        assert info.code == 0 and f"train it again with --out {out}" in info.out
        assert cli("complete", out, "Anna").code == 0
    else:
        fails(info, f"train it again with --out {out}")
    assert cli("train", text_file, "--out", out, "--model", "ngram").code == 0
    assert cli("complete", out, "Anna").code == 0
    assert not list(out.glob(".*"))


@pytest.mark.slow
def test_a_network_killed_before_its_first_checkpoint(cli: Call, text_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "m"
    stopped_run(text_file, out)
    (out / "training" / "checkpoint.safetensors").unlink()
    fails(cli("train", "--out", out, "--resume"), f"train it again with --out {out}")
    assert f"train it again with --out {out}" in cli("info", out).out
    assert cli("train", text_file, "--out", out, *TRAIN).code == 0


def test_what_is_no_training_is_never_replaced(cli: Call, text_file: Path, ngram_folder: Path, tmp_path: Path) -> None:
    """A model without a card, files of somebody's own, and both beside an empty folder of that
    name."""
    own, saved, mixed = tmp_path / "own", copy(ngram_folder, tmp_path), tmp_path / "mixed"
    for folder in (own, mixed):
        folder.mkdir()
        (folder / "tokenizer.json").write_text("mine")
    (mixed / "training").mkdir()
    (mixed / "training" / "notes.txt").write_text("mine")
    shutil.rmtree(saved / "training")
    (saved / "model_card.json").unlink()
    for folder in (own, saved, mixed):
        before = sorted(folder.rglob("*"))
        fails(cli("train", text_file, "--out", folder, "--model", "ngram"), "exists and is not empty")
        assert sorted(folder.rglob("*")) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs special files")
@pytest.mark.parametrize("special", ["pipe", "socket", "link"])
def test_special_files_are_refused_by_name(
    cli: Call, lstm_folder: Path, tmp_path: Path, special: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(lstm_folder, tmp_path)
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    for name in [str(file.relative_to(folder)) for file in sorted(folder.rglob("*")) if file.is_file()]:
        path = Path("copy") / name
        aside = path.rename("aside")
        if special == "pipe":
            os.mkfifo(path)
        elif special == "socket":
            with socket.socket(socket.AF_UNIX) as opened:
                opened.bind(str(path))
        else:
            path.symlink_to(aside.resolve())
        for words in (("complete", folder, "Anna"), ("info", folder), ("train", "--out", folder, "--resume")):
            fails(cli(*words), f"{folder / name} is a")
        path.unlink()
        aside.rename(path)
