import csv
import gzip
import io
import itertools
import json
import sys
import tracemalloc
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.examples import Example, ExamplesConfig, ReadReport, normalise_text, read_examples
from elman.errors import TextError, UsageError
from elman.progress import Progress
from elman.text.normalise import normalise_line


def file(tmp_path, data, name="a.csv"):
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def read(path, *, labelled=True, report=None, **settings):
    found = read_examples(path, config=ExamplesConfig(**settings), labelled=labelled, report=report)
    return [(example.text, example.labels) for example in found]


def message(path, *, labelled=True, error=TextError, **settings):
    with pytest.raises(error) as caught:
        read(path, labelled=labelled, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{path.parent}/")


class Talk(Progress):
    def __init__(self):
        self.said = []
        self.stages = []

    def say(self, message):
        self.said.append(message)

    @contextmanager
    def stage(self, name, *, total=None, unit=""):
        amounts = []
        yield amounts.append
        self.stages.append((name, total, unit, sum(amounts)))


GOOD_AND_BAD = [("good film", ("1",)), ("bad film", ("0",))]


class TestFormats:
    @pytest.mark.parametrize(
        ("name", "data", "settings"),
        [
            ("a.csv", "id,text,label\n7,good film,1\n8,bad film,0\n", {}),
            ("a.csv", "\ufeffLabel;Text\r\n1;good film\r\n0;bad film", {"text": "text", "label": "label"}),
            ("a.csv", "good film,1\nbad film,0", {"text": "1", "label": "2"}),
            ("a.tsv", "sentence\tlabel\ngood film\t1\nbad film\t0\n", {}),
            ("a.tsv", "good film\t1\nbad film\t0\n", {"text": "1", "label": "2"}),
            ("a.tsv", "1\tgood film\n0\tbad film\n", {"text": "2", "label": "1"}),
            ("a.jsonl", '{"review": "good film", "stars": 1}\n\n{"review": "bad film", "stars": 0}', {}),
            ("a.json", '{"m": {"t": "good film"}, "l": 1}\n{"m": {"t": "bad film"}, "l": 0}',
             {"text": "m.t", "label": "l"}),
            ("a.ft", "__label__1 good film\n__label__0 bad film\n", {}),
            ("a.txt", "\n__label__1 good film\n__label__0 bad film\n", {}),
            ("stsa.fine.train", "1 good film\n0  bad film\n\n", {"label": "first-word"}),
            ("a.txt", "1\tgood film\n\n0 bad film ", {"label": "first-word"}),
            ("a.data", '\n{"text": "good film", "label": "1"}\n{"text": "bad film", "label": "0"}', {}),
            ("a.data", "text,label\ngood film,1\nbad film,0", {"format": "csv"}),
            ("a.txt", "text\tlabel\ngood film\t1\nbad film\t0", {"format": "tsv"}),
        ],
    )  # fmt: skip
    def test_the_same_examples(self, tmp_path, name, data, settings):
        assert read(file(tmp_path, data, name), **settings) == GOOD_AND_BAD
        packed = file(tmp_path, gzip.compress(data.encode()), f"{name}.gz")
        assert read(packed, **settings) == GOOD_AND_BAD

    def test_files_and_lines_are_kept(self, tmp_path):
        one = file(tmp_path, 'text,label\n"two\nlines",a\nx,b\n', "1.csv")
        two = file(tmp_path, "__label__c y\n", "2.ft")
        assert list(read_examples([two, one])) == [
            Example("y", ("c",), str(two), 1),
            Example("two lines", ("a",), str(one), 2),
            Example("x", ("b",), str(one), 4),
        ]

    def test_standard_input(self, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"text": "a", "label": "b"}\n')))
        assert [example.labels for example in read_examples("-")] == [("b",)]
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"__label__c a\n")))
        assert [example.labels for example in read_examples("-")] == [("c",)]

    def test_encodings(self, tmp_path):
        path = file(tmp_path, "text,label\ncafé,ä\n".encode("cp1252"))
        assert read(path, encoding="cp1252") == [("café", ("ä",))]
        assert message(path).startswith("a.csv: not valid utf-8 at byte 14 (0xe9)")
        wide = file(tmp_path, "text,label\ncafé,ä\n".encode("utf-16"))
        assert read(wide, encoding="utf-16") == [("café", ("ä",))]

    def test_nul_bytes(self, tmp_path):
        assert message(file(tmp_path, b"text,label\na\0b,c\n")).startswith("a.csv: binary, not text")

    def test_built_in_texts_have_no_labels(self):
        with pytest.raises(UsageError, match="builtin:pydocs has no labels"):
            read_examples("builtin:pydocs")


