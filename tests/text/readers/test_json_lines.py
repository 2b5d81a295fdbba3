import pytest

from elman.errors import TextError
from elman.text.readers.json_lines import read_json_lines
from elman.text.readers.table import field_texts


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
        ('{"text": null}', "field 'text' is a JSON null, not a string"),
        ('{"text": ["a"]}', "field 'text' is a JSON list, not a string"),
        ('{"text": true}', "field 'text' is a JSON true/false value, not a string"),
        ('{"id": 3, "body": "b"}', "no field 'text'; its fields are: id, body"),
        ("{}", "no field 'text'; its fields are: (none)"),
        ('{"text": "a\\u0000b"}', "field 'text' has a NUL character"),
        ('{"text": "a\\ud800b"}', "field 'text' has half a character"),
    ],
)
def test_json_lines_that_are_wrong(line, said):
    assert message('{"text": "good"}\n\n' + line).startswith(f"a.json, line 3: {said}")


def test_a_hostile_field_name_stays_on_one_line():
    said = message('{"a\\nb": 1, "' + "x" * 1000 + '": 2}')
    assert said.endswith("its fields are: a b, " + "x" * 40 + "...")


def test_a_string_of_50_megabytes():
    long = "x" * 50_000_000
    assert texts('{"text": "' + long + '"}') == [long]
