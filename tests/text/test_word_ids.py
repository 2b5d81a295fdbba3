"""Words between spaces, by table: the same ids as by the library."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.oov import unknown_tokens
from elman.text.tokenizer import EOS_ID, UNK_ID, Tokenizer, TokenizerConfig
from elman.text.word_ids import WordIds

LINES = ["the cat sat", "the <unk> é", "a  b", "word " * 30 + "word", "", "日本 語", "</s>"]
TOKENIZERS = {
    name: Tokenizer.fit(LINES, config=TokenizerConfig(**config))
    for name, config in {
        "pretokenized": {"pretokenized": True},
        "lower case": {"pretokenized": True, "lowercase": True},
        "words": {"min_count": 1},
        "characters": {"level": "char"},
        "bytes": {"level": "byte"},
    }.items()
}


def slowly(tokenizer: Tokenizer, lines: list[str]) -> list[int]:
    found = []
    for line in lines:
        encoded = tokenizer.encode(line)
        ids = encoded.ids.copy()
        for unknown in unknown_tokens(tokenizer, line, encoded):
            ids[unknown.place] = -1
        found += [*ids.tolist(), EOS_ID]
    return found


words = st.sampled_from(
    ["the", "cat", "sat", "<unk>", "<UNK>", "</s>", "é", "e", "日本", "", "dog", "th", "thee", "x" * 99]
)


@pytest.mark.slow
@given(st.lists(st.lists(words, max_size=7).map(" ".join), max_size=5))
@settings(max_examples=300, deadline=None)
def test_a_stream_of_ids_is_what_encode_and_unknown_tokens_say(lines):
    lines = [line.rstrip() for line in lines]
    for name, tokenizer in TOKENIZERS.items():
        found = tokenizer.encode_stream(lines)
        assert found.dtype == np.int64
        assert found.tolist() == slowly(tokenizer, lines), name


def test_written_unk_is_a_type_and_a_stranger_is_not():
    stream = TOKENIZERS["pretokenized"].encode_stream(["the <unk> dog", ""])
    assert stream.tolist() == [TOKENIZERS["pretokenized"].tokens.index(" the"), UNK_ID, -1, EOS_ID, EOS_ID]


def test_words_that_collide_in_the_table_are_told_apart():
    many = [str(number).encode() for number in range(5000)]
    ids = WordIds([b"<unk>", b"\n", *many], end_id=1)
    draw = np.random.default_rng(0)
    read = draw.integers(0, 6000, 20_000)
    found = ids.read([" ".join(map(str, read.tolist()))])
    assert found.tolist() == [*np.where(read < 5000, read + 2, -1).tolist(), 1]


def test_of_equal_words_the_first_counts():
    assert WordIds([b"<unk>", b"\n", b"a", b"a"], end_id=1).read(["a"]).tolist() == [2, 1]
