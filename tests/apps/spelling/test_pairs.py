"""Formats of misspellings, with what is wrong in them; confusions that are learned."""

from pathlib import Path

import pytest

from elman.apps.spelling.confusions import COST, article_before, confused_article, confusions
from elman.apps.spelling.pairs import Pair, parse_pairs, read_pairs
from elman.errors import TextError


def test_every_format(tmp_path: Path) -> None:
    lines = ["right: wrong, rong*3", "", "# a remark", "teh->the, ten", "cta\tcat", "$access", "acess", "acces 2"]
    assert list(parse_pairs(lines)) == [
        Pair("wrong", "right"), Pair("rong", "right", 3), Pair("teh", "the"), Pair("teh", "ten"), Pair("cta", "cat"),
        Pair("acess", "access"), Pair("acces", "access", 2),
    ]  # fmt: skip
    (tmp_path / "t.txt").write_text("tests1 = { 'access': 'acess',\n 'two': 'tow twoo'}\n")
    assert read_pairs(tmp_path / "t.txt") == [Pair("acess", "access"), Pair("tow", "two"), Pair("twoo", "two")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("teh->the\nwhat is this\n", "f.txt:2: 'what is this' is no pair"),
        ("\n", "no misspelling"),
        ("tests = {'a': [1]}", "no dict of words"),
        ("tests = {'a': __import__('os')}", "no dict of words"),
        ("\udcff", "not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(TextError, match=words.replace("(", r"\(")):
        read_pairs(tmp_path / "f.txt")


def test_confusions_are_built_in_and_learned() -> None:
    found = confusions([Pair("form", "from", 2), Pair("cat", "cart")])
    assert found["there"] == {"their": COST, "they're": COST}
    assert found["form"]["from"] < COST and "cat" not in found


def test_articles() -> None:
    asked = {word: article_before(word) for word in ("egg", "European", "honest", "unit", "umbrella", "dog", "year")}
    assert asked == {
        "egg": "an", "European": "a", "honest": "an", "unit": "a", "umbrella": "an", "dog": "a", "year": None
    }  # fmt: skip
    assert confused_article("an", "egg") == {} and list(confused_article("an", "dog")) == ["a"]
    assert confused_article("the", "egg") == {}
