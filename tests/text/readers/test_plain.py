import pytest

from elman.errors import TextError
from elman.text.readers.plain import read_plain


def test_each_line_is_a_record_and_blank_lines_are_too():
    records = list(read_plain(iter([" one ", "", "two"]), name="a.txt", fields=["text"]))
    assert [(record.fields, record.line) for record in records] == [
        ({"text": " one "}, 1),
        ({"text": ""}, 2),
        ({"text": "two"}, 3),
    ]


def test_there_is_no_other_field():
    with pytest.raises(TextError, match=r"^a.txt: lines of plain text have no field 'label'; give a .jsonl"):
        list(read_plain(iter([]), name="a.txt", fields=["text", "label"]))
