"""The most frequent tag of each word, against counts by hand."""

import itertools
from collections import Counter

import pytest

from elman.models.frequent_tags import LONGEST_SUFFIX, RARE, FrequentTags


def test_known_words_have_their_most_frequent_tag() -> None:
    words = [["run", "run", "run", "Run"], ["the", "run"], ["saw", "saw"]]
    tags = [["N", "V", "V", "N"], ["D", "N"], ["V", "N"]]
    tagger = FrequentTags().fit(words, tags)
    # run: V 2, N 2, and N is more frequent overall (4 against 3). saw: the same.
    assert tagger.predict(["run", "Run", "the", "saw"]) == ["N", "N", "D", "N"]
    assert tagger.words == {"run", "Run", "the", "saw"}


def test_unknown_words_back_off_to_shorter_endings_of_the_same_case() -> None:
    words = ["walking", "Banking", "king", "sing", "talked", "Ltd", "GmbH", "1990", "2nd", "."]
    tags = ["V", "NAME", "N", "V", "V", "NAME", "NAME", "NUM", "ADJ", "P"]
    tagger = FrequentTags().fit([words], [tags])
    # -king has V and N once, and V is more frequent; -lking has V, -ing V twice and N once, -nd
    # ADJ.
    found = tagger.predict(["aking", "balking", "bling", "Zzz", "3nd", "2990", "!", "zzz"])
    assert found == ["V", "V", "V", "NAME", "ADJ", "NUM", "P", "V"]
    # Nothing is in capitals: NAME is as frequent as V, and first by name. -ng with a capital is
    # Banking.
    assert tagger.predict(["KING", "Hang"]) == ["NAME", "NAME"]


def test_frequent_words_do_not_count_for_endings() -> None:
    often = [["going"] * (RARE + 1)], [["V"] * (RARE + 1)]
    words, tags = [*often[0], ["ring", "ding"]], [*often[1], ["N", "N"]]
    assert FrequentTags().fit(words, tags).predict(["bring", "going"]) == ["N", "V"]
    assert FrequentTags().fit(*often).predict(["bring", "", "7"]) == ["V"] * 3  # the most frequent tag of all


def test_every_ending_against_a_scan_of_the_training_words() -> None:
    words = ["".join(letters) for letters in itertools.product("ab", repeat=3)] + ["b" * (LONGEST_SUFFIX + 4)]
    tags = [f"T{index % 3}" for index in range(len(words))]
    tagger = FrequentTags().fit([words], [tags])
    overall = Counter(tags)
    for word in ("".join(letters) for letters in itertools.product("abc", repeat=4)):
        for start in range(5):
            like = Counter(tag for known, tag in zip(words, tags, strict=True) if known.endswith(word[start:]))
            if like:
                expected = min(like, key=lambda tag: (-like[tag], -overall[tag], tag))
                break
        else:
            pytest.fail("the empty ending fits")
        assert tagger.predict([word]) == [expected]
