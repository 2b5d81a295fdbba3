import pytest

from elman.data.oov import unknown_tokens
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer, TokenizerConfig


def oov_strings(tokenizer, line):
    return [unknown.spelled for unknown in unknown_tokens(tokenizer, line, tokenizer.encode(line))]


def tokenizer(*lines, **config):
    return Tokenizer.fit(lines, config=TokenizerConfig(**{"min_count": 1, **config}))


def test_words_with_the_space_before_them():
    words = tokenizer("the cat, sat")
    assert oov_strings(words, "Dogs sat; the (old) cat") == [" Dogs", ";", " (", "old", ")"]
    assert oov_strings(words, "the cat, sat") == []
    assert oov_strings(words, "") == []


@pytest.mark.parametrize("line", ["Zoë met  Ян, the cat", " two", "the cat sat ;;", "'tis 42 cats", "<unk> the </s>"])
@pytest.mark.parametrize("level", ["word", "char"])
def test_spelled_words_in_their_places_give_the_line_back(level, line):
    tokens = tokenizer("the cat sat, a", level=level)
    missing = iter(oov_strings(tokens, line))
    ids = tokens.encode(line).ids.tolist()
    text = "".join(next(missing) if token == UNK_ID else tokens.pieces[token].decode() for token in ids)
    assert EOS_ID not in ids and next(missing, None) is None
    assert (text[1:] if tokens.leading_space else text) == line


def test_a_written_unk_is_no_unknown_word_in_pretokenized_text_only():
    line = "the <unk> dog  </s> N"
    assert oov_strings(tokenizer("the N", pretokenized=True), line) == [" dog", " </s>"]
    assert oov_strings(tokenizer("the N"), "<unk>") == [" <", "unk", ">"]


def test_lowercase():
    assert oov_strings(tokenizer("the cat", lowercase=True), "The DOG") == [" dog"]
    pretokenized = tokenizer("the cat", lowercase=True, pretokenized=True)
    assert oov_strings(pretokenized, "The <UNK> DOG") == [" dog"]
