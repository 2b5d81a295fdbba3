"""elman predict: labels, probabilities and explanations, of arguments and of standard input."""

import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import elman

Call = Callable[..., Any]


def good(result: Any) -> Any:
    assert result.code == 0 and result.err == "", result.err
    return result.out


def test_labels_and_probabilities(cli: Call, reviews_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["a good film", "", "a bad story"]
    probabilities = elman.load(reviews_folder).predict_proba(texts)
    named = [("pos" if row[1] > row[0] else "neg") for row in probabilities]
    assert (named[0], named[2]) == ("pos", "neg")
    lines = [f"{name}\t{max(row):.4f}" for name, row in zip(named, probabilities, strict=True)]
    assert good(cli("predict", reviews_folder, *texts)).splitlines() == lines
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a good film\r\n\na bad story")))
    assert good(cli("predict", reviews_folder)).splitlines() == lines
    rows = [f"{name}\t{row[0]:.4f}\t{row[1]:.4f}" for name, row in zip(named, probabilities, strict=True)]
    assert good(cli("predict", reviews_folder, *texts, "--proba")).splitlines() == ["label\tneg\tpos", *rows]
    printed = [json.loads(line) for line in good(cli("predict", reviews_folder, *texts, "--json")).splitlines()]
    assert [each["labels"] for each in printed] == [[name] for name in named]
    assert [list(each["probabilities"].values()) for each in printed] == probabilities.tolist()


def test_explanations(cli: Call, reviews_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = elman.load(reviews_folder)
    shown = good(cli("predict", reviews_folder, "A good film!", "a dull end", "--explain"))
    assert shown == f"{model.explain('A good film!')}\n\n{model.explain('a dull end')}\n"
    first = shown.splitlines()
    assert first[0].startswith("pos: ") and first[2].split()[1:] == ["++++++++++", "good"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a good film\n\n")))
    lines = good(cli("predict", reviews_folder, "--explain", "--label", "neg", "--json")).splitlines()
    expected = [model.explain(text, label="neg").to_json() for text in ("a good film", "")]
    assert [json.loads(line) for line in lines] == json.loads(json.dumps(expected))


@pytest.mark.slow
def test_a_page(cli: Call, reviews_folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "why.html"
    shown = cli("predict", reviews_folder, "a <good> film", "--html", page)
    assert shown.code == 0 and shown.err == f"{page} is written\n"
    assert shown.out.splitlines()[0].startswith("pos: ")
    html = page.read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>") and "&lt;" in html and "<good>" not in html


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("x", "--explain", "--proba"), "--proba and --explain print two kinds of tables; give one of them"),
        (("x", "--label", "pos"), "--label names the label to explain; add --explain"),
        (("x", "--explain", "--label", "good"), "there is no label 'good'; the labels are: neg, pos"),
        (("x", "y", "--html", "why.html"), "--html shows one text, not several or none"),
        (("x", "--html", "no/folder/why.html"), "cannot write no/folder/why.html"),
        (("x", "--picture", "why.gif"), "--picture is why.gif; it must end with .png or .svg"),
        (("x", "y", "--picture", "why.png"), "--picture shows one text, not several or none"),
    ],
)
def test_mistakes_are_said_in_one_line(cli: Call, reviews_folder: Path, flags: tuple[str, ...], message: str) -> None:
    result = cli("predict", reviews_folder, *flags)
    assert result.code == 2 and result.out == "" and message in result.err and result.err.count("\n") == 1


@pytest.mark.parametrize("flags", [("--n-best", "2"), ("--input-format", "text"), ("--format", "jsonl")])
def test_flags_of_taggers(cli: Call, reviews_folder: Path, flags: tuple[str, ...]) -> None:
    result = cli("predict", reviews_folder, *flags)
    assert result.code == 2 and re.search(
        f"is no (tagger|translator or captioner); leave out {flags[0]}$", result.err.strip()
    )


def test_a_language_model_predicts_no_labels(cli: Call, ngram_folder: Path) -> None:
    result = cli("predict", ngram_folder, "x", "--explain")
    assert result.code == 2 and "continues text; say: elman complete" in result.err


TINY = ("--updates", "1", "--hidden-size", "4", "--threads", "1")


@pytest.mark.slow
def test_vectors_and_no_rival(cli: Call, reviews_file: Path, tmp_path: Path) -> None:
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("good 1 0 0\nbad 0 1 0\n")
    folder, flags = tmp_path / "model", ("--task", "classify", "--vectors", vectors, *TINY)
    result = cli("train", reviews_file, *flags, "--no-rival", "--json", "--out", folder)
    assert result.code == 0, result.err
    figures = json.loads(result.out)["test"]
    assert [rival["name"] for rival in figures["rivals"]] == ["the most frequent label"]
    assert figures["notes"][0] == "the rival was left out (--no-rival)"
    assert elman.load(folder).config.embedding_size == 3
    result = cli("train", reviews_file, "--task", "vectors", "--vectors", vectors, "--out", tmp_path / "other")
    assert result.code == 2 and "--vectors is not a setting of a model" in result.err
    for words in (("--vectors", vectors), ("--no-rival",)):
        result = cli("train", *words, "--out", folder, "--resume")
        assert result.code == 2 and "--resume takes everything from the folder" in result.err


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            b"a good film\ncaf\xe9\n",
            "byte 3 of line 2 of standard input is 0xe9, which is not UTF-8; such text is often",
        ),
        ("a good film".encode("utf-16"), "the text is UTF-16"),
    ],
)
def test_lines_that_are_not_utf8(
    cli: Any, reviews_folder: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, words: str
) -> None:
    # As under a locale that lets every byte pass, and as under one that does not.
    for errors in ("surrogateescape", "strict"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors=errors))
        result = cli("predict", reviews_folder)
        assert result.code == 2 and words in result.err and "Traceback" not in result.err


def test_a_text_that_was_not_utf8_on_the_command_line(cli: Any, reviews_folder: Path) -> None:
    result = cli("predict", reviews_folder, "caf\udce9")
    assert result.code == 2 and "character 3 of a line was the byte 0xe9, which is not UTF-8" in result.err
