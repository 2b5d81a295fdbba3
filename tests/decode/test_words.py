import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.decode.words import CharacterRun, Kind, first_run, follow, kind_of, last_runs, run_from, runs


def cut(text):
    return [text[start:end] for start, end, _ in runs(text)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat sat.", ["The", "cat", "sat", "."]),
        ("don't stop", ["don't", "stop"]),
        ("dogs' tails", ["dogs", "'", "tails"]),
        ("'tis 'so'", ["'", "tis", "'", "so'"]),
        ("well... 3rd -- 12%", ["well", "...", "3", "rd", "--", "12", "%"]),
        ("na\u00efve e\u0301te\u0301", ["na\u00efve", "e\u0301te\u0301"]),
        ("l\u2019eau", ["l\u2019eau"]),
        ("rock''n", ["rock", "''", "n"]),
        ("\u732b\u304c", ["\u732b", "\u304c"]),
        ("a_b", ["a", "_", "b"]),
        ("", []),
        (" \t ", []),
    ],
)
def test_text_is_cut_into_words_numbers_and_symbols(text, words):
    assert cut(text) == words


@pytest.mark.parametrize(
    "line", ["The cat's tail, isn't it?", "3rd '90s -- 'quoted'' words.", "x=1;y=22", "caf\u00e9 12"]
)
def test_runs_are_the_types_of_the_word_level(line, make_tokenizer):
    tokenizer = make_tokenizer("word", line)
    tokens = [tokenizer.pieces[token].decode().strip() for token in tokenizer.encode(line).ids]
    assert cut(line + " ") == tokens


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("cat", None),
        ("cat ", 3),
        ("don'", None),
        ("don't", None),
        ("don',", 3),
        ("don''", 3),
        ("don't's", None),
        ("..", None),
        ("..!", 2),
        ("12", None),
        ("12a", 2),
        ("", None),
        (" a", 0),
    ],
)
def test_a_word_is_over_only_when_the_next_character_shows_it(text, end):
    assert first_run(text)[0] == end


def test_after_an_apostrophe_only_a_letter_goes_on():
    _, run = first_run("don'")
    assert run == CharacterRun(Kind.INNER, "")
    assert follow(run, "t") == CharacterRun(Kind.LETTER, "")
    assert follow(run, "'") is None
    assert follow(CharacterRun(Kind.LETTER, ""), "'") == run


def test_symbols_go_on_only_with_themselves():
    dots = run_from(".")
    assert dots == CharacterRun(Kind.SYMBOL, ".")
    assert follow(dots, ".") == dots
    assert follow(dots, ",") is None
    assert not dots.is_word
    assert run_from("'") == CharacterRun(Kind.SYMBOL, "'")
    assert run_from(" ") is None


def test_kinds():
    assert kind_of("\u0301") == Kind.MARK
    assert kind_of("\u0661") == Kind.DIGIT
    assert kind_of("\u00d7") == Kind.SYMBOL
    assert kind_of("\u0439") == Kind.LETTER


@given(st.text("ab '\u2019.-\u732b1\u0301\t", max_size=30), st.integers(0, 9))
def test_the_last_runs_are_found_from_the_end(text, count):
    assert last_runs(text, count) == runs(text)[max(len(runs(text)) - count, 0) :]
