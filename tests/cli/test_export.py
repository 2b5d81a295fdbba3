"""elman export, and ARPA files wherever a model is asked for."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import elman

Call = Callable[..., Any]

ARPA = """\\data\\
ngram 1=6
ngram 2=4

\\1-grams:
-99\t<s>\t-0.3
-0.5\t</s>
-0.7\tsun\t-0.2
-1\train
-0.8\tand\t-0.1
-1.5\t<unk>

\\2-grams:
-0.1\t<s> sun
-0.3\tsun and
-0.05\tand rain
-0.02\train </s>

\\end\\
"""


@pytest.fixture(params=["model.arpa", "model.gz", "no-suffix"])
def arpa(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / request.param
    path.write_bytes(gzip.compress(ARPA.encode()) if path.suffix == ".gz" else ARPA.encode())
    return path


def good(result: Any) -> Any:
    assert result.code == 0, result.err
    return result


def fails(result: Any, *parts: str) -> None:
    assert result.code == 2 and result.out == ""
    last = result.err.strip().splitlines()[-1]
    assert last.startswith("elman: ")
    for part in parts:
        assert part in last, last


@pytest.mark.slow
def test_an_arpa_file_is_a_model(cli: Call, arpa: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("sun and rain\n" * 100)
    line = json.loads(good(cli("score", arpa, text, "--json")).out.splitlines()[0])
    # log10: -0.1 - 0.3 - 0.05 - 0.02
    assert line["log_prob"] == pytest.approx(-0.47 * 2.302585, abs=1e-5) and line["tokens"] == 4 and line["oov"] == 0
    assert good(cli("complete", arpa, "sun and", "-n", "1")).out.startswith("rain")
    assert good(cli("generate", arpa, "sun", "--temperature", "0", "--max-tokens", "3")).out == "sun and rain\n\n"
    info = json.loads(good(cli("info", arpa, "--json")).out)
    assert info["model"]["name"] == "ngram" and info["model"]["vocabulary"] == 5
    assert info["imported"]["file"] == arpa.name and info["bytes"] == arpa.stat().st_size
    assert "5 types" in good(cli("info", arpa)).out
    found = json.loads(good(cli("evaluate", arpa, text, "--context", "independent", "--json")).out)
    assert found["perplexity"] == pytest.approx(10 ** (0.47 / 4), rel=1e-5)


def test_arpa_files_mix(cli: Call, arpa: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("sun and rain\nsun\n" * 100)
    other = tmp_path / "other.arpa"
    other.write_text(ARPA.replace("-0.5\t</s>", "-0.1\t</s>"))
    found = json.loads(good(cli("evaluate", arpa, text, "--mix", other, "--tune", text, "--json")).out)
    assert found["adapted"]["perplexity"] < found["perplexity"]


@pytest.mark.slow
def test_export_to_arpa_and_to_a_folder_and_back(
    cli: Call, ngram_folder: Path, text_file: Path, tmp_path: Path
) -> None:
    one, two, three = tmp_path / "one.arpa.gz", tmp_path / "two", tmp_path / "three.arpa"
    shown = json.loads(good(cli("export", ngram_folder, "--to", "arpa", "--out", one, "--json")).out)
    assert shown["to"] == "arpa" and shown["out"] == str(one) and shown["bytes"] == one.stat().st_size
    assert good(cli("export", one, "--to", "folder", "--out", two)).out.startswith(f"{two}: ngram, order 3, ")
    good(cli("export", two, "--to", "arpa", "--out", three))
    assert gzip.decompress(one.read_bytes()) == three.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.arpa.gz", "three.arpa", "two"]
    (tmp_path / "line.txt").write_text("Anna sees the old house in the morning.\n")
    shown_by = [good(cli("score", model, tmp_path / "line.txt", "--json")) for model in (ngram_folder, two, three)]
    scores = [json.loads(shown.out)["log_prob"] for shown in shown_by]
    assert scores[1] == scores[2] == pytest.approx(scores[0], abs=1e-4)
    assert "unknown words are spelled" in shown_by[2].err and not shown_by[0].err


def test_what_export_refuses(cli: Call, lstm_folder: Path, ngram_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.arpa"
    fails(cli("export", ngram_folder, "--to", "onnx", "--out", out), "this model (ngram) is not a network")
    fails(cli("export", ngram_folder, "--to", "paper", "--out", out), "--to is 'paper'", "arpa")
    fails(cli("export", ngram_folder, "--to", "arpa", "--out", tmp_path), "is a folder", "model.arpa.gz")
    fails(cli("export", ngram_folder, "--to", "arpa", "--out", tmp_path / "no" / "a.arpa"), "cannot write")
    fails(cli("export", ngram_folder, "--to", "folder", "--out", ngram_folder), "not empty")
    fails(cli("export", ngram_folder, "--to", "arpa"), "--out")
    assert list(tmp_path.iterdir()) == []


def test_export_to_onnx(cli: Call, lstm_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "onnx"
    shown = json.loads(
        good(cli("export", lstm_folder, "--to", "onnx", "--out", out, "--precision", "fp32", "--json")).out
    )
    assert shown["to"] == "onnx" and shown["bytes"] == sum(file.stat().st_size for file in out.iterdir())
    about = json.loads((out / "onnx.json").read_text())
    assert about["precision"] == "fp32" and set(about["files"]) == {"step.onnx", "score.onnx"}
    assert (out / "tokenizer.json").read_bytes() == (lstm_folder / "tokenizer.json").read_bytes()
    session = onnxruntime.InferenceSession(out / "step.onnx", providers=["CPUExecutionProvider"])
    inputs = about["files"]["step.onnx"]["inputs"]
    assert [each.name for each in session.get_inputs()] == list(inputs)
    zeros = {name: np.zeros((1, shape[1]), np.float32) for name, shape in inputs.items() if name != "ids"}
    (log_probs,) = session.run(["log_probs"], {"ids": np.array([about["bos_id"]]), **zeros})
    model = elman.load(lstm_folder, torch=True).lm
    np.testing.assert_allclose(log_probs, model.log_probs(model.start()), atol=1e-4)
    fails(cli("export", lstm_folder, "--to", "onnx", "--out", out), "not empty")
    fails(cli("export", lstm_folder, "--to", "onnx", "--out", tmp_path / "p", "--precision", "int4"), "int8 or fp32")
    fails(cli("export", lstm_folder, "--to", "folder", "--out", tmp_path / "p", "--precision", "int8"), "--precision")


def test_a_file_that_is_no_model(cli: Call, text_file: Path, tmp_path: Path) -> None:
    fails(cli("complete", text_file, "Anna"), "is not an ARPA file", "elman train --out")
    cut = tmp_path / "cut.arpa"
    cut.write_text(ARPA.split("-0.05")[0])
    fails(cli("info", cut), "cut.arpa, line 16", "promises 4 2-grams")
    found = json.loads(cli("info", cut, "--json").out)
    assert found["error"]["code"] == "folder"
