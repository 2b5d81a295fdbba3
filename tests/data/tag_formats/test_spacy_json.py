import json

import pytest

from elman.data.tagged import read_tagged, write_tagged
from elman.errors import TextError, UsageError

# What doc.to_json() of spaCy 3.8 writes: a blank English pipeline with its sentencizer, entities
# and pos set by hand.
DOCUMENT = json.loads(
    r"""{"text": "Ann can't  see New York.\nBen can.", "ents": [{"start": 0, "end": 3, "label": "PERSON"}, {"start":
    15, "end": 23, "label": "GPE"}], "sents": [{"start": 0, "end": 24}, {"start": 24, "end": 33}], "tokens":
    [{"id": 0, "start": 0, "end": 3, "pos": "X"}, {"id": 1, "start": 4, "end": 6, "pos": "X"}, {"id": 2,
    "start": 6, "end": 9, "pos": "PUNCT"}, {"id": 3, "start": 10, "end": 11, "pos": "PUNCT"}, {"id": 4, "start":
    11, "end": 14, "pos": "X"}, {"id": 5, "start": 15, "end": 18, "pos": "X"}, {"id": 6, "start": 19, "end": 23,
    "pos": "X"}, {"id": 7, "start": 23, "end": 24, "pos": "PUNCT"}, {"id": 8, "start": 24, "end": 25, "pos":
    "PUNCT"}, {"id": 9, "start": 25, "end": 28, "pos": "X"}, {"id": 10, "start": 29, "end": 32, "pos": "X"},
    {"id": 11, "start": 32, "end": 33, "pos": "PUNCT"}]}"""
)


def read(tmp_path, *documents, **settings):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return list(read_tagged(path, **settings))


def without(*names):
    return {name: value for name, value in DOCUMENT.items() if name not in names}


def test_sentences_tokens_and_entities(tmp_path):
    first, second = read(tmp_path, DOCUMENT)
    assert first.words == ("Ann", "ca", "n't", "see", "New", "York", ".")
    assert first.tags == ("B-PERSON", "O", "O", "O", "B-GPE", "I-GPE", "O")
    assert (first.text, first.surface(1, 3)) == ("Ann can't  see New York.", "can't")
    assert (second.words, second.text, second.surface(0, 2)) == (("Ben", "can", "."), "Ben can.", "Ben can")
    assert second.position == f"{tmp_path}/a.jsonl, line 1"


@pytest.mark.parametrize("field", ["pos", "upos"])
def test_tags_of_tokens(tmp_path, field):
    first, second = read(tmp_path, DOCUMENT, field=field)
    assert first.tags == ("X", "X", "PUNCT", "X", "X", "X", "PUNCT") and second.tags == ("X", "X", "PUNCT")


def test_a_document_without_sentences_or_tokens_is_one_sentence(tmp_path):
    whole, words = read(tmp_path, without("sents"), without("sents", "tokens"), format="spacy")
    assert len(whole) == 10 and whole.text == DOCUMENT["text"]
    assert words.words == ("Ann", "can't", "see", "New", "York", ".", "Ben", "can", ".")
    assert words.tags == ("B-PERSON", "O", "O", "B-GPE", "I-GPE", *"OOOO")


def test_an_array_of_documents(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([DOCUMENT, DOCUMENT], indent=2))
    assert len(list(read_tagged(path))) == 4


def test_it_is_not_written(tmp_path):
    sentence = read(tmp_path, DOCUMENT)[0]
    with pytest.raises(
        UsageError, match="format is 'spacy', which is not written; choose one of conllu, jsonl, columns"
    ):
        write_tagged(sentence, sentence.tags, format="spacy")
    assert write_tagged(sentence, sentence.tags, format="columns").startswith("Ann\tB-PERSON\nca\tO\n")


@pytest.mark.parametrize(
    ("document", "settings", "expected"),
    [
        (DOCUMENT, {"field": "label"}, "field is 'label'; documents of spaCy have: ents, pos, tag, lemma, morph, dep"),
        (
            DOCUMENT,
            {"field": "tag"},
            "a.jsonl, line 1: token 'Ann' at 0 has no 'tag'; its fields are: id, start, end, pos;",
        ),
        (without("ents"), {}, "a.jsonl, line 1: no entities, 'ents' is missing; its fields are: text, sents, tokens"),
        (
            without("text"),
            {},
            "a.jsonl, line 1: a JSON object without a text; spaCy writes documents with doc.to_json()",
        ),
        (
            {**DOCUMENT, "ents": [{"start": 1, "end": 3, "label": "X"}]},
            {},
            "a.jsonl, line 1: span 1-3 'nn' (X) begins or",
        ),
        (
            {**DOCUMENT, "ents": [{"start": "1", "end": 3}]},
            {},
            "a.jsonl, line 1: ('start', '1'), ('end', 3): start and",
        ),
        ({**DOCUMENT, "tokens": [3]}, {}, "a.jsonl, line 1: 'tokens' is no list of objects; write the document with"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, document, settings, expected):
    with pytest.raises((TextError, UsageError)) as caught:
        read(tmp_path, document, **settings)
    assert str(caught.value).replace(f"{tmp_path}/", "").startswith(expected)
