"""The apostrophes of a line come back to the words that had them, whatever else is unknown."""

import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.text.test_word_types import LINES

from elman.text.apostrophes import count_signs, with_signs
from elman.text.tokenizer import Tokenizer, TokenizerConfig
from elman.text.word_types import is_between, is_symbol


def is_word(token: str) -> bool:
    return token[:1] == " " and not is_between(token) and not is_symbol(token[1:])


@given(
    line=LINES,
    lost=st.sets(st.integers(0, 13)),
    rules=st.sampled_from([2, 3]),
    direction=st.sampled_from(["forward", "backward"]),
)
@example(line="zoe’s don't it's", lost={0}, rules=3, direction="forward")
@example(line="it's zoe’s don't ’'", lost={1}, rules=3, direction="backward")
@settings(deadline=None)
def test_a_line_comes_back_up_to_unknown_words(line: str, lost: set[int], rules: int, direction) -> None:
    whole = Tokenizer.fit([line], config=TokenizerConfig(min_count=1, rules=rules, direction=direction))
    # A text is counted before it is known whether U+02BC is a letter of its words.
    assume(whole.config.apostrophe != "ʼ")
    assert whole.decode(whole.encode(line)) == line
    words = [
        token for token in dict.fromkeys(whole.tokens[token] for token in whole.encode(line).ids) if is_word(token)
    ]
    gone = {word for place, word in enumerate(words) if place in lost}
    some = Tokenizer([token for token in whole.tokens if token not in gone], config=whole.config)
    known = some.decode(some.encode(line)).split("\ufffd")
    assert re.fullmatch(".*".join(map(re.escape, known)), line, re.DOTALL)


@pytest.mark.parametrize("line", ["oʼzbek ’olma’ 'nok'", "’0ʼ0 'a", "@ʻannʼlee, vʼu’"])
def test_a_line_whose_apostrophe_is_a_letter_comes_back(line: str) -> None:
    tokenizer = Tokenizer.fit([line], config=TokenizerConfig(min_count=1, rules=3))
    assert tokenizer.config.apostrophe == "ʼ"
    assert tokenizer.decode(tokenizer.encode(line)) == line


def test_each_apostrophe_needs_one_sign() -> None:
    with pytest.raises(ValueError, match="zip"):
        with_signs("it's", "'", "’’")


@given(LINES)
@example("kʼʼʼa'’b oʼ'a o'ʼa")
@settings(deadline=None)
def test_apostrophes_between_letters_are_found_as_python_knows_letters(line: str) -> None:
    def letter(char: str) -> bool:
        return re.match(r"[^\W_]", char) is not None

    plain = re.sub(r"[^\x20-\x7e’ʼ]", " ", line)
    inner, signs = count_signs(plain)
    wanted = [
        sign
        for before, sign, after in zip(plain, plain[1:], plain[2:], strict=False)
        if sign in "'’ʼ" and "ʼ" not in before + after and letter(before) and letter(after)
    ]
    assert inner == {sign: wanted.count(sign) for sign in "'’ʼ"}
    assert signs == {"'": plain.count("'"), "’": plain.count("’"), "ʼ": wanted.count("ʼ")}
