import json

import pytest

from elman.data.tagged import read_tagged, write_tagged
from elman.data.tagged_text import split_text
from elman.errors import TextError

TEXT = "Ann Lee saw  New York."
TAGS = ("B-person", "I-person", "O", "B-place", "I-place", "O")
SPANS = [(0, 7, "person"), (13, 21, "place")]
NAMES = {
    "prodigy": {"text": TEXT, "spans": [{"start": s, "end": e, "label": name} for s, e, name in SPANS], "n": 1},
    "doccano": {"id": 7, "text": TEXT, "label": [list(span) for span in SPANS], "Comments": []},
    "doccano entities": {
        "text": TEXT,
        "entities": [{"label": name, "start_offset": s, "end_offset": e} for s, e, name in SPANS],
        "relations": [],
    },
    "label studio": {
        "id": 3,
        "text": TEXT,
        "label": [{"start": s, "end": e, "text": TEXT[s:e], "labels": [name]} for s, e, name in SPANS],
    },
    "label first": {"text": TEXT, "entities": [[name, s, e] for s, e, name in SPANS]},
    "words": {"id": 1, "tokens": ["Ann", "Lee", "saw", "New", "York", "."], "ner_tags": list(TAGS)},
}  # fmt: skip


def read(tmp_path, *records, **settings):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return list(read_tagged(path, **settings))


