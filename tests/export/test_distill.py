"""A network as an n-gram, from the folder to the ARPA file."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.errors import UsageError
from elman.export.distill import DistillConfig
from elman.models.ngram.arpa import load_arpa
from elman.progress import Progress

Call = Callable[..., Any]


class Talk(Progress):
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        self.said.append(message)


def good(result: Any) -> Any:
    assert result.code == 0, result.err
    return result


def fails(result: Any, *parts: str) -> None:
    assert result.code == 2 and result.out == ""
    last = result.err.strip().splitlines()[-1]
    for part in parts:
        assert part in last, last


@pytest.mark.slow
def test_a_network_becomes_an_arpa_file(cli: Call, lstm_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "small.arpa"
    shown = json.loads(good(cli("export", lstm_folder, "--to", "arpa", "--order", "3", "--out", out, "--json")).out)
    facts = shown["distilled"]
    assert facts["order"] == 3 and facts["from"] == "lstm" and facts["ngrams"] <= facts["plain_ngrams"]
    assert facts["asked"] > 3000
    found = load_arpa(out).model
    assert found.tables.order == 3 and sum(found.tables.counts) + 1 == facts["ngrams"] == shown["parameters"]
    assert found.deviation() < 1e-5
    perplexity = facts["perplexity"]
    # The text is a small grammar: where a 3-gram can see what matters, it is hard to beat.
    assert perplexity["distilled"] < 1.03 * min(perplexity["model"], perplexity["plain"])
    with elman.evaluation.splits.held_out_text(lstm_folder, elman.load(lstm_folder).card, progress=Progress()) as text:
        lines = [line for line, _ in text]
    valid = tmp_path / "valid.txt"
    valid.write_text("\n".join(lines) + "\n", encoding="utf-8")
    again = elman.load(out).evaluate(valid, context="independent")
    assert again["perplexity"] == pytest.approx(perplexity["distilled"], rel=1e-3)
    assert (
        "a plain 3-gram of the text"
        in good(cli("export", lstm_folder, "--to", "arpa", "--order", "3", "--out", out)).out
    )


def test_kenlm_reads_it_and_agrees(lstm_folder: Path, tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm")
    out = tmp_path / "model.arpa"
    facts = elman.load(lstm_folder, torch=True).export(out, order=4, ngrams=200, tokens=1000)
    assert facts is not None and facts["ngrams"] <= 200 and 1000 <= facts["asked"] < 1600
    config = kenlm.Config()
    config.show_progress = False
    other, own = kenlm.Model(str(out), config), elman.load(out)
    for line in ("▁Anna ▁sees ▁the ▁old ▁house", "▁bird ▁bird ▁Ben", "▁nobody"):
        raw = own.score(line.replace(" ", "").replace("▁", " ").strip(), spelling=False)
        assert other.score(line) * np.log(10) == pytest.approx(raw.log_prob, abs=1e-3)


@pytest.mark.slow
def test_where_the_training_text_is_gone_the_model_makes_up_one(
    lstm_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    shutil.copytree(lstm_folder, tmp_path / "model")
    shutil.rmtree(tmp_path / "model" / "training")
    model, talk = elman.load(tmp_path / "model", torch=True), Talk()
    model.card["data"]["hash"] = "0" * 16
    with pytest.raises(UsageError, match="there is no text to tune on"):
        model.export(tmp_path / "a.arpa")
    said = [
        model.export(tmp_path / f"{name}.arpa", order=3, tokens=6000, seed=seed, tune=text_file, progress=talk)
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    ]
    assert sum("the training text was not found" in line and "--text FILE" in line for line in talk.said) == 3
    files = [(tmp_path / f"{name}.arpa").read_bytes() for name in ("one", "same", "other")]
    assert files[0] == files[1] != files[2] and said[0] == said[1]
    perplexity = said[0]["perplexity"]
    assert perplexity["distilled"] < 1.05 * perplexity["model"] and 6000 <= said[0]["asked"] < 6600
    named = model.export(tmp_path / "named.arpa", order=3, text=text_file, tune=text_file, progress=talk)
    assert 5000 < named["asked"] < 6000 and named["perplexity"]["plain"] < perplexity["plain"]


@pytest.mark.slow
def test_a_mixture_becomes_an_ngram_too(lstm_folder: Path, ngram_folder: Path, text_file: Path, tmp_path: Path) -> None:
    mixed = elman.mix([elman.load(lstm_folder, torch=True), elman.load(ngram_folder)], tune=text_file)
    facts = mixed.export(tmp_path / "a.arpa", order=3, tokens=2000, text=text_file, tune=text_file)
    assert facts is not None and facts["from"] == "mixture"
    assert load_arpa(tmp_path / "a.arpa").model.deviation() < 1e-5
    assert facts["perplexity"]["distilled"] < 1.1 * facts["perplexity"]["model"]


def test_what_is_refused(cli: Call, lstm_folder: Path, ngram_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.arpa"
    fails(cli("export", lstm_folder, "--to", "arpa", "--out", out, "--order", "1"), "order is 1", "2 to 6")
    fails(cli("export", lstm_folder, "--to", "arpa", "--out", out, "--tokens", "0"), "tokens is 0", "1 or more")
    fails(cli("export", lstm_folder, "--to", "arpa", "--out", out, "--ngrams", "0"), "ngrams is 0", "1 or more")
    fails(cli("export", lstm_folder, "--to", "arpa", "--out", out, "--ngrams", "5"), "ngrams is 5", "is a unigram")
    fails(cli("export", lstm_folder, "--to", "arpa", "--out", out, "--seed", "-1"), "seed is -1")
    fails(cli("export", lstm_folder, "--to", "arpa", "--out", tmp_path / "no" / "a.arpa"), "cannot write")
    fails(cli("export", lstm_folder, "--to", "folder", "--out", out, "--order", "3"), "--order applies to ARPA files")
    fails(
        cli("export", ngram_folder, "--to", "arpa", "--out", out, "--order", "3"),
        "order applies to",
        "already is an n-gram",
    )
    fails(
        cli("export", ngram_folder, "--to", "arpa", "--out", out, "--tune", "x"),
        "tune applies to",
        "already is an n-gram",
    )
    assert list(tmp_path.iterdir()) == []
    assert DistillConfig().order == 4
