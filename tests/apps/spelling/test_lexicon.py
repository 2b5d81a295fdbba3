"""Similar words against a search of all of them; forms, probabilities, word lists, protected
words."""

import math
import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import elman
from elman.apps.spelling.error_model import ErrorModel
from elman.apps.spelling.lexicon import Lexicon, distances
from elman.apps.spelling.proposals import Proposer
from elman.apps.spelling.text_words import text_words
from elman.errors import UsageError


def edits(one: str, other: str) -> int:
    """Optimal string alignment, by its definition."""

    @cache
    def of(row: int, column: int) -> int:
        if not row or not column:
            return row + column
        same = one[row - 1] == other[column - 1]
        best = min(of(row - 1, column) + 1, of(row, column - 1) + 1, of(row - 1, column - 1) + (not same))
        if row > 1 and column > 1 and one[row - 2 : row] == other[column - 2 : column][::-1]:
            best = min(best, of(row - 2, column - 2) + 1)
        return best

    return of(len(one), len(other))


def test_similar_words_are_those_of_a_full_search() -> None:
    rng = random.Random(1)
    words = sorted({"".join(rng.choices("abcé'", k=rng.randint(1, 7))).strip("'") for _ in range(300)} - {""})
    lexicon = Lexicon(dict.fromkeys(words, 0.1))
    for distance in (1, 2, 3):
        for word in ("abc", "a", "cabbac", "zz", "éab'c"):
            found = {lexicon.words[place]: far for place, far in lexicon.similar(word, distance)}
            assert found == {each: edits(each, word) for each in lexicon.words if edits(each, word) <= distance}
    assert distances(np.zeros((0, 30), np.uint32), np.zeros(0, np.int64), "abc").tolist() == []


def test_forms_and_probabilities_add_up() -> None:
    lexicon = Lexicon({"The": 0.1, "the": 0.3, "Paris": 0.01, "x1": 0.5, "don\u2019t": 0.02})
    assert sorted(lexicon.words) == ["don't", "paris", "the"]
    assert lexicon.log_prob("THE") == pytest.approx(math.log(0.4)) and lexicon.forms_of("THE") == ["the", "The"]
    assert lexicon.log_prob("rome") == -math.inf and "don't" in lexicon


@pytest.mark.parametrize("sign", "'\u2019\u02bc")
def test_a_possessive_is_known_by_what_stands_before_it(sign: str) -> None:
    english = {"carpenter": 0.1, "carpenters": 0.2, "act": 0.1, "it's": 0.1}
    proposer = Proposer(Lexicon(english), ErrorModel(), {})
    line = f"carpenter{sign}s carpentre{sign}s"
    known, mistyped = text_words(line)
    assert proposer.known(known.text) and not proposer.known(mistyped.text)
    found = proposer.proposals(line, [known, mistyped])
    assert {each.first for each in found} == {1}
    assert {each.text for each in found} == {f"carpenter{sign}s", f"carpenters{sign}s"}
    del english["it's"]
    assert not Proposer(Lexicon(english), ErrorModel(), {}).known(known.text)


def test_words_of_a_model_and_of_a_list(ngram_folder: Path, text_file: Path, tmp_path: Path) -> None:
    lm = elman.load(ngram_folder).lm
    lexicon = Lexicon.of(lm, ["zebra 7", "Anna 3"])
    assert lexicon.forms_of("anna") == ["Anna"] and "zebra" in lexicon
    assert lexicon.log_prob("the") > lexicon.log_prob("morning") > lexicon.log_prob("zebra")
    chars = elman.train(text_file, model="ngram", order=2, level="char", valid=text_file, out=tmp_path / "c").lm
    with pytest.raises(UsageError, match="--words FILE"):
        Lexicon.of(chars)
    assert Lexicon.of(chars, ["the 3", "cat 1"]).log_prob("the") == pytest.approx(math.log(0.75))


@pytest.mark.parametrize(
    ("line", "free"),
    [
        ("See www.teh.org or mail me@teh.org, @teh #teh", "See or mail"),
        ("run `teh code` and foo_bar(teh) or a/teh x=teh", "run and or"),
        ("at 9am and 1,234 the 3rd", "at and the"),
        ("teh.py isn\u2019t it? no.", "isn\u2019t it no"),
        ("(see) well-known \u00abcaf\u00e9\u00bb", "see well known caf\u00e9"),
        ("", ""),
    ],
)
def test_what_is_no_word_or_code_is_left_alone(line: str, free: str) -> None:
    words = list(text_words(line))
    assert [word.text for word in words if not word.protected] == free.split()
    assert all(line[word.start : word.end] == word.text for word in words)


def test_sentences_begin_after_their_marks() -> None:
    words = list(text_words('He saw Zyx. "Teh end," he said! Then 3 cats'))
    assert [word.text for word in words if word.begins] == ["He", "Teh", "Then"]
    assert [word.protected for word in text_words("keep Foo", {"foo"})] == [False, True]
