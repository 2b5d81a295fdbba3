from pathlib import Path

import pytest

from elman.apps.ranking import documents
from elman.apps.ranking.build import IndexedDocument
from elman.apps.ranking.documents import read_named
from elman.apps.ranking.trec import ordered, parse_grades, read_qrels, read_run, run_lines
from elman.errors import TextError, UsageError


def _file(folder: Path, text: str, name: str = "file.txt") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    scores = {"d1": 0.1 + 0.2, "d2": -1e-9, "d3": 7.0}
    lines = run_lines("q", ((each, scores[each]) for each in ordered(scores)), "mine")
    assert read_run(_file(tmp_path, "\n".join(lines) + "\n\n")) == {"q": scores}


def test_order_is_that_of_trec_eval() -> None:
    # Scores that differ beyond float32 are equal, and then the last name comes first.
    assert ordered({"d1": 1.0, "d10": 1.0 + 1e-12, "d2": 1.0, "d3": 1.1}) == ["d3", "d2", "d10", "d1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("q Q0 d 1 2.0\n", "line 1: 5 columns"),
        ("q Q0 d 1 high me\n", "the score is 'high'"),
        ("q Q0 d 1 nan me\n", "the score is 'nan'"),
        ("q Q0 d 1 2 me\nq Q0 d 2 1 me\n", "line 2: document d comes again"),
        ("\n", "is empty"),
    ],
)
def test_what_is_no_run_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(TextError, match=message):
        read_run(_file(tmp_path, text))


def test_judgements_in_three_forms(tmp_path: Path) -> None:
    expected = {"1": {"184": 2, "29": 0}}
    assert read_qrels(_file(tmp_path, "1 0 184 2\n1 0 29 0\n")) == expected
    assert read_qrels(_file(tmp_path, "1\t184\t2\n1\t29\t0\n")) == expected
    assert read_qrels(_file(tmp_path, "query-id\tcorpus-id\tscore\n1\t184\t2\n1\t29\t0\n")) == expected


def test_grades_that_run_backwards(tmp_path: Path) -> None:
    file = _file(tmp_path, "1 184 1\n1 29 3\n1 31 4\n1 12 -1\n")
    assert read_qrels(file, parse_grades("1,2,3")) == {"1": {"184": 3, "29": 1, "31": 0, "12": 0}}
    assert read_qrels(file, parse_grades("1=5, 4=1"))["1"] == {"184": 5, "29": 0, "31": 1, "12": 0}
    with pytest.raises(TextError, match="no document is relevant"):
        read_qrels(file, parse_grades("7"))


@pytest.mark.parametrize("text", ["", "1,", "good", "1=2=3", "1=-1", "1,1", "1=2,3"])
def test_what_are_no_grades_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="grades are"):
        parse_grades(text)


@pytest.mark.parametrize(
    ("text", "message"), [("1 0 d\n2 0 d\n", "line 2: the grade is 'd'"), ("1 0 d 1 x\n", "5 col")]
)
def test_what_are_no_judgements_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(TextError, match=message):
        read_qrels(_file(tmp_path, text))


def test_names_with_blanks_are_no_columns() -> None:
    with pytest.raises(UsageError, match="'my file.txt' has blanks"):
        list(run_lines("q", [("my file.txt", 1.0)], "bm25"))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.txt", "one\n\nthree\n", [("1", "one"), ("2", ""), ("3", "three")]),
        ("a.tsv", "d1\tone\nd2\ttwo\n", [("d1", "one"), ("d2", "two")]),
        ("a.tsv", "id\ttext\nd1\tone\n", [("d1", "one")]),
        ("a.tsv", "D1\thttps://a.org\tT\tone\nD2\t\t\ttwo\n", [("D1", "T\none", "T"), ("D2", "two")]),
        ("a.csv", "docno,text\nd1,\"one, two\"\n", [("d1", "one, two")]),
        ("a.jsonl", '{"_id": "d1", "title": "T", "text": "one"}\n', [("d1", "T\none", "T")]),
        ("a.jsonl", '{"id": 7, "title": "one", "text": "one two", "query": "x"}\n', [("7", "one two", "one")]),
        ("a", '{"text": "one"}\n{"text": "two"}\n', [("1", "one"), ("2", "two")]),
    ],
)  # fmt: skip
def test_documents_have_names(name: str, text: str, expected: list[tuple[str, ...]], tmp_path: Path) -> None:
    found = read_named(_file(tmp_path, text, name))
    assert [tuple(each) if each.title else (each.id, each.text) for each in found] == expected


def test_files_of_a_folder_are_documents(tmp_path: Path) -> None:
    _file(tmp_path, "one\ntwo\n", "b.txt")
    _file(tmp_path, "three", "a.txt")
    assert [each.text for each in read_named(tmp_path)] == ["three", "one\ntwo"]


def test_the_built_in_text_has_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [("one", True), ("", False), ("two", False), ("three", True)]
    monkeypatch.setattr(documents, "read_lines", lambda name, config: iter(lines) if name == "builtin:pydocs" else None)
    assert [(each.id, each.text) for each in read_named("builtin:pydocs")] == [("1", "one\n\ntwo"), ("2", "three")]


def test_a_field_is_taken_alone(tmp_path: Path) -> None:
    file = _file(tmp_path, '{"id": "1", "title": "T", "text": "x", "message": {"body": "deep"}}\n', "a.jsonl")
    assert list(read_named(file, field="message.body")) == [IndexedDocument("1", "deep")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"id": 1, "words": "x"}\n', "line 1: no field 'text'; its fields are: id, words"),
        ('{"id": 1, "text": null}\n', "line 1: field 'text' is a JSON null"),
        ('{"id": 1.5, "text": "x"}\n', "line 1: the id is 1.5; it must be"),
        ('{"id": "\\ud800", "text": "x"}\n', "half a character"),
        ('{"id": " ", "text": "b"}\n', "line 1: the id is ' '; it must be a string that is not blank"),
    ],
)
def test_records_without_a_text_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(TextError, match=message):
        list(read_named(_file(tmp_path, text, "a.jsonl")))
