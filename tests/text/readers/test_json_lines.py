import json

import pytest

from elman.errors import TextError
from elman.text.readers.json_lines import read_json_lines
from elman.text.readers.table import SkippedRecords, field_texts


def texts(data, field="text"):
    return list(field_texts(iter(data.split("\n")), reader=read_json_lines, field=field, name="a.json"))


def message(data, field="text"):
    with pytest.raises(TextError) as caught:
        texts(data, field)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_json_lines():
    data = '{"id": 1, "text": "one\\r\\ntwo"}\n\n{"text": "caf\\u00e9 \\ud83d\\ude00"}\n'
    assert texts(data) == ["one\r\ntwo", "café 😀"]


def test_records_keep_every_field_and_their_line():
    lines = iter(['{"a": 1, "b": [true]}', " ", '{"c": null}'])
    records = list(read_json_lines(lines, name="a.jsonl"))
    assert [(record.fields, record.line, record.name) for record in records] == [
        ({"a": 1, "b": [True]}, 1, "a.jsonl"),
        ({"c": None}, 3, "a.jsonl"),
    ]


def test_nested_fields():
    assert texts('{"message": {"text": "inner"}}', "message.text") == ["inner"]
    assert texts('{"a": {"b": {"c": "deep"}}}', "a.b.c") == ["deep"]
    # A whole name comes first.
    assert texts('{"a.b": "whole", "a": {"b": "inner"}}', "a.b") == ["whole"]
    assert message('{"message": {"body": "b"}}', "message.text").endswith(
        "no field 'message.text'; its fields are: message.body"
    )
    assert message('{"message": "m", "id": 1}', "message.text").endswith("its fields are: message, id")
    assert message('{"id": 1}', "message.text").endswith("its fields are: id")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1, 2]", "a JSON list, not an object"),
        ('"text"', "a JSON string, not an object"),
        ("7", "a JSON number, not an object"),
        ("{'text': 1}", "not valid JSON (Expecting property name enclosed in double quotes)"),
        ('{"text": "a"', "not valid JSON (Expecting ',' delimiter)"),
        ("[" * 100_000, "not valid JSON (too large or too deep)"),
        ('{"text": ' + "1" * 5000 + "}", "not valid JSON (too large or too deep)"),
    ],
)
def test_json_lines_that_are_wrong(line, said):
    assert message('{"text": "good"}\n\n' + line).startswith(f"a.json, line 3: {said}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": null}', "field 'text' is a JSON null, not a string"),
        ('{"text": ["a"]}', "field 'text' is a JSON list, not a string"),
        ('{"text": true}', "field 'text' is a JSON true/false value, not a string"),
        ('{"id": 3, "body": "b"}', "no field 'text'; its fields are: id, body"),
        ("{}", "no field 'text'; its fields are: (none)"),
        ('{"text": "a\\u0000b"}', "field 'text' has a NUL character"),
        ('{"text": "a\\ud800b"}', "field 'text' has half a character"),
        ('{"Text": "a"}', "no field 'text'; its fields are: Text; did you mean 'Text'?"),
    ],
)
def test_records_without_text_are_skipped_and_counted_but_not_all_of_them(line, said):
    report = SkippedRecords()
    lines = iter([line, '{"text": "good"}', "", line])
    assert list(field_texts(lines, reader=read_json_lines, field="text", name="a.json", report=report)) == ["good"]
    assert (report.records, report.skipped) == (3, 2)
    assert report.first.startswith(f"a.json, line 1: {said}")
    assert message(f"{line}\n{line}").startswith(f"a.json, line 1: {said}")


def test_an_array_and_objects_over_many_lines():
    values = [{"n": 1, "text": "one [{"}, {"n": 2.5, "text": "two\n"}, {"n": [3, {}], "text": "drei"}]
    expected = [value["text"] for value in values]
    for indent in (None, 1):
        assert texts(json.dumps(values, indent=indent)) == expected
        assert texts("\n" + json.dumps(values, indent=indent) + "\n\n") == expected
    assert texts("\n".join(json.dumps(value, indent=2) for value in values)) == expected
    assert texts("[]") == []
    pretty = json.dumps(values, indent=1).split("\n")
    assert [record.line for record in read_json_lines(iter(pretty), name="a.json")] == [2, 6, 10]


def test_a_file_that_is_one_text_of_json_is_checked_to_its_end():
    assert message('[{"text": "a"}') == (
        "a.json, line 2: not valid JSON (the array is cut off, or a comma is missing in it); mend the file"
    )
    assert message('[\n{"text": "a"}\n{"text": "b"}]').startswith("a.json, line 3: not valid JSON (the array is cut")
    assert message('[{"text": "a"},\n]').startswith("a.json, line 2: not valid JSON (a comma before the end")
    assert message('{\n"text": "a",\n"n": no\n}').startswith("a.json, line 3: not valid JSON (Expecting value)")
    assert message('{\n"text": "a"').startswith("a.json, line 3: not valid JSON (Expecting ',' delimiter)")
    assert message('["a"]').startswith("a.json, line 1: a JSON string, not an object")
    # It is no longer JSON lines, so the fault is found in the second line.
    assert "not valid JSON" in message('{"text": "a"\n{"text": "b"}')


def test_lists_within_a_record():
    export = {
        "name": "chat",
        "messages": [
            {"text": "plain"},
            {"text": ["see ", {"type": "link", "text": "here"}, "!"]},
            {"text": 7},
            {"photo": "x"},
        ],
    }
    for indent in (None, 1):
        assert texts(json.dumps(export, indent=indent), "messages[].text") == ["plain", "see here!"]
    assert message(json.dumps(export), "text").endswith(
        "its fields are: name, messages; did you mean 'messages[].text'?"
    )
    assert message(json.dumps(export), "chats[].text").startswith("a.json, line 1: no field 'chats[].text'")
    deeper = {"threads": [{"posts": [{"body": {"text": "a"}}, {"body": {"text": "b"}}]}, {"posts": []}, {}]}
    assert texts(json.dumps(deeper), "threads[].posts[].body.text") == ["a", "b"]
    labelled = read_json_lines(
        iter(['{"day": 3, "rows": [{"text": "a", "label": 1}, {"text": "b", "label": 2}]}']),
        name="a.jsonl",
        fields=["rows[].text", "rows[].label", "day"],
    )
    assert [[*record.fields.values()][2:] for record in labelled] == [["a", 1], ["b", 2]]


def test_a_hostile_field_name_stays_on_one_line():
    said = message('{"a\\nb": 1, "' + "x" * 1000 + '": 2}')
    assert said.endswith("its fields are: a b, " + "x" * 40 + "...")


@pytest.mark.slow
def test_a_string_of_50_megabytes():
    long = "x" * 50_000_000
    assert texts('{"text": "' + long + '"}') == [long]
