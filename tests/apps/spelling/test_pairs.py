"""Formats of misspellings, with what is wrong in them; confusions that are learned."""

import re
from pathlib import Path

import pytest

from elman.apps.correcting import parallel_lines
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
    ("name", "text"),
    [
        ("a.tsv", "Correct\tMisspelling\nreceive\trecieve\na lot\talot\n"),
        ("a.txt", "id\tsource\ttarget\n1\trecieve\treceive\n2\talot\ta lot\n"),
        ("a.csv", 'wrong,right\n"recieve",receive\nalot,a  lot\n'),
        ("a.jsonl", '{"src": "recieve", "tgt": "receive"}\n{"src": "alot", "tgt": "a lot"}\n'),
        ("a.txt", "recieve->receive, disabled because of a name\nalot->a lot,\n"),
    ],
)
def test_tables_with_names(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert read_pairs(tmp_path / name) == [Pair("recieve", "receive"), Pair("alot", "a lot")]


M2 = """S People with close relationship share a similar traits .
A 1 2|||Prep|||within||of|||REQUIRED|||-NONE-|||0
A 5 6|||ArtOrDet||||||REQUIRED|||-NONE-|||0
A 5 6|||ArtOrDet|||the|||REQUIRED|||-NONE-|||1

S Ther freind is nice
A 0 1|||Mec|||Their|||REQUIRED|||-NONE-|||1
A 1 2|||R:SPELL|||friend|||REQUIRED|||-NONE-|||1
A 4 4|||M:PUNCT|||.|||REQUIRED|||-NONE-|||1

S All is well .
A -1 -1|||noop|||-NONE-|||REQUIRED|||-NONE-|||0
"""


def test_m2_by_hand(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(M2)
    assert read_pairs(tmp_path / "a") == [Pair("Ther", "Their"), Pair("freind", "friend")]
    assert parallel_lines(tmp_path / "a").lines == [
        (
            "People with close relationship share a similar traits .",
            "People within close relationship share similar traits .",
        ),
        ("Ther freind is nice", "Their friend is nice ."),
        ("All is well .", "All is well ."),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "S a b\nA 2 3|||R|||x|||REQUIRED|||-NONE-|||0\n",
            "f.txt:2: 'A 2 3|||R|||x|||REQUIRED|||-NONE-|||0' is no edit",
        ),
        ("S a b\nA 0 2|||R|||x|||R|||-|||0\nA 1 2|||R|||x|||R|||-|||0\n", "f.txt:3: the edit begins at 1, before"),
        ("S a b\nA 0 1|||R|||x|||R|||-|||0\nB c\n", "f.txt:3: 'B c' is neither a sentence"),
        ('{"wrong": "teh"}\n', "line 1: no text in a field called right, correct, ... or label; the fields are: wrong"),
        ("teh->the\nwhat is this\n", "f.txt:2: 'what is this' is no pair"),
        ("\n", "no misspelling"),
        ("tests = {'a': [1]}", "no dict of words"),
        ("tests = {'a': __import__('os')}", "no dict of words"),
        ("\udcff", "not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(TextError, match=re.escape(words)):
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
