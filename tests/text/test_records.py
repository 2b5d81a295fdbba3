import csv

import pytest

from elman.errors import TextError
from elman.text.records import field_texts


def texts(data, kind, field="text"):
    return list(field_texts(iter(data.split("\n")), kind=kind, field=field, name=f"a.{kind}"))


def message(data, kind, field="text"):
    with pytest.raises(TextError) as caught:
        texts(data, kind, field)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_json_lines():
    data = '{"id": 1, "text": "one\\r\\ntwo"}\n\n{"text": "caf\\u00e9 \\ud83d\\ude00"}\n'
    assert texts(data, "json") == ["one\r\ntwo", "café 😀"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1, 2]", "a JSON list, not an object"),
        ('"text"', "a JSON string, not an object"),
        ("7", "a JSON number, not an object"),
        ("{'text': 1}", "not valid JSON (Expecting property name enclosed in double quotes)"),
        ('{"text": "a"', "not valid JSON (Expecting ',' delimiter)"),
        ("[" * 100_000, "not valid JSON (too large or too deep)"),
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
    assert message('{"text": "good"}\n\n' + line, "json").startswith(f"a.json, line 3: {said}")


def test_csv_quotes_line_ends_and_long_fields():
    long = "x" * 200_000
    limit = csv.field_size_limit()
    assert texts(f'id,text\n1,"a ""b""\nc, d"\n\n2,{long}', "csv") == ['a "b"\nc, d', long]
    assert csv.field_size_limit() == limit


def test_csv_that_is_wrong():
    assert message("id,body\n1,a", "csv") == "a.csv: no field 'text' in its first line; its fields are: id, body"
    assert message("", "csv").endswith("its fields are: (none)")
    assert message("id,text\n1,a\n2", "csv") == ("a.csv, line 3: only 1 of 2 fields, 'text' is missing; mend that line")
    assert message('id,text\n1,"a\n2,b\n3,c', "csv").startswith("a.csv, line 4: not valid CSV (unexpected end of data)")
    assert message('id,text\n1,"a" b\n2,"c"', "csv").startswith("a.csv, line 2: not valid CSV")


def test_tsv_takes_quotes_literally():
    assert texts('id\ttext\n1\t"Oh," he said\n2\t"never closed\n\n3\ta b', "tsv") == [
        '"Oh," he said',
        '"never closed',
        "a b",
    ]
    assert message("id\ttext\n1", "tsv") == "a.tsv, line 2: only 1 of 2 fields, 'text' is missing; mend that line"


def test_many_fields_are_not_all_listed():
    header = ",".join(f"f{number}" for number in range(30))
    assert message(header, "csv").endswith("its fields are: f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, ...")
