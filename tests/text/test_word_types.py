"""Lines as types of words and what stands between them: by hand, and back to the same text."""

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elman.text.apostrophes import with_signs
from elman.text.kinds import KINDS, split_pattern
from elman.text.unicode_classes import compiled
from elman.text.word_splitter import WordSplitter, apostrophe_of
from elman.text.word_types import After, Spelling, WordWriter, pieces_of, split_line

SHY, LRM, ZWSP, NBSP, NARROW = "\u00ad", "\u200e", "\u200b", "\u00a0", "\u202f"
LINES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.lists(
        st.sampled_from(
            [*"ab  \t'’ʼ.,-=<>/1é\"(«)\u0301\u0947\u200d\u200c\ufe0f❤猫。_\x1c\u1780\u17d2#@:3\U0001d49c\U00010400"]
            + [SHY, LRM, ZWSP, NBSP, "\U0001f469", "\U0001f3fd", "http://a.b", "x@y.org", ":) ", "\U0001f1eb\U0001f1f7"]
        ),
        max_size=14,
    ).map("".join),
).map(lambda text: unicodedata.normalize("NFC", text).replace("\r", "").replace("\n", "").rstrip())


RULES_2 = Spelling()
RULES_3 = Spelling(rules=3)


def types(line: str, spelling: Spelling = RULES_3) -> list[str]:
    return [part.type for part in split_line(line, spelling)]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("He ate.", [" He", " ate", "."]),
        ('"He" (she) [it]', [' "', " He", '"', " (", " she", ")", " [", " it", "]"]),
        ("a-b c/d e_f g.h", [" a", "-", " b", " c", "/", " d", " e", "_", " f", " g", ".", "<join>", " h"]),
        ("  x  = 1", ["  ", " x", "  ", "=", " ", " 1"]),
        (f"«{NBSP}oui{NBSP}»", [" «", NBSP, " oui", NBSP, "»"]),
        ("\tif x:", ["\t", " if", " x", ":"]),
        ("rock’n’roll ’tis", [" rock'n'roll", " '", " tis"]),
        ("dogs’ oʼclock oʼ", [" dogs", "'", " o'clock", " oʼ"]),
        (f"co{SHY}op{SHY}s {LRM}x{LRM}", [f"<2{SHY}>", f"<5{SHY}>", " coops", f" {LRM}", " x", LRM]),
        (f"foo{ZWSP}bar ខ្ញុំ{ZWSP}ទៅ", [f"<3{ZWSP}>", " foobar", " ខ្ញុំ", ZWSP, " ទៅ"]),
        ("ok\U0001f602\U0001f602", [" ok", "<join>", " \U0001f602", "<join>", " \U0001f602"]),
        ("(see :) x[a:] f(a=()))", [" (", " see", " :)", " x", "[", " a", ":", "]", " f", "(", " a", "=", "(", ")))"]),
        ("at 10:30, 1,2; v1.2.3. 5:", [" at", " 10:30", ",", " 1,2", ";", " v1.2.3", ".", " 5", ":"]),
        ("(http://a.b/c_(d)).", [" (", " http://a.b/c_(d)", ")", "."]),
        ("R&D x#y a@b", [" R", "&", " D", " x", "#", " y", " a", "@", " b"]),
    ],
)
def test_types_by_hand(line: str, wanted: list[str]) -> None:
    assert types(line) == wanted


@pytest.mark.parametrize(
    "before", ["", " ", "  ", "\t", NBSP, NARROW, "(", '"', "«" + NBSP, "\u201c", "[", "—", "x/", LRM, "\u2060 "]
)
@pytest.mark.parametrize("word", ["Zoë", "don't", "3rd", "\U0001f602", "@ann", "#tag"])
def test_a_word_is_one_type_whatever_stands_before_it(before: str, word: str) -> None:
    if before.endswith("/") and word[0] in "@#":
        before = "/"
    assert types(f"say {before}{word}")[-1] == f" {word}"
    assert types(f"{before}{word}")[-1] == f" {word}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_examples_of_each_kind_are_one_token(kind) -> None:
    for text in kind.examples:
        assert types(text) == [f" {text}"]
        assert types(f"so, {text} then")[2:-1] == [f" {text}"]


def test_the_table_of_kinds_is_in_the_docs() -> None:
    page = Path(__file__, "../../../docs/words.md").resolve().read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]*) \| (`.*`) \|$", page, re.MULTILINE)
    assert [(name, tuple(examples[1:-1].split("`, `"))) for name, examples in rows] == [
        (kind.name, kind.examples) for kind in KINDS if kind.name != "mark without a letter"
    ]


