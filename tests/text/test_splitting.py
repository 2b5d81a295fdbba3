"""Where lines are split, by hand, through the library that runs the patterns; and that cuts change
nothing.
"""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from elman.text.splitting import CHAR_PATTERN, PRETOKENIZED_PATTERN, WORD_PATTERN, Level, cut

MAN, SKIN, COMPUTER, JOINER = "\U0001f468", "\U0001f3fd", "\U0001f4bb", "\u200d"
CODER = MAN + SKIN + JOINER + COMPUTER


def split(pattern: str, line: str) -> list[str]:
    return [part for part, _ in Split(Regex(pattern), "isolated").pre_tokenize_str(line)]


@pytest.mark.parametrize(
    ("line", "tokens"),
    [
        (" The cat", [" The", " cat"]),
        (" don't say ’tis o’clock", [" don't", " say", " ’", "tis", " o’clock"]),
        (" dogs' 'em rock''n", [" dogs", "'", " '", "em", " rock", "''", "n"]),
        (" 12 345, 3rd a1", [" 12", " 345", ",", " 3", "rd", " a", "1"]),
        (" wait... what?! --", [" wait", "...", " what", "?", "!", " --"]),
        (" a_b = c==d", [" a", "_", "b", " =", " c", "==", "d"]),
        ("   two  spaces", ["  ", " two", " ", " spaces"]),
        (" \ttab\t\tx", [" ", "\t", "tab", "\t", "\t", "x"]),
        (" x\u00a0y", [" x", "\u00a0", "y"]),
        (" नमस्ते दुनिया", [" नमस्ते", " दुनिया"]),
        (" می\u200cخواهم", [" می\u200cخواهم"]),
        (" مُحَمَّد،", [" مُحَمَّد", "،"]),
        (" x\u0323\u0301y", [" x\u0323\u0301y"]),
        (" \u0301x", [" \u0301", "x"]),
        (" a</s><unk>", [" a", "<", "/", "s", ">", "<", "unk", ">"]),
        (" ❤\ufe0fa ❤\ufe0f", [" ❤\ufe0f", "a", " ❤\ufe0f"]),
        (f" hi {CODER}!", [" hi", f" {CODER}", "!"]),
        (" 1\ufe0f\u20e3", [" 1\ufe0f\u20e3"]),
        (" 猫が座った。", [" 猫が座った", "。"]),
    ],
)
def test_words_carry_their_leading_space(line: str, tokens: list[str]) -> None:
    assert split(WORD_PATTERN, line) == tokens


def test_pretokenized_text_is_split_at_spaces_only() -> None:
    assert split(PRETOKENIZED_PATTERN, " it was n't <unk>'s 10\u00a0000 a\tb,c") == [
        " it",
        " was",
        " n't",
        " <unk>'s",
        " 10\u00a0000",
        " a\tb,c",
    ]


def test_characters_are_code_points() -> None:
    assert split(CHAR_PATTERN, f"e\u0301 {MAN}{JOINER}\n") == ["e", "\u0301", " ", MAN, JOINER, "\n"]


@pytest.mark.slow
@given(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=25),
        st.text("ab  \t'’._-=0猫。，\u0301\u0947\u200d\u200c\ufe0f❤\x1c\u00a0\u3000", max_size=40),
    ),
    st.integers(1, 6),
)
@example("a  b c", 1)
@example("a__b..c", 1)
@example(":\u200d_:", 1)
@example("_:_:", 1)
@settings(max_examples=400, deadline=None)
def test_cuts_change_no_token(text: str, limit: int) -> None:
    text = " " + unicodedata.normalize("NFC", text)
    levels: list[tuple[Level, str]] = [("word", WORD_PATTERN), ("char", CHAR_PATTERN)]
    for level, pattern in levels:
        parts = list(cut(text, level=level, limit=limit))
        assert "".join(part for _, part in parts) == text
        assert [text[start : start + len(part)] for start, part in parts] == [part for _, part in parts]
        assert [token for _, part in parts for token in split(pattern, part)] == split(pattern, text)


@given(st.lists(st.text("ab.\t\u00a0", max_size=3), min_size=1, max_size=12), st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_cuts_of_pretokenized_text_are_before_a_word(words: list[str], limit: int) -> None:
    text = " " + " ".join(words)
    parts = list(cut(text, level="word", pretokenized=True, limit=limit))
    assert "".join(part for _, part in parts) == text
    assert [word for _, part in parts for word in part.split(" ") if word] == [word for word in words if word]
    assert all(part[:2].strip(" ") and part[0] == " " for _, part in parts[1:])


def test_places_of_cuts() -> None:
    assert list(cut(" to be, or  not", level="word", limit=2)) == [(0, " to"), (3, " be"), (6, ", or  not")]
    assert list(cut("abc,d e", level="word", pretokenized=True, limit=2)) == [(0, "abc,d"), (5, " e")]
    assert list(cut("abcde", level="byte", limit=2)) == [(0, "ab"), (2, "cd"), (4, "e")]
    assert list(cut("abcde fgh", level="word", limit=100)) == [(0, "abcde fgh")]
    assert list(cut("", level="word")) == []
