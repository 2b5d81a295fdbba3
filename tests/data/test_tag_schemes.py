import pytest

from elman.data.tag_schemes import in_scheme
from elman.data.tagged import read_tagged
from elman.errors import TextError

BROKEN = "Ann I-PER\nsaw O\nNew B-LOC\nYork I-PER\n\nand O\nBen I-PER\n. I-LOC\n"


def read(tmp_path, content, name="a.conll", **settings):
    path = tmp_path / name
    path.write_text(content)
    return list(read_tagged(path, **settings))


def test_tags_that_break_a_rule_are_counted_and_repaired(tmp_path):
    sentences = read(tmp_path, BROKEN)
    done, report = in_scheme(sentences, scheme="IOB2")
    assert [each.tags for each in done] == [("B-PER", "O", "B-LOC", "B-PER"), ("O", "B-PER", "B-LOC")]
    assert (report.scheme, report.invalid, report.sentences) == ("BIO", 4, 2)
    assert [note.replace(f"{tmp_path}/", "") for note in report.notes] == [
        "4 tags break the rules of BIO (a.conll, line 1: I-PER at the start, a.conll, line 4: I-PER after B-LOC, "
        "a.conll, line 7: I-PER after O, ...); they are read as conlleval does, or refused with --strict"
    ]
    with pytest.raises(TextError, match=r"line 1: I-PER at the start, which breaks the rules of BIO; mend it"):
        in_scheme(sentences, scheme="BIO", strict=True)


def test_the_scheme_is_found_and_converted(tmp_path):
    sentences = read(tmp_path, "Ann I-PER\nLee I-PER\nBen B-PER\nran O\n")
    done, report = in_scheme(sentences, "BILOU", strict=True)
    assert (report.scheme, report.invalid) == ("IOB1", 0)
    assert done[0].tags == ("B-PER", "L-PER", "U-PER", "O")
    assert done[0].words == sentences[0].words and done[0].source is sentences[0].source


def test_a_span_that_does_not_end(tmp_path):
    sentences = read(tmp_path, "Ann B-PER\nLee I-PER\n\nBen S-PER\nLee E-PER\n")
    done, report = in_scheme(sentences)
    assert [each.partition(": ")[2] for each in report.first] == ["I-PER at the end", "E-PER after S-PER"]
    assert [each.tags for each in done] == [("B-PER", "E-PER"), ("S-PER", "S-PER")]


def test_parts_of_speech_are_no_spans(tmp_path):
    sentences = read(tmp_path, "Ann PROPN\nran VERB\n")
    done, report = in_scheme(sentences, "BIOES")
    assert report.scheme is None and done == sentences and not report.notes


def test_an_odd_tag_among_spans_is_named(tmp_path):
    sentences = read(tmp_path, "Ann B-PER\nLee I-PER\nran PER\n")
    _, report = in_scheme(sentences, "BIOES")
    assert report.scheme is None
    (note,) = report.notes
    assert note.replace(f"{tmp_path}/", "").startswith(
        "most tags look like spans, such as B-NAME, but tag 'PER' (a.conll, line 3) fits no scheme"
    )
    with pytest.raises(TextError, match=r"a\.conll, line 3: tag 'PER' is not one of BIO; mend it, or name another"):
        in_scheme(sentences, scheme="BIO")


def test_words_without_an_entity_in_conllu_are_outside(tmp_path):
    row = "\t".join(["{}", "w", *["_"] * 7, "{}"]) + "\n"
    content = row.format(1, "NER=B-PER") + row.format(2, "NER=I-PER") + row.format(3, "_") + "\n"
    done, report = in_scheme(read(tmp_path, content, "a.conllu", field="misc.NER"), "BIOES")
    assert (report.scheme, done[0].tags) == ("BIO", ("B-PER", "E-PER", "O"))
