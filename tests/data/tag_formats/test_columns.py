import pytest

from elman.data.tagged import read_tagged, write_tagged
from elman.errors import TextError, UsageError

CONLL = (
    "-DOCSTART- -X- -X- O\n"
    "\n"
    "Ann NNP B-NP B-PER\n"
    "Lee NNP I-NP I-PER\n"
    "slept VBD B-VP O\n"
    "\n"
    "-DOCSTART- O\n"
    "\n"
    "Here RB B-ADVP O\n"
    "\n"
)


def read(tmp_path, content, name="a.conll", **settings):
    path = tmp_path / name
    path.write_bytes(content.encode())
    return list(read_tagged(path, **settings))


def message(tmp_path, content, **settings):
    with pytest.raises((TextError, UsageError)) as caught:
        read(tmp_path, content, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_words_tags_and_lines(tmp_path):
    first, second = read(tmp_path, CONLL)
    assert (first.words, first.tags) == (("Ann", "Lee", "slept"), ("B-PER", "I-PER", "O"))
    assert (second.words, second.tags) == (("Here",), ("O",))
    assert second.position == second.position_of(0) == f"{tmp_path}/a.conll, line 9"
    assert (first.text, first.offsets) == ("", ())


@pytest.mark.parametrize(("field", "tag"), [("2", "NNP"), ("3", "B-NP"), ("4", "B-PER"), ("last", "B-PER")])
def test_any_column(tmp_path, field, tag):
    sentences = read(tmp_path, CONLL, field=field, for_writing=True)
    assert sentences[0].tags[0] == tag
    assert "".join(write_tagged(each, each.tags) for each in sentences) == CONLL
    assert write_tagged(sentences[0], ("Q", *sentences[0].tags[1:])).count("Q") == 1


def test_the_column_of_the_words(tmp_path):
    (sentence,) = read(tmp_path, "1\tAnn\tB-PER\n2\tslept\tO\n", word="2")
    assert sentence.words == ("Ann", "slept")


@pytest.mark.parametrize(
    "content",
    [
        "Ann\tB\nLee\tO\n\nHi\tO\n",
        "Ann B\nLee O\n\nHi O",
        "Ann \t B\nLee  O\n\nHi\tO\n\n\n\n",
        "Ann\tB\nLee O\n\t\nHi\t\tO\n",
        "Ann\tB \nLee\tO\t\n \t \nHi\tO\n",
        "  Ann  B\r\nLee\tO\r\n\r\nHi O\r\n\r\n",
        "\ufeffAnn\tB\nLee\tO\n\nHi\tO\n",
        "\n\n# text = Ann Lee\nAnn\tB\nLee\tO\n\n# Hi\nHi\tO\n\n# the end",
        "#begin document (x); part 000\nAnn B\nLee O\n\nHi O\n#end document\n",
        "Ann\tB\rLee\tO\r\rHi\tO\r",
    ],
)
def test_separators_blank_lines_and_every_byte(tmp_path, content):
    sentences = read(tmp_path, content, for_writing=True)
    assert [each.words for each in sentences if each.words] == [("Ann", "Lee"), ("Hi",)]
    assert [each.tags for each in sentences if each.words] == [("B", "O"), ("O",)]
    assert "".join(write_tagged(each, each.tags) for each in sentences) == content
    changed = "".join(write_tagged(each, ["Tag" if tag == "O" else tag for tag in each.tags]) for each in sentences)
    assert changed == content.replace("O", "Tag")


def test_blanks_within_cells_that_tabs_separate(tmp_path):
    content = "New York\tNNP\tB-LOC\nis\tVBZ\tO\n"
    (sentence,) = read(tmp_path, content)
    assert sentence.words == ("New York", "is")
    assert write_tagged(sentence, sentence.tags) == content


def test_a_sign_for_comments_can_be_a_word(tmp_path):
    (sentence,) = read(tmp_path, "# O\n#tag O\n1 O\n")
    assert sentence.words == ("#", "#tag", "1")


def test_sentences_of_different_width_where_the_column_has_a_number(tmp_path):
    content = "a 1 X\n\nb 2 Y (0) *\nc 3 Z (0) *\n"
    assert [each.tags for each in read(tmp_path, content, field="3")] == [("X",), ("Y", "Z")]
    assert message(tmp_path, content) == (
        "a.conll, line 3: 5 columns, but 3 in the sentences before; mend that line, or name the column of the tags by "
        "its number with --field"
    )


def test_words_alone_get_a_new_column(tmp_path):
    content = "Ann\nslept\n\nHi\n"
    sentences = read(tmp_path, content, tagged=False)
    assert "".join(write_tagged(each, ["X"] * len(each)) for each in sentences) == "Ann\tX\nslept\tX\n\nHi\tX\n"
    assert message(tmp_path, content).startswith("a.conll: its lines have one column, the words, and no tags;")


def test_a_new_column_beside_the_old_ones(tmp_path):
    first, _ = read(tmp_path, CONLL)
    new = write_tagged(first, ("B-X", "I-X", "O"), field="new").splitlines()
    assert new[2:] == ["Ann NNP B-NP B-PER B-X", "Lee NNP I-NP I-PER I-X", "slept VBD B-VP O O", ""]


@pytest.mark.parametrize(
    ("content", "settings", "expected"),
    [
        ("a O\nb c O\n", {}, "a.conll, line 2: 3 columns, but 2 in the lines before; a word must not hold a blank"),
        ("a\tO\n\tO\n", {}, "a.conll, line 2: 1 column, but 2 in the lines before; a cell is empty: put a word"),
        ("a\tO\nb\t\n", {}, "a.conll, line 2: 1 column, but 2 in the lines before; a cell is empty: put a word"),
        ("a O\n\nb\n", {}, "a.conll, line 3: 1 column, but 2 in the sentences before; mend that line, or name"),
        ("a O\nb O\n", {"field": "3"}, "a.conll, line 1: no column 3, there are 2; mend that line, or choose another"),
        ("a O\n", {"field": "upos"}, "field is 'upos'; in column files it is the number of a column, 1 for the first"),
        ("a O\n", {"word": "0"}, "field is '0'; in column files it is the number of a column, 1 for the first"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(tmp_path, content, settings, expected):
    assert message(tmp_path, content, **settings).startswith(expected)


def test_a_tag_must_fit_into_its_column(tmp_path):
    (sentence,) = read(tmp_path, "a O\n")
    with pytest.raises(UsageError, match="tag is 'x y'"):
        write_tagged(sentence, ["x y"])
