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