class TestFields:
    def test_obvious_names_are_taken_and_said(self, tmp_path):
        path = file(tmp_path, "category,Review ,comment\na,b,c\n")
        other = file(tmp_path, "category,Review ,comment\na,b,c\n", "b.csv")
        talk, report = Talk(), ReadReport()
        assert [e.text for e in read_examples([path, other], progress=talk, report=report)] == ["b", "b"]
        assert not talk.said, "whoever reads the report says it, once"
        assert report.notes == ["taking the text from 'Review' and the label from 'category'"]
        assert talk.stages == [("reading", 2 * path.stat().st_size, "bytes", 2 * path.stat().st_size)]
        report = ReadReport()
        list(read_examples(path, config=ExamplesConfig(text="comment"), report=report))
        assert report.notes == ["taking the label from 'category'"]
        list(read_examples(file(tmp_path, "__label__a b", "a.ft"), report=(report := ReadReport())))
        assert not report.notes

    def test_a_first_row_without_the_label_cell(self, tmp_path):
        assert message(file(tmp_path, "text,label\na\nb,1")) == (
            "a.csv, line 2: only 1 of 2 fields, 'label' is missing; mend that line"
        )

    def test_names_that_are_not_there(self, tmp_path):
        path = file(tmp_path, "id,body,stars\n1,a,b\n")
        assert message(path) == (
            "a.csv: no field is called text, sentence, review or comment; its fields are: id, body, stars; name one "
            "with --text (a number where no line names the columns: --text 1 --label 2)"
        )
        assert "no field 'txt' in its first line; its fields are: id, body, stars" in message(path, text="txt")
        assert "called label, class, sentiment, category or stars; its fields are: text, x" in message(
            file(tmp_path, '{"text": "a", "x": 1}', "a.jsonl")
        )
        assert message(file(tmp_path, '{"text": "a", "label": 1}\n{"text": "b"}', "b.jsonl")) == (
            "b.jsonl, line 2: no field 'label'; its fields are: text"
        )
        assert "lines of fastText have no field 'stars'" in message(
            file(tmp_path, "__label__a b", "a.ft"), label="stars"
        )

    def test_plain_lines_have_no_label(self, tmp_path):
        path = file(tmp_path, "4 a fine film\n", "a.txt")
        assert message(path).startswith("a.txt: lines of plain text have no label; begin each with __label__NAME")
        assert message(path, label="stars").startswith("a.txt: lines of plain text have no field 'stars'")
        assert message(path, label="first-word", text="body").startswith(
            "a.txt: lines of plain text have no field 'body'"
        )

    def test_column_numbers_and_names_do_not_mix(self, tmp_path):
        assert "mix column numbers and names" in message(file(tmp_path, "text,label\na,1"), text="text", label="2")


class TestLabels:
    @pytest.mark.parametrize(
        ("value", "label"),
        [("1", "1"), ("0", "0"), ("-2.50", "-2.5"), ("true", "true"), ("false", "false"), ('" a\\t"', "a"),
         ('"e\\u0301"', "é"), ('["a"]', "a"), ('["a", " a "]', "a"), ('"a,b"', "a,b")],
    )  # fmt: skip
    def test_json_values(self, tmp_path, value, label):
        assert read(file(tmp_path, f'{{"text": "x", "label": {value}}}', "a.jsonl")) == [("x", (label,))]

    @pytest.mark.parametrize(
        ("value", "said"),
        [('{"a": 1}', "field 'label' has a JSON object as label"),
         ('[["a"]]', "field 'label' has a JSON list as label"),
         ('["a", "b"]', "2 labels (a, b); allow several with --multi-label"),
         ('"a\\u0000"', "field 'label' has a NUL character"), ('"\\ud800"', "field 'label' has half a character"),
         ('"' + "x" * 1001 + '"', "field 'label' has a label of 1,001 characters, at most 1,000 are allowed")],
    )  # fmt: skip
    def test_json_values_that_are_no_label(self, tmp_path, value, said):
        path = file(tmp_path, f'{{"text": "x", "label": 1}}\n{{"text": "x", "label": {value}}}', "a.jsonl")
        assert message(path).startswith(f"a.jsonl, line 2: {said}")

    def test_several_labels(self, tmp_path):
        data = 'text,label\nx,"b, a ,b,"\ny,a\nz,\n'
        assert read(file(tmp_path, data), multi_label=True) == [("x", ("b", "a")), ("y", ("a",))]
        assert read(file(tmp_path, "text;label\nx;a|b"), multi_label=True, label_separator="|") == [("x", ("a", "b"))]
        lines = '{"text": "x", "label": ["a,b", 1, true]}\n{"text": "y", "label": []}\n{"text": "z", "label": null}'
        report = ReadReport()
        # An empty list says that no label applies; null says nothing.
        assert read(file(tmp_path, lines, "a.jsonl"), multi_label=True, report=report) == [
            ("x", ("a,b", "1", "true")),
            ("y", ()),
        ]
        assert report.unlabelled == 1
        data = "__label__a __label__b x\n"
        assert read(file(tmp_path, data, "a.ft"), multi_label=True) == [("x", ("a", "b"))]
        assert "a.ft, line 1: 2 labels (a, b); allow several" in message(file(tmp_path, data, "a.ft"))
        assert read(file(tmp_path, "a,b x\n", "a.txt"), multi_label=True, label="first-word") == [("x", ("a", "b"))]

    def test_rows_without_label_are_counted(self, tmp_path):
        report = ReadReport()
        path = file(tmp_path, 'text,label\nx,1\ny, \n,\n" ",2\n\n,0\n')
        assert read(path, report=report) == [("x", ("1",)), ("", ("2",)), ("", ("0",))]
        assert (report.rows, report.unlabelled, report.empty) == (4, 1, 2)
        assert str(report) == "4 rows read, 1 without a label left out, 2 with an empty text"
        assert str(ReadReport(rows=6920)) == "6,920 rows read"
        lines = '{"text": "x", "label": null}\n{"text": "x", "label": "  "}\n{"text": "x", "label": [""]}'
        assert message(file(tmp_path, lines, "a.jsonl")) == (
            "a.jsonl: none of 3 rows has a label; give examples with a text and a label each"
        )

    @pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.ft", "a.txt"])
    def test_nothing(self, tmp_path, name):
        for data in ("", "\n"):
            path = file(tmp_path, data, name)
            assert message(path, label="first-word" if name == "a.txt" else None).startswith(f"{name}: empty")
            assert [text for text, _ in read(path, labelled=False)] == (
                [""] if data and name in ("a.ft", "a.txt") else []
            )
        assert message(file(tmp_path, "text,label\n")).startswith("a.csv: empty, there is no example in it")


