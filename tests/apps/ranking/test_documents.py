"""Documents need names of their own, and an index is no text."""

from pathlib import Path

import pytest
from tests.in_process import run_here

from elman.apps.ranking.documents import read_named
from elman.errors import TextError


def test_an_id_that_comes_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    file = tmp_path / "docs.jsonl"
    file.write_text(
        '{"id": "b", "text": "one"}\n{"id": 3, "text": "two"}\n\n{"id": "b", "text": "three"}\n{"text": "4"}\n'
    )
    with pytest.raises(TextError, match=r"docs.jsonl, line 4: its id is that of .*docs.jsonl, line 1; give each"):
        list(read_named(file))
    # Without an id the number counts, which may be somebody's id.
    file.write_text('{"id": "2", "text": "one"}\n{"text": "two"}\n')
    with pytest.raises(TextError, match="line 2: its id is that of .*line 1"):
        list(read_named(file))
    (tmp_path / "docs.tsv").write_text("a\tone\nb\ttwo\na\tthree\n")
    with pytest.raises(TextError, match="docs.tsv, line 3: its id is that of .*docs.tsv, line 1"):
        list(read_named(tmp_path / "docs.tsv"))


def test_no_column_is_lost(tmp_path: Path) -> None:
    (tmp_path / "docs.tsv").write_text("a\tone\ttwo\n")
    with pytest.raises(TextError, match="docs.tsv, line 1: 3 columns, and ID<TAB>TEXT has two; name them"):
        list(read_named(tmp_path / "docs.tsv"))


def test_files_of_a_folder_have_names_of_their_own(tmp_path: Path) -> None:
    for name, text in (("a", "one"), ("b", "two")):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"text": "{text}"}}\n')
    assert [each.id for each in read_named(tmp_path)] == [f"{tmp_path / name}.jsonl:1" for name in "ab"]
    (tmp_path / "c.jsonl").write_text('{"id": "x", "text": "three"}\n')
    (tmp_path / "d.jsonl").write_text('{"text": "four"}\n{"id": "x", "text": "five"}\n')
    with pytest.raises(TextError, match=r"d.jsonl, line 2: its id is that of .*c.jsonl, line 1"):
        list(read_named(tmp_path))


def test_an_index_is_neither_overwritten_nor_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "docs.txt").write_text("one wing\ntwo wings\n")
    save = ["elman", "rank", "docs.txt", "--save-index", "index"]
    run_here(save, tmp_path)
    with pytest.raises(AssertionError, match="index exists and is not empty; choose another folder\n"):
        run_here(save, tmp_path)
    with pytest.raises(AssertionError, match="index is the folder of a model or an index, not of text"):
        run_here(["elman", "train", "index", "--model", "ngram", "--out", "model"], tmp_path)
    assert not (tmp_path / "model").exists()
