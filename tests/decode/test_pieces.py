import pytest

from elman.decode.pieces import PieceIndex, piece_index, whole_part
from elman.decode.words import CharacterRun, Kind
from elman.text.tokenizer import Tokenizer, TokenizerConfig

LETTERS = CharacterRun(Kind.LETTER, "")


@pytest.fixture(scope="module")
def words():
    return Tokenizer.fit(["the cat's 3rd (way), o'er -- \u732b 'tis"], config=TokenizerConfig(min_count=1))


def texts(tokenizer, ids):
    return {tokenizer.pieces[token].decode() for token in ids}


def test_what_ends_a_word_and_what_goes_on(words):
    index = PieceIndex(words)
    ends, on = texts(words, index.ending(LETTERS)), texts(words, index.going_on(LETTERS))
    assert {" the", " cat's", " 3", ")", ",", "\n", " (", " --"} <= ends
    assert on == {"rd", "way", "tis"}
    assert not {"\ufffd"} & (ends | on)
    after_comma = CharacterRun(Kind.SYMBOL, ",")
    assert texts(words, index.going_on(after_comma)) == {","}
    assert "way" in texts(words, index.ending(after_comma))


def test_what_begins_a_word(words):
    index = PieceIndex(words)
    assert texts(words, index.glued_starts) == {"rd", "way", "tis", ")", ","}
    assert texts(words, index.word_starts) == texts(words, range(2, words.size))


def test_prefixes_by_bytes(words):
    index = PieceIndex(words)
    assert texts(words, index.starting_with(b" ")) == {
        piece for piece in texts(words, range(words.size)) if piece[0] == " "
    }
    assert texts(words, index.starting_with(b" c")) == {" cat's"}
    assert texts(words, index.starting_with(b" \xe7\x8c")) == {" \u732b"}
    assert len(index.starting_with(b"zebra")) == 0
    assert [words.pieces[token] for token in index.equal_to(b" the")] == [b" the"]
    assert index.equal_to(b" th") == []
    # The specials are never matched by what they stand for.
    assert index.equal_to(b"\n") == index.equal_to("\ufffd".encode()) == []


def test_bytes_that_begin_or_finish_a_character():
    tokenizer = Tokenizer.fit([], config=TokenizerConfig(level="byte"))
    index = PieceIndex(tokenizer)
    values = [tokenizer.pieces[token][0] for token in index.partial]
    assert values == list(range(0xC2, 0xF5))
    assert [tokenizer.pieces[token][0] for token in index.inside] == [*range(0x80, 0xC2), *range(0xF5, 0x100)]
    on = {tokenizer.pieces[token] for token in index.going_on(LETTERS)}
    assert {b"a", b"'", b"\xc3"} <= on
    assert not {b" ", b"1", b"\xa9", b"."} & on
    assert not {b"\xc3", b"\xa9", b"a"} & {tokenizer.pieces[token] for token in index.ending(LETTERS)}


def test_whole_part():
    assert whole_part(b"") == ""
    assert whole_part("\u20ac".encode()[:2]) == ""
    assert whole_part(b"a\xff") is None


def test_the_index_is_built_once(words):
    assert piece_index(words) is piece_index(words)
