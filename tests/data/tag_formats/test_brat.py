import gzip
import io

import pytest

from elman.data.tagged import read_tagged
from elman.errors import TextError, UsageError
from elman.progress import ScreenProgress

TEXT = "Ann Lee lives\nin New\nYork.\n\nBen too.\n"
SPANS = (
    "T1\tPerson 0 7\tAnn Lee\n"
    "T2\tPlace 17 25\tNew York\n"
    "R1\tLivesIn Arg1:T1 Arg2:T2\n"
    "#1\tAnnotatorNotes T1\ta note\n"
    "T3\tPerson 28 31\tBen\n"
)


def write(tmp_path, spans=SPANS, text=TEXT):
    (tmp_path / "a.txt").write_bytes(text.encode())
    (tmp_path / "a.ann").write_bytes(spans.encode())
    return tmp_path / "a.ann"


def message(tmp_path, **settings):
    with pytest.raises((TextError, UsageError)) as caught:
        list(read_tagged(tmp_path / "a.ann", **settings))
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_lines_are_sentences_unless_a_span_joins_them(tmp_path):
    first, second, third = read_tagged(write(tmp_path))
    assert (first.words, first.tags) == (("Ann", "Lee", "lives"), ("B-Person", "I-Person", "O"))
    assert (second.text, second.tags) == ("in New\nYork.", ("O", "B-Place", "I-Place", "O"))
    assert second.surface(1, 3) == "New\nYork"
    assert (third.words, third.tags) == (("Ben", "too", "."), ("B-Person", "O", "O"))
    assert [each.position for each in (first, second, third)] == [f"{tmp_path}/a.txt, line {n}" for n in (1, 2, 5)]


@pytest.mark.parametrize("name", ["a.ann", "a.txt", ".", "*.txt", "a*"])
def test_the_text_and_its_annotations_are_one(tmp_path, name):
    write(tmp_path)
    (tmp_path / "README.md").write_text("no data\n")
    names = [tmp_path / name] if name != "a*" else [tmp_path / "a.txt", tmp_path / "a.ann"]
    assert len(list(read_tagged(names))) == 3
    stream = io.StringIO()
    list(read_tagged(names, progress=ScreenProgress(stream)))
    note = f"note: {tmp_path}/README.md left out, as its suffix is of no format of tagged text\n"
    assert stream.getvalue() == (note if name == "." else "")


def test_compressed_files(tmp_path):
    write(tmp_path)
    for name in ("a.txt", "a.ann"):
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((tmp_path / name).read_bytes()))
        (tmp_path / name).unlink()
    assert len(list(read_tagged(tmp_path / "a.ann.gz"))) == len(list(read_tagged(tmp_path / "a.txt.gz"))) == 3


@pytest.mark.parametrize("shift", [0, 1])
def test_windows_line_ends_count_as_two_characters_or_as_one(tmp_path, shift):
    spans = f"T1\tPerson 0 7\tAnn Lee\nT3\tPerson {28 + 4 * shift} {31 + 4 * shift}\tBen\n"
    sentences = list(read_tagged(write(tmp_path, spans, TEXT.replace("\n", "\r\n"))))
    assert [each.words[0] for each in sentences if "B-Person" in each.tags] == ["Ann", "Ben"]
    assert sentences[-1].text == "Ben too."


def test_texts_alone(tmp_path):
    assert [each.tags for each in read_tagged(write(tmp_path), tagged=False)] == [()] * 4


@pytest.mark.parametrize(
    ("spans", "settings", "expected"),
    [
        ("T1\tPerson 0 6\tAnn Le\n", {}, "a.ann, line 1: span 0-6 'Ann Le' (Person) begins or ends within a word, the"),
        ("\nT1\tPerson 0 7\tAnnLee\n", {}, "a.ann, line 2: span 0-7 (Person) should be 'AnnLee', but 'Ann Lee'"),
        ("T1\tPerson 0 900\n", {}, "a.ann, line 1: span 0-900 (Person) is not in its text of 37 characters"),
        ("T1\tPerson 0 7\tAnn Lee\nT2\tName 4 7\tLee\n", {}, "a.ann, line 2: span 4-7 'Lee' (Name) overlaps 0-7"),
        ("T1\tPerson 0 3;8 13\tAnn lives\n", {}, "a.ann, line 1: span 0-13 (Person) has 2 parts, which one tag a word"),
        ("T1 Person 0 3 Ann\n", {}, "a.ann, line 1: 'T1 Person 0 3 Ann' is no span; brat writes: T1, a tab,"),
        (SPANS, {"field": "Person"}, "brat files have no fields; leave out --field and --word"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(tmp_path, spans, settings, expected):
    write(tmp_path, spans)
    assert message(tmp_path, **settings).startswith(expected)


def test_a_missing_text(tmp_path):
    write(tmp_path)
    (tmp_path / "a.txt").unlink()
    assert message(tmp_path) == "a.ann: brat has the text in NAME.txt and the spans in NAME.ann beside it; give both"


def test_parts_of_a_span_are_joined_on_demand(tmp_path):
    spans = "T1\tPerson 0 3;8 13\tAnn lives\nT2\tName 4 7\tLee\n"
    stream = io.StringIO()
    first, *_ = read_tagged(write(tmp_path, spans), nested="longest", progress=ScreenProgress(stream))
    assert first.tags == ("B-Person", "I-Person", "I-Person")
    assert stream.getvalue().replace(f"{tmp_path}/", "") == (
        "note: left out 1 span that overlapped longer ones, joined the parts of 1 span "
        "(first: a.ann, line 1: span 0-13 (Person))\n"
    )
