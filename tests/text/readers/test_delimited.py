import csv
import io
import itertools
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.errors import TextError
from elman.text.decoding import raw_lines
from elman.text.readers.delimited import read_csv, read_tsv
from elman.text.readers.table import READERS, field_texts
from elman.text.sources import find_sources


def texts(data, kind, field="text"):
    return list(field_texts(iter(data.split("\n")), reader=READERS[f".{kind}"], field=field, name=f"a.{kind}"))


def message(data, kind, field="text"):
    with pytest.raises(TextError) as caught:
        texts(data, kind, field)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rows(data, reader=read_csv, fields=()):
    return [record.fields for record in reader(iter(data.split("\n")), name="a.csv", fields=fields)]


def test_csv_quotes_line_ends_and_long_fields():
    long = "x" * 200_000
    limit = csv.field_size_limit()
    assert texts(f'id,text\n1,"a ""b""\nc, d"\n\n2,{long}', "csv") == ['a "b"\nc, d', long]
    assert csv.field_size_limit() == limit


@pytest.mark.slow
def test_a_cell_of_50_megabytes():
    long = "x" * 50_000_000
    assert texts(f'id,text\n1,"{long}"', "csv") == [long]
    assert texts(f"id\ttext\n1\t{long}", "tsv") == [long]


def test_csv_that_is_wrong():
    assert message("id,body\n1,a", "csv") == "a.csv: no field 'text' in its first line; its fields are: id, body"
    assert message("", "csv").endswith("its fields are: (none)")
    assert message("id,text\n1,a\n2", "csv") == ("a.csv, line 3: only 1 of 2 fields, 'text' is missing; mend that line")
    assert message('id,text\n1,"a\n2,b\n3,c', "csv") == (
        "a.csv, line 4: not valid CSV (unexpected end of data); check the quotes from line 2 on"
    )
    assert message('id,text\n1,"a" b\n2,"c"', "csv").startswith("a.csv, line 2: not valid CSV")
    assert message("id,text\n1,one, two", "csv") == (
        "a.csv, line 2: 3 fields, but the first row has 2; put quotes around a cell that holds the separator"
    )


def test_a_lost_quote_ends_before_it_has_read_everything(monkeypatch):
    monkeypatch.setattr("elman.text.readers.delimited._LONGEST_FIELD", 1000)
    lines = itertools.chain(["id,text", '1,"lost'], itertools.repeat("2,more"))
    with pytest.raises(TextError, match=r"larger than field limit \(1000\)\); check the quotes from line 2 on"):
        list(read_csv(lines, name="a.csv"))


def test_cells_that_are_left_out_at_the_end_of_a_row():
    assert rows("id,text,note\n1,a\n2,b,c,,\n,,\n \n3") == [
        {"id": "1", "text": "a", "note": None},
        {"id": "2", "text": "b", "note": "c"},
        {"id": "", "text": "", "note": ""},
        {"id": "3", "text": None, "note": None},
    ]


def test_tsv_takes_quotes_literally():
    assert texts('id\ttext\n1\t"Oh," he said\n2\t"never closed\n\n3\ta b', "tsv") == [
        '"Oh," he said',
        '"never closed',
        "a b",
    ]
    assert message("id\ttext\n1", "tsv") == "a.tsv, line 2: only 1 of 2 fields, 'text' is missing; mend that line"
    assert message("id\ttext\n1\ta\tb", "tsv") == (
        "a.tsv, line 2: 3 fields, but the first row has 2; a cell must not hold a tab"
    )


def test_many_fields_are_not_all_listed():
    header = ",".join(f"f{number}" for number in range(30))
    assert message(header, "csv").endswith("its fields are: f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, ...")


class TestSeparator:
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_is_recognised(self, separator):
        data = f'id{separator}text\n1{separator}"a,b;c\td"\n2{separator}"two\nlines"'
        assert rows(data) == [{"id": "1", "text": "a,b;c\td"}, {"id": "2", "text": "two\nlines"}]

    def test_is_named_by_the_first_line(self):
        assert rows("sep=;\nid;a,b,c,d\n1;x") == [{"id": "1", "a,b,c,d": "x"}]
        assert rows('"SEP=|"\nid|text\n1|x') == [{"id": "1", "text": "x"}]
        assert rows("sep=\t\nid\ttext\n1\tx") == [{"id": "1", "text": "x"}]
        records = list(read_csv(iter(["sep=;", "id;text", "1;x"]), name="a.csv"))
        assert records[0].line == 3
        assert message('sep="\nid"text', "csv").startswith("a.csv, line 1: a quote cannot separate cells")

    def test_is_not_taken_from_quoted_cells_or_decimal_commas(self):
        assert rows('"a;b;c;d",text\n1,x') == [{"a;b;c;d": "1", "text": "x"}]
        assert rows("Datum;Betrag,EUR;Text\n1.1.;3,50;abc\n2.1.;4,20;def")[1] == {
            "Datum": "2.1.",
            "Betrag,EUR": "4,20",
            "Text": "def",
        }

    def test_of_text_with_commas_and_no_header_is_the_one_that_fits_every_row(self):
        data = "good, very good, perfect;1\nbad;0\nmeh, but, well;1"
        assert rows(data, fields=["1", "2"])[0] == {"1": "good, very good, perfect", "2": "1"}

    def test_of_one_column_is_a_comma(self):
        assert rows('text\n"a;b, c"\n""\nx') == [{"text": "a;b, c"}, {"text": ""}, {"text": "x"}]

    def test_the_sample_ends_in_a_long_cell(self):
        long = "x;" * 100_000
        assert rows(f'id,text\n1,"{long}"\n2,b')[0] == {"id": "1", "text": long}
        long = "x, " + "x" * 100_000
        assert rows(f"x;y;a,b\n{long};1;2") == [{"x": long, "y": "1", "a,b": "2"}]


