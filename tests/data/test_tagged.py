import gzip
import io
import sys

import pytest

from elman.data.tagged import TaggedConfig, read_tagged, write_tagged
from elman.data.tagged_text import split_text
from elman.errors import TextError, UsageError

CONLLU = "1\tAnn\t_\tPROPN\t_\t_\t0\troot\t_\t_\n\n"
COLUMNS = "Ann B-PER\nslept O\n\n"


@pytest.mark.parametrize(
    ("name", "content", "tags"),
    [
        ("a.conllu", CONLLU, ("PROPN",)),
        ("a.txt", CONLLU, ("PROPN",)),
        ("a.txt", "# sent_id = 1\n\n" + CONLLU, ("PROPN",)),
        ("a.conll", COLUMNS, ("B-PER", "O")),
        ("eng.testa", "-DOCSTART- O\n\n" + COLUMNS, ("B-PER", "O")),
        ("a.txt", "Ann\tB-PER\nslept\tO\n", ("B-PER", "O")),
    ],
)
def test_the_format_is_found(tmp_path, name, content, tags):
    path = tmp_path / name
    path.write_text(content)
    assert [each.tags for each in read_tagged(path)] == [tags]
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(content.encode()))
    assert [each.tags for each in read_tagged(packed)] == [tags]


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(COLUMNS.encode())))
    (sentence,) = read_tagged("-")
    assert sentence.position == "standard input, line 1"


def test_plain_text_has_no_tags(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("To be, or not to be.\nThat is it.\n")
    with pytest.raises(TextError, match="looks like plain text, whose words have no tags"):
        list(read_tagged(path))


def test_other_encodings(tmp_path):
    path = tmp_path / "a.conll"
    path.write_bytes("Zoë B-PER\n".encode("latin-1"))
    (sentence,) = read_tagged(path, config=TaggedConfig(encoding="latin-1"))
    assert sentence.words == ("Zoë",)


def test_settings_are_checked():
    for settings, expected in [
        ({"format": "xml"}, "format is 'xml'; known: conllu"),
        ({"scheme": "penn"}, "scheme is 'penn'; it must be auto or one of IO, IOB1"),
        ({"field": ""}, "field is empty"),
    ]:
        with pytest.raises(UsageError, match=expected):
            TaggedConfig.from_json(settings)
    with pytest.raises(UsageError, match=r"builtin:pydocs has no sentences with tags"):
        read_tagged("builtin:pydocs")
    with pytest.raises(
        UsageError, match=r"format is 'text', which is not written; choose one of conllu, jsonl, columns"
    ):
        write_tagged(split_text("Hi"), ["X"], format="text")
    with pytest.raises(UsageError, match=r"format is None"):
        write_tagged(split_text("Hi"), ["X"])


def test_another_format_than_it_came_in(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(CONLLU)
    (sentence,) = read_tagged(path)
    assert write_tagged(sentence, ["X"], format="columns") == "Ann\tX\n\n"


def test_raw_text_is_not_taken_for_columns(monkeypatch):
    """Two lines of as many words look like columns, but nobody said that there are tags."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Ann slept\nBen ran\n")))
    assert [each.words for each in read_tagged("-", tagged=False)] == [("Ann", "slept"), ("Ben", "ran")]
    for content, expected in [(b"Ann\tO\nBen\tO\n", [("Ann", "Ben")]), (CONLLU.encode(), [("Ann",)])]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert [each.words for each in read_tagged("-", tagged=False)] == expected


@pytest.mark.parametrize("field", ["last", "4", "new", "misc.Q", "upos", "ents"])
def test_a_field_of_another_format_does_not_matter(tmp_path, field):
    sentence = split_text("Go!")
    conllu = write_tagged(sentence, ("S-x", "O"), format="conllu", field=field, scheme="BIOES").split("\n")[1]
    assert ("S-x" in conllu.split("\t")[3]) == (field == "upos")
    assert ("NER=S-x" in conllu.split("\t")[9]) == (field not in ("upos", "misc.Q"))
    spans = write_tagged(sentence, ("S-x", "O"), format="jsonl", field=field, scheme="BIOES")
    assert f'"{field if field in ("upos", "ents") else "spans"}": [' in spans
    path = tmp_path / "a.conll"
    path.write_text("Go O\n! O\n")
    (sentence,) = read_tagged(path)
    if field != "4":
        new = write_tagged(sentence, ("X", "Y"), field=field)
        assert new == ("Go O X\n! O Y\n" if field == "new" else "Go X\n! Y\n")


def test_spans_in_conllu_that_was_read_without_tags_do_not_overwrite_parts_of_speech(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(CONLLU)
    (sentence,) = read_tagged(path, tagged=False)
    assert write_tagged(sentence, ("B-x",), scheme="BIO") == CONLLU.replace("_\n\n", "NER=B-x\n\n")
    assert write_tagged(sentence, ("X",)) == CONLLU.replace("PROPN", "X")
