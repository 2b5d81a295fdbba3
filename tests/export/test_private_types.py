"""Words that look private are counted in exports, and left out of them on request."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.export.pages import network

import elman
from elman.tasks.language.model import Model
from elman.text.speller import Speller

LINES = ["call 5550199 now", "mail ada@example.org now", "call ada now"] * 40
PRIVATE = ("5550199", "ada@example.org")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("private")
    (place / "text.txt").write_text("\n".join(LINES))
    elman.train(place / "text.txt", out=place / "words", model="ngram", order=2, level="word")
    return place / "words"


def test_an_arpa_file_says_what_looks_private_and_may_leave_it_out(folder: Path, cli: Any, tmp_path: Path) -> None:
    whole, safe = tmp_path / "whole.arpa", tmp_path / "safe.arpa"
    shown = cli("export", folder, "--to", "arpa", "--out", whole)
    assert shown.code == 0 and "2 of 13 types look private" in shown.err and "--no-secrets leaves" in shown.err
    done = cli("export", folder, "--to", "arpa", "--out", safe, "--no-secrets", "--json")
    assert json.loads(done.out)["private"] == {"types": 2, "written": False}
    assert all(word in whole.read_text() and word not in safe.read_text() for word in PRIVATE)
    model, trained = elman.load(safe), elman.load(folder)
    assert model.score("call ada now").log_prob == pytest.approx(trained.score("call ada now").log_prob, abs=1e-5)
    assert [model.score(word).oov for word in PRIVATE] == [1, 1]
    assert {word for word, _ in model.complete("call ", n=20).words} == {"call", "ada", "mail", "now"}


def test_onnx_files_leave_it_out_too(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    model = Model(network("gru", lines=LINES), Speller.fit({}))
    model.export_onnx(tmp_path / "onnx", secrets=False)
    vocabulary = (tmp_path / "onnx" / "tokenizer.json").read_text()
    assert "ada" in vocabulary and not any(word in vocabulary for word in PRIVATE)


def test_what_is_spelled_in_pieces_cannot_be_left_out(tmp_path: Path, cli: Any) -> None:
    (tmp_path / "text.txt").write_text("\n".join(LINES))
    elman.train(tmp_path / "text.txt", out=tmp_path / "chars", model="ngram", order=2, level="char")
    done = cli("export", tmp_path / "chars", "--to", "arpa", "--out", tmp_path / "c.arpa", "--no-secrets")
    assert done.code == 2 and "char tokens" in done.err and done.err.count("\n") == 1
    done = cli("export", tmp_path / "chars", "--to", "folder", "--out", tmp_path / "copy", "--no-secrets")
    assert done.code == 2 and "ARPA and ONNX files only" in done.err
