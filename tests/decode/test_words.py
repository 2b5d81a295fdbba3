import pytest

from elman.decode.words import Kind, Run, first_end, goes_on, kind_of, run_from, runs


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
        ("\u732b\u304c", ["\u732b", "\u304c"]),
        ("a_b", ["a", "_", "b"]),
        ("", []),
        (" \t ", []),
    ],
)
def test_text_is_cut_into_words_numbers_and_symbols(text, words):
    assert cut(text) == words


@pytest.mark.parametrize(
    "line", ["The cat's tail, isn't it?", "3rd '90s -- 'quoted' words.", "x=1;y=22", "caf\u00e9 12"]
)
def test_runs_are_the_types_of_the_word_level(line, make_tokenizer):
    tokenizer = make_tokenizer("word", line)
    tokens = [tokenizer.pieces[token].decode().strip() for token in tokenizer.encode(line).ids]
    assert cut(line + " ") == tokens


def test_a_word_is_over_only_when_the_next_character_shows_it():
    assert first_end("cat") is None
    assert first_end("cat ") == 3
    assert first_end("don'") is None
    assert first_end("don't") is None
    assert first_end("don',") == 3
    assert first_end("..") is None
    assert first_end("..!") == 2
    assert first_end("") is None
    assert first_end(" a") == 0


def test_symbols_go_on_only_with_themselves():
    dots = run_from(".")
    assert dots == Run(Kind.SYMBOL, ".")
    assert goes_on(dots, ".")
    assert not goes_on(dots, ",")
    assert not dots.is_word
    assert run_from("'") == Run(Kind.SYMBOL, "'")
    assert run_from(" ") is None


def test_kinds():
    assert kind_of("\u0301") == Kind.MARK
    assert kind_of("\u0661") == Kind.DIGIT
    assert kind_of("\u00d7") == Kind.SYMBOL
    assert kind_of("\u0439") == Kind.LETTER
