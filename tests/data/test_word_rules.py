import dataclasses

import pytest

from elman.data.tagged_sentence import TaggedSentence
from elman.data.word_rules import WordRules
from elman.errors import FolderError


def sentence(line, *, known=True):
    """A sentence whose words are between spaces and ``|``, which stands for no space."""
    words, offsets, text = [], [], ""
    for chunk in line.split():
        text += " " if text else ""
        for word in chunk.split("|"):
            offsets.append((len(text), len(text) + len(word)))
            words.append(word)
            text += word
    whole = TaggedSentence(words=tuple(words), text=text, offsets=tuple(offsets))
    return whole if known else dataclasses.replace(whole, text="", offsets=())


LINES = (
    "I do|n't know Ms. Lee|'s e-mail|.",
    "It|'s 5|-|6 km from the U.S. border|.",
    "They ca|n't say who|'s there o'clock|.",
    "We do not know|.",
    "A J. Smith and a K. Smith and an L. Smith|.",
    "a/b c/d x/y and/or|.",
    "the well|-|known man|, the e-mail|, the e|-|mails|.",
    "See Ms. Poe|.",
)


def words_of(rules, line):
    return " ".join(rules.split(line).words)


@pytest.fixture(scope="module", params=[True, False], ids=["with text", "words only"])
def rules(request):
    return WordRules.fit([sentence(line, known=request.param) for line in LINES])


def test_the_training_text_is_read_as_it_was(rules):
    for line in LINES:
        assert words_of(rules, sentence(line).text) == line.replace("|", " ")


def test_rules_go_beyond_what_was_seen(rules):
    assert words_of(rules, "She won\u2019t see Bob's cat.") == "She wo n\u2019t see Bob 's cat ."
    assert words_of(rules, "At 5 o'clock.") == "At 5 o'clock ."
    split = rules.split("  She didn't.")
    assert [split.surface(n, n + 1) for n in range(4)] == ["She", "did", "n't", "."]
    assert split.offsets[1] == (6, 9)


def test_shapes_are_learned_where_the_text_is_known():
    known, unknown = (WordRules.fit([sentence(line, known=known) for line in LINES]) for known in (True, False))
    assert words_of(known, "Q. Smith x/z one/two e-mails") == "Q. Smith x/z one / two e - mails"
    assert words_of(unknown, "Q. Smith") == "Q . Smith"


def test_words_that_are_more_often_apart_are_not_joined():
    texts = ["x|-|y x|-|y x-y", "no.", "No|. no|. yes"]
    rules = WordRules.fit([sentence(line) for line in texts])
    assert words_of(rules, "x-y no. No.") == "x - y no . No ."


def test_articles_before_a_word():
    rules = WordRules.fit([sentence("l'|eau et l'|air d'|aujourd'hui")])
    assert words_of(rules, "L'homme d'aujourd'hui") == "L' homme d' aujourd'hui"


def test_without_sentences_words_are_elmans_own():
    assert words_of(WordRules.fit([]), "don't e-mail the U.S.") == "don't e - mail the U . S ."


def test_rules_are_kept_in_a_file(rules):
    content = rules.to_bytes()
    again = WordRules.from_bytes(content)
    assert again.to_bytes() == content
    for line in (*LINES, "They won't e-mail Q. Poe's U.S. clerk o'clock."):
        assert again.split(sentence(line).text) == rules.split(sentence(line).text)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"joined"', b'"other"'), (b"[", b"{"), (b'"e-mail"', b"3"), (b"2\n", b"9\n"), (b"}", b""), (b"\n", b"[" * 9999)],
)  # fmt: skip
def test_damaged_rules_are_refused(rules, old, new):
    assert old in rules.to_bytes()
    with pytest.raises(FolderError, match="the rules of words are damaged"):
        WordRules.from_bytes(rules.to_bytes().replace(old, new, 1))
