"""Files of SQuAD's shape: where answers stand, parts of a file, several files."""

import json
from pathlib import Path
from typing import Any

import pytest

from elman.data.squad import read_squad
from elman.errors import TextError
from elman.progress import Progress

TEXT = "Ada met Ada in Turin, near the Po."


def written(path: Path, answers: list[dict[str, Any]], **more: Any) -> str:
    asked = {"id": path.stem, "question": "Who?", "answers": answers, **more}
    paragraph = {"context": TEXT, "qas": [asked]}
    path.write_text(json.dumps({"data": [{"title": "A b", "paragraphs": [paragraph]}]}))
    return str(path)


@pytest.mark.parametrize(
    ("answers", "texts", "start"),
    [
        ([{"text": "Ada", "answer_start": 8}], ("Ada",), 8),
        ([{"text": "Ada", "answer_start": 6}], ("Ada",), 8),  # counted otherwise: the nearest one
        ([{"text": "Ada", "answer_start": 2}], ("Ada",), 0),
        ([{"text": "Ada"}], ("Ada",), 0),
        ([{"text": "Turin", "answer_start": -7}, {"text": "Po"}, {"text": "Turin"}], ("Turin", "Po"), 15),
        ([{"text": "Genoa", "answer_start": 0}], ("Genoa",), None),
        ([{"text": "", "answer_start": 3}], ("",), None),
        ([], (), None),
    ],
)
def test_where_an_answer_stands(answers: Any, texts: tuple[str, ...], start: int | None, tmp_path: Path) -> None:
    (found,) = read_squad(written(tmp_path / "a.json", answers)).questions
    assert (found.answers, found.start) == (texts, start)


def test_what_is_not_where_the_file_says_is_counted(tmp_path: Path) -> None:
    class Said(Progress):
        lines: list[str] = []

        def say(self, message: str) -> None:
            self.lines.append(message)

    starts = [("Ada", 8), ("Ada", 6), ("Turin", "x"), ("Po", None), ("Genoa", 0)]
    read_squad(
        written(tmp_path / "a.json", [{"text": text, "answer_start": at} for text, at in starts]), progress=Said()
    )
    moved, missing = Said.lines
    assert moved.startswith("note: 3 answers moved: answer_start names another place")
    assert missing.startswith("note: 1 answer not in the paragraph")
    Said.lines.clear()
    read_squad(written(tmp_path / "a.json", [{"text": "Ada", "answer_start": 8}]), progress=Said())
    assert not Said.lines


RECORDS = [
    {"id": 7, "context": TEXT, "question": "Who?", "answers": {"text": ["Ada", "Ada"], "answer_start": [8, 0]}},
    {"context": "The Po.", "question": "Where?", "answers": [{"text": "Po", "answer_start": 4}]},
    {"id": "c", "context": TEXT, "question": "When?", "answers": {"text": [], "answer_start": []}},
]


@pytest.mark.parametrize(
    "text", [json.dumps(RECORDS), json.dumps(RECORDS, indent=1), "\n".join(map(json.dumps, RECORDS)) + "\n"]
)
def test_records_of_tables(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    found = read_squad(str(tmp_path / "a.json"))
    assert [each.text for each in found.paragraphs] == [TEXT, "The Po."]
    assert [(each.id, each.paragraph, each.answers, each.start) for each in found.questions] == [
        ("7", 0, ("Ada",), 8), ("2", 1, ("Po",), 4), ("c", 0, (), None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (RECORDS[0] | {"answers": {"text": ["Ada"], "answer_start": []}}, "record 1: answers have no lists text and"),
        (RECORDS[0] | {"answers": "Ada"}, "record 1: answers is no list of objects"),
        (RECORDS[0] | {"question": None}, "record 1: question is no text"),
        (RECORDS[0] | {"id": 1.5}, "record 1: id is no text"),
        ("Ada", "record 1 is no object with context, question and answers"),
    ],
)
def test_what_a_record_lacks_is_named(record: Any, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([record]))
    with pytest.raises(TextError, match=f"a.json, {message}"):
        read_squad(str(tmp_path / "a.json"))


def test_an_impossible_question_has_no_answer(tmp_path: Path) -> None:
    # Plausible answers of SQuAD 2.0 do not count.
    file = written(tmp_path / "a.json", [{"text": "Ada", "answer_start": 0}], is_impossible=True)
    (found,) = read_squad(file).questions
    assert (found.answers, found.start) == ((), None)


def test_several_files_and_parts_of_them(tmp_path: Path) -> None:
    names = [written(tmp_path / f"{name}.json", [{"text": "Po", "answer_start": 31}]) for name in "abc"]
    whole = read_squad(*names)
    assert [each.id for each in whole.paragraphs] == ["A_b/0", "A_b/1", "A_b/2"]
    part = whole.part([2, 0])
    assert [each.id for each in part.paragraphs] == ["A_b/2", "A_b/0"]
    assert [(each.id, each.paragraph) for each in part.questions] == [("a", 1), ("c", 0)]
