import pytest

from elman.data.tagged import read_tagged, write_tagged
from elman.errors import TextError, UsageError

SENTENCES = (
    "# newdoc id = d1\n"
    "# sent_id = 1\n"
    "# text = Don't  go to the café!\n"
    "1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\tSpacesAfter=\\s\\s\n"
    "1\tDo\tdo\tAUX\tVB\tMood=Imp|VerbForm=Fin\t3\taux\t_\t_\n"
    "2\tn't\tnot\tPART\tRB\tPolarity=Neg\t3\tadvmod\t_\t_\n"
    "3\tgo\tgo\tVERB\tVB\tMood=Imp|Number=Sing\t0\troot\t_\t_\n"
    "3.1\tnow\tnow\tADV\t_\t_\t_\t_\t3:advmod\tCopyOf=9\n"
    "4-5\tto the\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "4\tau\tà\tADP\tIN\t_\t6\tcase\t_\t_\n"
    "5\tles\tle\tDET\tDT\tDefinite=Def|Number=Plur\t6\tdet\t_\t_\n"
    "6\tcafe\u0301\tcafé\tNOUN\tNN\tNumber=Sing\t3\tobl\t_\tNER=B-PLACE|SpaceAfter=No\n"
    "7\t!\t!\tPUNCT\t.\t_\t3\tpunct\t_\t_\n"
    "\n"
    "# sent_id = 2\n"
    "1\t_\t_\tSYM\t_\t_\t0\troot\t_\tSpaceAfter=No\n"
    "2\t10 000\t10 000\tNUM\tCD\tNumType=Card\t1\tnummod\t_\t_\n"
    "\n"
)
# `# text` has the é that the form has in two characters: it is made of the tokens then.
FIRST_WORDS = ("Do", "n't", "go", "au", "les", "café", "!")


def read(tmp_path, content, name="a.conllu", **settings):
    path = tmp_path / name
    path.write_bytes(content.encode())
    return list(read_tagged(path, **settings))


