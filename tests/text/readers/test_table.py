import pytest

from elman.errors import UsageError
from elman.text.corpus import CorpusConfig, read_lines
from elman.text.readers.fasttext import read_fasttext
from elman.text.readers.json_lines import read_json_lines
from elman.text.readers.plain import read_plain
from elman.text.readers.record import Record
from elman.text.readers.table import READERS, reader_of_format, reader_of_line, register_reader


def read_pairs(lines, *, name, fields=()):
    for number, line in enumerate(lines, start=1):
        yield Record(dict(pair.split("=") for pair in line.split("&")), number, name)


def test_a_format_of_ones_own_is_read_from_then_on(tmp_path):
    register_reader(".pairs", read_pairs)
    try:
        path = tmp_path / "a.pairs"
        path.write_text("t=one&u=two\nt=three")
        assert [line for line, _ in read_lines(path, config=CorpusConfig(field="t"))] == ["one", "three"]
        assert reader_of_format("pairs") is read_pairs
        with pytest.raises(UsageError, match=r"files with suffix '.pairs' have a reader already"):
            register_reader(".pairs", read_plain)
    finally:
        READERS.pop(".pairs")


@pytest.mark.parametrize("suffix", ["xml", "", ".", "..", ".XML", ".tar.gz"])
def test_suffixes(suffix):
    with pytest.raises(UsageError, match="it must be a dot and lower-case characters"):
        register_reader(suffix, read_plain)


def test_unknown_formats():
    with pytest.raises(UsageError, match="unknown format 'xml'; known: txt, jsonl, ndjson, json, csv, tsv, ft"):
        reader_of_format("xml")


def test_the_reader_of_a_line():
    assert reader_of_line(' {"a": 1}') is read_json_lines
    assert reader_of_line("__label__a b") is read_fasttext
    assert reader_of_line("a __label__b") is reader_of_line("") is read_plain
