"""A flag that does not apply is refused, whatever its value: the default is no exception."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Call = Callable[..., Any]


def refused(cli: Call, *words: object) -> str:
    result = cli(*words)
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    return line.removeprefix("elman: ")


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (("evaluate", "CLASSIFIER", "TEXT", "--context", "document"), "--context"),
        (("evaluate", "CLASSIFIER", "TEXT", "--document", "file"), "--document"),
        (("evaluate", "CLASSIFIER", "TEXT", "--cache"), "--cache"),
        (("evaluate", "CLASSIFIER", "TEXT", "--mix", "NGRAM"), "--mix"),
        (("evaluate", "NGRAM", "TEXT", "--beam-size", "5"), "--beam-size"),
        (("mix", "NGRAM=0.5", "NGRAM=0.5", "--document", "file", "--out", "mixed"), "--document"),
        (("predict", "CLASSIFIER", "x", "--explain", "--n-best", "1"), "--n-best"),
        (("predict", "CLASSIFIER", "x", "--explain", "--beam-size", "5"), "--beam-size"),
        (("rank", "TEXT", "--query", "x", "--folds", "5"), "--folds"),
        (("rank", "TEXT", "--query", "x", "--run", "run.txt"), "--run"),
        (("rank", "TEXT", "--save-index", "index", "-n", "10"), "-n"),
        (("answer", "TEXT", "who", "--weight", "0.05"), "--weight"),
        (("complete", "NGRAM", "x", "a", "b", "--candidates", "-n", "5"), "-n"),
        (("xray", "--task", "recall", "--positions", "24"), "--positions"),
        (("compare", "TEXT", "--vectors", "v", "--matters", "1%"), "--matters"),
        (("train", "TEXT", "--model", "ngram", "--rival", "--out", "new"), "--rival"),
        (("train", "--resume", "--out", "NGRAM", "--precision", "auto"), "--resume"),
    ],
)
def test_it_is_named(
    cli: Call, words: tuple[str, ...], flag: str, ngram_folder: Path, reviews_folder: Path, text_file: Path,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    places = {"NGRAM": ngram_folder, "CLASSIFIER": reviews_folder, "TEXT": text_file}
    for name, place in places.items():
        words = tuple(word.replace(name, str(place)) for word in words)
    assert flag in refused(cli, *words)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("evaluate", "NGRAM", "TEXT", "--context", ""), "--context is ''"),
        (("evaluate", "NGRAM", "TEXT", "--document", ""), "--document is ''"),
        (("evaluate", "NGRAM", "TEXT", "--encoding", ""), "--encoding is ''"),
        (("mix", "NGRAM", "NGRAM", "--tune", "TEXT", "--context", "", "--out", "mixed"), "context is ''"),
        (("rank", "TEXT", "--query", "x", "--encoding", ""), "encoding is ''"),
        (("summarize", "TEXT", "--encoding", ""), "encoding is ''"),
        (("train", "TEXT", "--precision", "", "--out", "new"), "--precision is ''"),
        (("xray", "NGRAM", "TEXT", "--document", ""), "--document is ''"),
        (("compare", "TEXT", "--task", ""), "task is ''"),
    ],
)
def test_an_empty_value_is_no_default(
    cli: Call, words: tuple[str, ...], says: str, ngram_folder: Path, text_file: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name, place in {"NGRAM": ngram_folder, "TEXT": text_file}.items():
        words = tuple(word.replace(name, str(place)) for word in words)
    assert says in refused(cli, *words)