def message(tmp_path, *records, **settings):
    with pytest.raises(TextError) as caught:
        read(tmp_path, *records, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize("name", NAMES)
def test_every_spelling_is_read_and_written_back(tmp_path, name):
    record = NAMES[name]
    (sentence,) = read(tmp_path, record)
    assert sentence.words == ("Ann", "Lee", "saw", "New", "York", ".")
    assert sentence.tags == TAGS
    assert json.loads(write_tagged(sentence, TAGS, scheme="BIO")) == record
    # In another scheme the same spans, except where tags themselves are written.
    other = json.loads(write_tagged(sentence, ("B-person", "E-person", "O", "B-place", "E-place", "O"), scheme="BIOES"))
    assert other == record or name == "words"
    nothing = json.loads(write_tagged(sentence, ["O"] * 6, scheme="BIO"))
    changed = {key for key in record if nothing[key] != record[key]}
    assert changed <= {"spans", "label", "entities", "ner_tags"} and len(changed) == 1


def test_lists_of_text_and_spans(tmp_path):
    (sentence,) = read(tmp_path, [[TEXT, {"entities": SPANS}]])
    assert sentence.tags == TAGS
    assert json.loads(write_tagged(sentence, TAGS)) == {"text": TEXT, "entities": [list(span) for span in SPANS]}


def test_an_array_over_many_lines(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("\ufeff" + json.dumps([NAMES["prodigy"], NAMES["doccano"]], indent=1))
    assert [sentence.tags for sentence in read_tagged(path)] == [TAGS, TAGS]


def test_the_words_of_the_file_are_kept(tmp_path):
    tokens = [
        {"text": "Ann Lee", "start": 0, "end": 7},
        {"text": " ", "start": 7, "end": 8},
        {"text": "saw", "start": 8, "end": 11},
    ]
    record = {"text": "Ann Lee saw", "tokens": tokens, "spans": [{"start": 0, "end": 7, "label": "x"}]}
    (sentence,) = read(tmp_path, record)
    assert (sentence.words, sentence.tags) == (("Ann Lee", "saw"), ("B-x", "O"))
    assert json.loads(write_tagged(sentence, ("O", "B-y"), scheme="BIO"))["spans"] == [
        {"start": 8, "end": 11, "label": "y"}
    ]
    named = {"text": "Ann Lee saw", "tokens": [{**token, "tag": "X"} for token in tokens]}
    (sentence,) = read(tmp_path, named)
    assert sentence.tags == ("X", "X")
    assert [token["tag"] for token in json.loads(write_tagged(sentence, ("A", "B")))["tokens"]] == ["A", "X", "B"]


def test_raw_text_becomes_spans_of_its_own_characters(tmp_path):
    line = "  In  Zu\u0308rich😀, Ann!"
    sentence = split_text(line)
    assert sentence.words == ("In", "Zürich", "😀", ",", "Ann", "!")
    written = write_tagged(sentence, ("O", "S-place", "O", "O", "S-person", "O"), format="jsonl", scheme="BIOES")
    assert json.loads(written) == {
        "text": line,
        "spans": [{"start": 6, "end": 13, "label": "place"}, {"start": 16, "end": 19, "label": "person"}],
    }
    assert "😀" in written
    (again,) = read(tmp_path, json.loads(written))
    assert again.tags == ("O", "B-place", "O", "O", "B-person", "O")


def test_tags_that_are_no_spans_stand_with_their_words(tmp_path):
    tags = ("PRON", "VERB", "PUNCT")
    (again,) = read(tmp_path, json.loads(write_tagged(split_text("We go."), tags, format="jsonl")))
    assert (again.words, again.tags) == (("We", "go", "."), tags)


def test_texts_alone(tmp_path):
    (sentence,) = read(tmp_path, {"id": 1, "text": "We go."}, tagged=False)
    assert json.loads(write_tagged(sentence, ("B-x", "O", "O"), scheme="BIO")) == {
        "id": 1,
        "text": "We go.",
        "spans": [{"start": 0, "end": 2, "label": "x"}],
    }
    places = [("We", 0, 2), ("go", 3, 5), (".", 5, 6)]
    words = [{"text": word, "start": start, "end": end} for word, start, end in places]
    for field in ("upos", None):
        written = json.loads(write_tagged(sentence, ("A", "B", "C"), field=field))
        tokens = [{**word, field or "tag": tag} for word, tag in zip(words, "ABC", strict=True)]
        assert written == {"id": 1, "text": "We go.", "tokens": tokens}


def test_what_an_annotator_refused_is_left_out_and_counted(tmp_path, capsys):
    from elman.progress import ScreenProgress

    refused = {**NAMES["prodigy"], "answer": "reject"}
    assert len(read(tmp_path, refused, {**refused, "answer": "accept"}, progress=ScreenProgress())) == 1
    assert capsys.readouterr().err == (
        f"note: left out 1 record that an annotator refused (first: {tmp_path}/a.jsonl, line 1: answer is 'reject')\n"
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"text": "a b", "spans": [[0, 9, "x"]]}, "line 1: span 0-9 (x) is not in its text of 3 characters;"),
        ({"text": "a b", "spans": [[1, 1, "x"]]}, "line 1: span 1-1 (x) is not in its text"),
        ({"text": "a b", "spans": [[0, 1, ""]]}, "line 1: span 0-1 'a' () has no label"),
        ({"text": "a b", "spans": [[1, 2, "x"]]}, "line 1: span 1-2 ' ' (x) has only blanks in it"),
        ({"text": "a b", "spans": [[0, 1]]}, "line 1: a span is [0, 1]; write it as [start, end, label], or"),
        ({"text": "a b", "spans": [[0, True, "x"]]}, "line 1: a span is [0, true, \"x\"]; write it as"),
        ({"text": "é b", "spans": [{"start": 3, "end": 4, "label": "x", "text": "b"}]}, "line 1: span 3-4 (x) should"),
        ({"text": "a b", "names": []}, "line 1: no list of spans; its fields are: text, names; name"),
        ({"txt": "a b", "spans": []}, "line 1: no field 'text'; its fields are: txt, spans; name the text with --word"),
        ({"text": 3, "spans": []}, "line 1: field 'text' is a JSON number, not a string"),
        ([["a"]], "line 1: a JSON list; each record must"),
        ({"tokens": ["a"], "tags": ["x", "y"]}, "line 1: 1 token, but 2 tags in 'tags'; each needs one"),
        ({"tokens": ["a"], "tags": [3]}, "line 1: 'tags' has a JSON number; tags must be names, such as B-LOC"),
        ({"tokens": ["a", " "], "tags": ["x", "y"]}, "line 1: token 1 is ' '; remove it"),
        ({"tokens": [{"start": 2, "end": 3}, {"start": 0, "end": 1}], "text": "a b"}, "line 1: a token is at 0-1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(tmp_path, record, expected):
    assert message(tmp_path, record).removeprefix("a.jsonl, ").startswith(expected)
