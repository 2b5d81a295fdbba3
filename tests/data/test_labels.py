import json

import pytest

from elman.data.examples import Example
from elman.data.labels import MOST_LABELS, LabelSet
from elman.errors import FolderError, UsageError


def examples(*labels):
    return [
        Example("text", (label,) if isinstance(label, str) else label, "a.csv", n) for n, label in enumerate(labels)
    ]


def test_numbers_are_sorted_by_value_and_words_by_characters():
    labels = LabelSet.fit(examples("b", "10", "9", "a", "-1", "9.5", "B", "9", "é", "1e3", "09"))
    assert labels.names == ("-1", "09", "9", "9.5", "10", "1e3", "B", "a", "b", "é")
    assert labels.counts == (1, 1, 2, 1, 1, 1, 1, 1, 1, 1)
    assert (labels.examples, len(labels)) == (11, 10)
    assert [labels.id_of(name) for name in labels.names] == list(range(10))
    assert labels.id_of("2") is None


def test_the_order_of_examples_changes_nothing():
    some = examples("a", "b", "a", "10", "2")
    assert LabelSet.fit(some) == LabelSet.fit(reversed(some))


def test_several_labels_an_example():
    labels = LabelSet.fit(examples(("a", "b"), (), ("b",)))
    assert (labels.names, labels.counts, labels.examples) == (("a", "b"), (1, 2), 3)
    # One label is enough where some examples do not have it.
    assert LabelSet.fit(examples(("a",), ())).names == ("a",)


def test_what_cannot_be_learned():
    with pytest.raises(UsageError, match="every example has the label 'a', so there is nothing to learn"):
        LabelSet.fit(examples("a", "a"))
    with pytest.raises(UsageError, match="every example is without a label"):
        LabelSet.fit(examples((), ()))
    with pytest.raises(UsageError, match="no training examples"):
        LabelSet.fit([])


def test_many_labels():
    assert len(LabelSet.fit(examples(*map(str, range(10_000))))) == 10_000

    def endless():
        for number in range(MOST_LABELS + 1):
            yield from examples(str(number))
        raise AssertionError("reading goes on though there are too many labels")

    with pytest.raises(UsageError, match="more than 65,536 different labels in 65,537 examples; is --label the right"):
        LabelSet.fit(endless())


def test_labels_seen_once_are_noted():
    assert LabelSet.fit(examples("a", "a", "b", "b")).notes == []
    assert LabelSet.fit(examples("a", "a", "b")).notes == [
        "1 label was seen once in training, too seldom to be learned or validated: 'b'"
    ]
    (note,) = LabelSet.fit(examples(*"abcdefghijkl")).notes
    assert note.startswith("12 labels were seen once") and note.endswith("'i', 'j', ...")


def test_unknown_labels_are_counted():
    labels = LabelSet.fit(examples("a", "b"))
    assert labels.unknown(examples("a", "x", "y", ("b", "y"), "w")) == {"y": 2, "w": 1, "x": 1}
    assert list(labels.unknown(examples("a", "x", "y", "y", "w"))) == ["y", "w", "x"]


LABELS = LabelSet(("0", "1", "é"), (2, 1, 3), 6)
BYTES = """{
 "format": 1,
 "examples": 6,
 "names": [
  "0",
  "1",
  "é"
 ],
 "counts": [
  2,
  1,
  3
 ]
}
""".encode()


def test_exact_bytes_and_back():
    assert LABELS.to_bytes() == BYTES
    assert LabelSet.from_bytes(BYTES) == LABELS


def changed(**changes):
    return (json.dumps({**json.loads(BYTES), **changes}, ensure_ascii=False, indent=1) + "\n").encode(
        "utf-8", "surrogatepass"
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "Expecting value"),
        (BYTES[:-10], "Expecting"),
        (b"[" * 100_000, "recursion"),
        (b"[]", "it is not an object"),
        (b'{"format": 1, "format": 1}', "occurs twice"),
        (BYTES.replace("é".encode(), b"\xe9"), "utf-8"),
        (changed(format=2), "its format is 2, this version reads 1"),
        (changed(format=True), "it is not as it was written"),
        (changed(names="01é"), "missing"),
        (changed(counts=None), "missing"),
        (changed(examples=True), "missing"),
        (changed(names=["0", 1, "é"]), "a name is not Unicode text"),
        (json.dumps({**json.loads(BYTES), "names": ["0", "1", "\ud800"]}).encode(), "a name is not Unicode text"),
        (changed(counts=[2, 1]), "counts do not fit"),
        (changed(counts=[2, 1, 0]), "counts do not fit"),
        (changed(counts=[2, 1, 7]), "counts do not fit"),
        (changed(counts=[2, 1, 3.0]), "counts do not fit"),
        (changed(counts=[2, True, 3]), "counts do not fit"),
        (changed(names=[], counts=[]), "1 to 65,536 names in normal form"),
        (changed(names=["0", "1", "e\u0301"]), "1 to 65,536 names in normal form"),
        (changed(names=["", "0", "1"]), "1 to 65,536 names in normal form"),
        (changed(names=["0", "1", "a\nb"]), "1 to 65,536 names in normal form"),
        (changed(names=["1", "0", "é"]), "out of order"),
        (changed(names=["0", "0", "é"]), "a name occurs twice"),
        (changed(more=1), "it is not as it was written"),
        (BYTES + b" ", "it is not as it was written"),
        (changed(names=list(map(str, range(65_537))), counts=[1] * 65_537, examples=65_537), "1 to 65,536 names"),
    ],
)
def test_bytes_that_are_wrong(data, said):
    with pytest.raises(FolderError) as caught:
        LabelSet.from_bytes(data)
    assert str(caught.value).startswith("labels.json is damaged (")
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("position", range(len(BYTES)))
def test_a_changed_byte_is_refused_or_gives_another_valid_set(position):
    for bit in range(8):
        data = bytearray(BYTES)
        data[position] ^= 1 << bit
        try:
            labels = LabelSet.from_bytes(bytes(data))
        except FolderError:
            continue
        assert labels.to_bytes() == bytes(data)