class TestUnlabelled:
    def test_each_line_of_plain_text_is_an_example(self, tmp_path):
        assert read(file(tmp_path, "4 good\n\nbad", "a.txt"), labelled=False, label="first-word") == [
            ("4 good", ()),
            ("", ()),
            ("bad", ()),
        ]

    def test_only_the_text_is_looked_for(self, tmp_path):
        assert read(file(tmp_path, "id,text\n1,x\n2,\n"), labelled=False, label="stars") == [("x", ()), ("", ())]
        assert read(file(tmp_path, "x\ny", "a.tsv"), labelled=False, text="1", label="2") == [("x", ()), ("y", ())]
        assert read(file(tmp_path, "__label__a x\ny", "a.ft"), labelled=False) == [("x", ()), ("y", ())]


class TestNormalForm:
    def test_lines_become_one(self):
        assert normalise_text("one \r\n\n\t two\rthree\n") == "one two three"
        assert normalise_text("e\u0301\ufeff") == "é\ufeff"
        assert normalise_text(" \ufeff \ufeff\n\ufeff x") == "x"

    @settings(max_examples=200, deadline=None)
    @given(st.text(st.sampled_from("ab \t\n\r\ufeff\u0301\u00e9\u2028"), max_size=20))
    def test_twice_is_once_and_a_line_of_a_language_model(self, text):
        once = normalise_text(text)
        assert normalise_text(once) == once == normalise_line(once)
        assert "\n" not in once and "\r" not in once

    @pytest.mark.slow
    def test_a_text_of_50_megabytes(self, tmp_path):
        long = "word " * 10_000_000
        ((text, labels),) = read(file(tmp_path, f'text,label\n"{long}",a\n'))
        assert (text, labels) == (long.strip(), ("a",))


@pytest.mark.slow
def test_memory_does_not_follow_the_file(tmp_path):
    path = file(tmp_path, "text,label\n" + "".join(f"some words of row {n},{n % 5}\n" for n in range(40_000)))
    tracemalloc.start()
    count = sum(1 for _ in read_examples(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A block of the file, its text and its lines.
    assert count == 40_000 and path.stat().st_size > 900_000 and peak < 2_500_000


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"encoding": "utf-9"}, "which Python does not know"),
        ({"format": "xml"}, "unknown format 'xml'; known: txt, "),
        ({"text": ""}, "text is empty"),
        ({"label_separator": ""}, "label_separator is empty"),
        ({"text": "a", "label": "a"}, "text and label are both 'a'"),
        ({"multi_label": 1}, "multi_label is 1; it must be true or false"),
    ],
)
def test_settings_that_are_wrong(settings, said):
    with pytest.raises(UsageError, match=said):
        ExamplesConfig(**settings)


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
LABEL = CELL.map(normalise_text).filter(bool)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELL, LABEL), min_size=1, max_size=10))
def test_json_and_csv_give_the_same_examples(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("rows")
    lines = file(folder, "\n".join(json.dumps({"text": text, "label": label}) for text, label in rows), "a.jsonl")
    with open(folder / "a.csv", "w", encoding="utf-8", newline="") as table:
        csv.writer(table, quoting=csv.QUOTE_ALL).writerows(itertools.chain([("text", "label")], rows))
    expected = [(normalise_text(text), (label,)) for text, label in rows]
    assert read(lines) == read(folder / "a.csv") == expected