class TestHeader:
    def test_names_are_found_without_blanks_and_in_any_case(self):
        assert texts(" ID , Text \n1,a", "csv") == ["a"]
        assert rows("Text,text\n1,2", fields=["text"]) == [{"Text": "1", "text": "2"}]
        assert rows("TEXT,n\n1,2", fields=["text"]) == [{"text": "1", "n": "2"}]
        assert texts("straße\tid\na\t1", "tsv", "STRASSE") == ["a"]

    def test_names_that_occur_twice(self):
        assert (
            message("text,id,text\n1,2,3", "csv") == "a.csv: columns 1 and 3 are all called 'text'; rename all but one"
        )
        assert message("Text,TEXT\n1,2", "csv") == "a.csv: columns 1 and 2 are all called 'text'; rename all but one"
        # Others may: spreadsheets leave columns without a name.
        assert texts("text,,\na,b,c", "csv") == ["a"]
        with pytest.raises(TextError, match="'Text' and 'text' are the same column"):
            rows("text,id\n1,2", fields=["Text", "text"])

    def test_a_first_line_that_looks_like_data_is_doubted(self):
        hint = "where no line names the columns, give their numbers (1 is the first)"
        assert message("a fine film,1\na bad one,0", "csv").endswith(f"its fields are: a fine film, 1; {hint}")
        assert hint not in message("id,body\n1,a", "csv")

    def test_numbers_mean_that_there_is_none(self):
        data = "good\t1\nbad\t0"
        assert rows(data, read_tsv, ["1", "2"]) == [{"1": "good", "2": "1"}, {"1": "bad", "2": "0"}]
        assert rows(data, read_tsv, ["02"])[1] == {"1": "bad", "02": "0"}
        assert rows("\n" + data, read_tsv, ["1"])[0] == {"1": "good", "2": "1"}
        assert rows("", read_tsv, ["1"]) == []

    @pytest.mark.parametrize("field", ["0", "3", "9" * 5000])
    def test_numbers_of_no_column(self, field):
        said = message("good\t1", "tsv", field)
        assert said.startswith("a.tsv, line 1: no column ") and said.endswith("there are 2, the first is 1")

    def test_numbers_and_names_do_not_mix(self):
        with pytest.raises(TextError, match="'1' and 'label' mix column numbers and names"):
            rows("a\t1", read_tsv, ["1", "label"])

    def test_rows_without_header_have_as_many_cells_as_the_first(self):
        assert message("good,1\nbad", "csv", "2") == "a.csv, line 2: only 1 of 2 fields, '2' is missing; mend that line"
        assert message("good,1\nbad,so bad,0", "csv", "2").startswith(
            "a.csv, line 2: 3 fields, but the first row has 2"
        )


def test_a_file_as_spreadsheets_write_it(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes('\ufeffNr;Text\r\n1;"zwei\r\nZeilen"\r\n2;ohne Ende'.encode())
    (source,) = find_sources(path)
    lines = raw_lines(source, encoding="utf-8", advance=lambda n: None)
    records = list(read_csv(lines, name="a.csv", fields=["text"]))
    assert [(record.fields, record.line) for record in records] == [
        ({"Nr": "1", "text": "zwei\nZeilen"}, 2),
        ({"Nr": "2", "text": "ohne Ende"}, 4),
    ]


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=25), st.sampled_from(",;\t"))
def test_what_the_csv_module_writes_is_read_back(table, separator):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["first", "second"], *table])
    data = rows(file.getvalue().removesuffix("\n"), fields=["first", "second"])
    assert [[row["first"], row["second"]] for row in data] == table


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from('ab,;\t"\n =1'), max_size=60))
def test_any_text_is_read_or_refused_in_one_line(data):
    for reader in (read_csv, read_tsv):
        for fields in ((), ("a",), ("1",)):
            try:
                list(reader(iter(data.split("\n")), name="f", fields=fields))
            except TextError as error:
                assert "\n" not in str(error) and str(error).startswith("f")


@pytest.mark.slow
def test_memory_does_not_follow_the_file():
    lines = itertools.chain(["id,text"], (f"{number},some words of a row" for number in range(20_000)))
    records = read_csv(lines, name="a.csv", fields=["text"])
    next(records)
    tracemalloc.start()
    count = sum(1 for _ in records)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The lines alone would take 1.6 MB; other threads of this process may have some memory too.
    assert count == 19_999 and peak < 1_000_000


def test_blanks_before_a_quote_are_no_part_of_the_cell():
    assert texts('id, text\n1, "one, two"\n2, three\n', "csv") == ["one, two", "three"]
    assert texts('id;text\n1;  "one; ""two"""\n', "csv") == ['one; "two"']
    # A blank of a cell without quotes is kept where no cell has them.
    assert texts("id,text\n1, one\n", "csv") == [" one"]
