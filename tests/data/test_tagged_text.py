import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.tagged import read_tagged, write_tagged
from elman.data.tagged_text import split_text
from elman.text.word_types import Spelling, is_between, is_marker, split_line


def test_words_know_their_place():
    sentence = split_text("  Das Café\u00a0kostet 3,50 €... ok?")
    assert sentence.words == ("Das", "Café", "kostet", "3,50", "€", "...", "ok", "?")
    assert [sentence.surface(n, n + 1) for n in range(8)] == list(sentence.words)
    assert sentence.surface(1, 3) == "Café\u00a0kostet"
    assert split_text("").words == split_text(" \t").words == ()


def test_words_are_in_normal_form_and_the_text_is_not():
    sentence = split_text("cafe\u0301!")
    assert (sentence.words, sentence.text, sentence.offsets) == (("café", "!"), "cafe\u0301!", ((0, 5), (5, 6)))


@pytest.mark.slow
@settings(deadline=None)
@given(st.text(st.sampled_from("aB1'\u2019- .,\t\u00a0\u0301\u200d😀#@\u0e01"), max_size=20))
def test_words_are_those_that_language_models_read(line):
    """Language models are another way to the same words: their types, without blanks and
    markers."""
    types = [part for part in split_line(line, Spelling()) if not is_between(part.type) and not is_marker(part.type)]
    sentence = split_text(line)
    assert [end for _, end in sentence.offsets] == [part.end for part in types]
    covered = "".join(line[start:end] for start, end in sentence.offsets)
    assert covered.split() == "".join(line.split()).split() or not line.isascii()


def test_raw_text_becomes_conllu_that_says_where_blanks_are(tmp_path):
    line = " I  can't\tgo, 12\u202f000 times "
    written = write_tagged(split_text(line), ["X"] * 6, format="conllu")
    assert written == (
        f"# text = {line}\n"
        "1\tI\t_\tX\t_\t_\t_\t_\t_\tSpacesAfter=\\s\\s\n"
        "2\tcan't\t_\tX\t_\t_\t_\t_\t_\tSpacesAfter=\\t\n"
        "3\tgo\t_\tX\t_\t_\t_\t_\t_\tSpaceAfter=No\n"
        "4\t,\t_\tX\t_\t_\t_\t_\t_\t_\n"
        "5\t12\u202f000\t_\tX\t_\t_\t_\t_\t_\t_\n"
        "6\ttimes\t_\tX\t_\t_\t_\t_\t_\t_\n"
        "\n"
    )
    path = tmp_path / "a.conllu"
    path.write_text(written, encoding="utf-8")
    (sentence,) = read_tagged(path)
    assert (sentence.text, sentence.offsets) == (line, split_text(line).offsets)


def test_blank_lines_stay_sentences_so_that_lines_can_be_counted(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"One two\r\n\r\nThree")
    sentences = list(read_tagged(path, tagged=False))
    assert [each.words for each in sentences] == [("One", "two"), (), ("Three",)]
    assert [each.text for each in sentences] == ["One two", "", "Three"]
    assert sentences[2].position == f"{path}, line 3"
