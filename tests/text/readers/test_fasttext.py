import pytest

from elman.errors import TextError
from elman.text.readers.fasttext import read_fasttext


def parts(*lines):
    records = read_fasttext(iter(lines), name="a.ft", fields=["text", "label"])
    return [(record.fields["label"], record.fields["text"]) for record in records]


def test_labels_and_text():
    assert parts(
        "__label__a one  two",
        "__label__a __label__b one",
        "\t__label__a\tone\ttwo",
        "one __label__a two __label__b",
        "__label__a __label__a",
        "__label__a",
        "__label__ one",
        "one",
        "",
        "__label__no\u00a0break one",
        "snake__label__case",
    ) == [
        (["a"], "one  two"),
        (["a", "b"], "one"),
        (["a"], "one\ttwo"),
        (["a", "b"], "one two"),
        (["a", "a"], ""),
        (["a"], ""),
        (None, "one"),
        (None, "one"),
        (None, ""),
        (["no\u00a0break"], "one"),
        (None, "snake__label__case"),
    ]


def test_a_line_of_very_many_labels():
    ((labels, text),) = parts("__label__x " * 200_000 + "end")
    assert (labels, text) == (["x"] * 200_000, "end")


def test_other_fields():
    with pytest.raises(
        TextError, match=r"^a.ft: lines of fastText have no field 'stars'; their fields are: label, text"
    ):
        list(read_fasttext(iter([]), name="a.ft", fields=["stars"]))