def message(tmp_path, content, **settings):
    with pytest.raises((TextError, UsageError)) as caught:
        read(tmp_path, content, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{tmp_path}/", "")


def row(number, form="w", upos="X", columns=10):
    return "\t".join([str(number), form, "_", upos, *["_"] * (columns - 4)]) + "\n"


def test_words_tags_text_and_places(tmp_path):
    first, second = read(tmp_path, SENTENCES)
    assert first.words == FIRST_WORDS
    assert first.tags == ("AUX", "PART", "VERB", "ADP", "DET", "NOUN", "PUNCT")
    assert first.text == "Don't  go to the cafe\u0301!"
    assert [first.surface(n, n + 1) for n in range(7)] == ["Do", "n't", "go", "to the", "to the", "cafe\u0301", "!"]
    assert first.position == f"{tmp_path}/a.conllu, line 5"
    assert first.position_of(5) == f"{tmp_path}/a.conllu, line 12"
    assert (second.words, second.text, second.offsets) == (("_", "10 000"), "_10 000", ((0, 1), (1, 7)))


def test_the_text_of_a_comment_is_kept_where_the_words_are_in_it(tmp_path):
    content = "# text = one\u00a0 two\n" + row(1, "one") + row(2, "two") + "\n"
    (sentence,) = read(tmp_path, content)
    assert (sentence.text, sentence.offsets) == ("one\u00a0 two", ((0, 3), (5, 8)))
    (sentence,) = read(tmp_path, content.replace("text = one", "text = won"))
    assert (sentence.text, sentence.offsets) == ("one two", ((0, 3), (4, 7)))


@pytest.mark.parametrize(
    ("field", "tags"),
    [
        ("xpos", ("VB", "RB", "VB", "IN", "DT", "NN", ".")),
        ("5", ("VB", "RB", "VB", "IN", "DT", "NN", ".")),
        ("feats.Number", ("_", "_", "Sing", "_", "Plur", "Sing", "_")),
        ("misc.NER", ("_", "_", "_", "_", "_", "B-PLACE", "_")),
        ("Feats", ("Mood=Imp|VerbForm=Fin", "Polarity=Neg", "Mood=Imp|Number=Sing", "_", "Definite=Def|Number=Plur",
                   "Number=Sing", "_")),
    ],
)  # fmt: skip
def test_any_field_is_read_and_written_back(tmp_path, field, tags):
    sentences = read(tmp_path, SENTENCES, field=field)
    assert sentences[0].tags == tags
    assert "".join(write_tagged(each, each.tags) for each in sentences) == SENTENCES


def test_new_tags_change_their_column_only(tmp_path):
    first, second = read(tmp_path, SENTENCES)
    expected = SENTENCES.replace("\tAUX\t", "\tverb\t").replace("cafe\u0301\tcafé\tNOUN", "cafe\u0301\tcafé\tX")
    new = ("verb", "PART", "VERB", "ADP", "DET", "X", "PUNCT")
    assert write_tagged(first, new) + write_tagged(second, second.tags) == expected


def test_features_are_set_and_removed(tmp_path):
    first, _ = read(tmp_path, SENTENCES)
    new = write_tagged(first, ("Sing", "Plur", "_", "_", "_", "Plur", "_"), field="feats.Number").splitlines()
    feats = [new[n].split("\t")[5] for n in (4, 5, 6, 9, 10, 11)]
    assert feats == ["Mood=Imp|Number=Sing|VerbForm=Fin", "Number=Plur|Polarity=Neg", "Mood=Imp", "_", "Definite=Def",
                     "Number=Plur"]  # fmt: skip
    new = write_tagged(first, ("O", *"_____", "B-X"), field="misc.NER").splitlines()
    assert [new[n].split("\t")[9] for n in (4, 11, 12)] == ["NER=O", "SpaceAfter=No", "NER=B-X"]


@pytest.mark.parametrize(
    "content",
    [
        SENTENCES.replace("\n", "\r\n"),
        "\ufeff" + SENTENCES,
        SENTENCES.removesuffix("\n\n"),
        "\n \n" + SENTENCES + "\n\t\n# the end\n\n# of all",
        SENTENCES.replace("\n\n# sent_id", "\n\n\n# alone\n\n# sent_id"),
        SENTENCES.replace("\n\n# sent_id", "\n \t\r\n# sent_id"),
        SENTENCES.replace("3\tgo", "# in between\n3\tgo"),
    ],
)
def test_every_byte_comes_back(tmp_path, content):
    sentences = read(tmp_path, content, for_writing=True)
    assert [each.words for each in sentences if each.words] == [FIRST_WORDS, ("_", "10 000")]
    assert "".join(write_tagged(each, each.tags) for each in sentences) == content


def test_words_alone_are_read_without_tags(tmp_path):
    content = row(1, "a", "_") + row(2, "b", "_") + "\n"
    (sentence,) = read(tmp_path, content, tagged=False)
    assert sentence.tags == ()
    assert write_tagged(sentence, ("DET", "NOUN")) == row(1, "a", "DET") + row(2, "b", "NOUN") + "\n"


def test_columns_of_conllu_plus(tmp_path):
    content = "# global.columns = ID FORM UPOS PARSEME:NE\n1\tRome\tPROPN\tB-LOC\n\n"
    (sentence,) = read(tmp_path, content, field="parseme:ne")
    assert (sentence.words, sentence.tags) == (("Rome",), ("B-LOC",))
    assert write_tagged(sentence, ("O",)) == content.replace("B-LOC", "O")


def test_a_sentence_of_ten_thousand_words(tmp_path):
    content = "".join(row(n + 1, f"w{n}") for n in range(10_000)) + "\n"
    (sentence,) = read(tmp_path, content)
    assert len(sentence) == 10_000
    assert sentence.surface(9_998, 10_000) == "w9998 w9999"
    assert write_tagged(sentence, sentence.tags) == content


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (row(1) + row(2, columns=9), "line 2: 9 columns, but CoNLL-U has 10, separated by tabs; mend that line"),
        (row(1).replace("\t", "  "), "line 1: columns are separated by spaces, but CoNLL-U has tabs there"),
        (row(1) + row(2) + row(1), "line 3: id is 1 after word 2; put a blank line between the sentences"),
        (row(1) + row(3), "line 2: id is '3' after 1 word;"),
        (row(1) + row("x"), "line 2: id is 'x' after 1 word;"),
        (row(1) + row("2-1"), "line 2: id is '2-1' after 1 word;"),
        (row("1-2") + row(1) + "\n", "line 3: the words of the multi-word token 'w' are not all there"),
        (row(1, ""), "line 1: no word, its form is empty; put one there"),
        (row(1, upos=""), "line 1: upos is empty; write _ where there is nothing"),
        (row(1, upos="_"), "no word has a tag in upos, there is only _; choose another field"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, content, expected):
    assert message(tmp_path, content).removeprefix("a.conllu, ").removeprefix("a.conllu: ").startswith(expected)


def test_unknown_fields(tmp_path):
    assert message(tmp_path, SENTENCES, field="pos").startswith("field is 'pos', which CoNLL-U does not have; its")
    assert message(tmp_path, SENTENCES, field="upos.X").startswith("field is 'upos.X'; only feats and misc have")
    assert message(tmp_path, SENTENCES, field="feats.Case") == (
        "a.conllu: no word has feats.Case; feats has: Mood, VerbForm, Polarity, Number, Definite, NumType"
    )
    with pytest.raises(UsageError, match="tag is 'a\\\\tb'"):
        write_tagged(read(tmp_path, SENTENCES)[0], ("a\tb", *"XXXXXX"))