def test_a_run_of_emoji_is_parted_at_grapheme_clusters() -> None:
    family, flags = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1eb\U0001f1f7\U0001f1e9\U0001f1ea"
    found = [
        token
        for token in types(family + "\U0001f44d\U0001f3fd" + flags + "1\ufe0f\u20e32\ufe0f\u20e3")
        if token != "<join>"
    ]
    assert found == [
        " " + text for text in (family, "\U0001f44d\U0001f3fd", flags[:2], flags[2:], "1\ufe0f\u20e3", "2\ufe0f\u20e3")
    ]


def test_markers_of_rules_2() -> None:
    assert types("rock’n’roll ’tis", RULES_2) == ["<’>", " rock'n'roll", " ’", " tis"]
    assert types("rock'n’roll", RULES_2) == ["<6=’>", " rock'n'roll"]


@pytest.mark.slow
@given(line=LINES, sign=st.sampled_from("'’ʼ"), rules=st.sampled_from([2, 3]))
@example(line="kʼʼʼa'’b", sign="'", rules=2)
@example(line="kʼʼʼa'’b", sign="ʼ", rules=3)
@example(line="a\xadʼb a\xad’b", sign="'", rules=3)
@example(line="\U0001d49c@b 𝒜's", sign="’", rules=2)
@settings(max_examples=300, deadline=None)
def test_every_line_comes_back(line: str, sign: str, rules: int) -> None:
    spelling = Spelling(apostrophe=sign, rules=rules)
    parts = list(split_line(line, spelling))
    writer, signs = WordWriter(After.START), spelling.signs(line)
    assert with_signs("".join(writer.write(part.type) for part in parts), sign, signs) == line
    # Each sign belongs to an apostrophe of a type.
    assert rules == 2 or sum(part.type.count(sign) for part in parts) == len(signs)
    assert [0, *(part.end for part in parts)] == [*(part.start for part in parts), len(line)]
    ids = {token: number for number, token in enumerate(dict.fromkeys(part.type for part in parts), start=1)}
    splitter = WordSplitter(spelling, ids, unknown=0)
    assert splitter.ids(line) == [ids[part.type] for part in parts]


@pytest.mark.slow
@given(line=LINES)
@example(line="0@0.A\U0001d400")
@settings(max_examples=200, deadline=None)
def test_fast_patterns_split_as_the_whole_one(line: str) -> None:
    assert list(pieces_of(line)) == [match.span() for match in compiled(split_pattern(linked=True)).finditer(line)]


def test_unknown_blanks_come_one_by_one() -> None:
    splitter = WordSplitter(Spelling(), {" a": 1, " ": 2, "\t": 3, " b": 4}, unknown=0)
    assert splitter.ids("a \t b") == [1, 2, 3, 2, 4]
    assert [part[1:] for part in splitter.parts("a \t b")] == [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]


def test_counts_and_the_usual_apostrophe() -> None:
    lines = ["l’eau, l’eau", "l'eau", "'' 'a' don\\'t"]
    tally = WordSplitter(RULES_3, {}, unknown=0).tally(lines)
    sign, share = apostrophe_of(tally)
    # Two of eight; the others are one word's, two pairs of quotes and one after a backslash.
    assert (sign, share) == ("’", (2 + 1) / (8 + 2))
    new = WordSplitter(RULES_3._replace(apostrophe=sign), {}, unknown=0).types_of(tally)
    assert (new[" l’eau"], new[" ’’"], new["’"], new[" l'eau"]) == (3, 1, 2, 0)
    tally = WordSplitter(RULES_2, {}, unknown=0).tally(lines)
    assert apostrophe_of(tally) == (sign, share)
    old = WordSplitter(RULES_2._replace(apostrophe=sign), {}, unknown=0).types_of(tally)
    assert (old[" l’eau"], old["<'>"], old["<’>"], old[" ''"]) == (3, 1, 0, 1)


def test_compatible_forms_and_case() -> None:
    folded = Spelling(lowercase=True, compatibility=True)
    assert types("ＡＢ ﬁn １２\u3000x", folded) == [" ab", " fin", " 12", " x"]
    assert types("ΔΡΟΜΟΣ. İSTANBUL", Spelling(lowercase=True)) == [" δρομος", ".", " istanbul"]


def test_what_an_open_line_leaves() -> None:
    assert [WordSplitter(Spelling(), {}, unknown=0).read(line)[1] for line in ("", "a", "(", "a ", 'a"')] == [
        0,
        2,
        1,
        1,
        2,
    ]
