"""Random cuts of words against the merges of the tokenizers library."""

import random

import numpy as np

from elman.text.bpe_dropout import SampledSubwords, merged
from elman.text.tokenizer import Tokenizer, TokenizerConfig

LINES = ["the cat sat on the mat", "Zwei junge weiße Männer, 1984!", "", "the mats and the cats"]
TOKENIZER = Tokenizer.fit(LINES * 2, config=TokenizerConfig(level="subword", vocab_size=290, min_count=2))


def test_without_dropout_it_is_the_tokenizer():
    sampled = SampledSubwords(TOKENIZER, drop=0.0, seed=1)
    for words, line in zip(sampled.words(LINES), LINES, strict=True):
        assert sampled.draw(words, np.random.default_rng(0)).tolist() == TOKENIZER.encode(line).ids.tolist()


def test_every_cut_spells_the_line_and_follows_from_the_seeds():
    one, other = (SampledSubwords(TOKENIZER, drop=0.3, seed=4) for _ in range(2))
    words = one.words(LINES)
    # In another order: a cut of a word must not depend on what was cut before.
    assert other.words(LINES[::-1])[::-1] != words
    rows = [one.draw(words[1], np.random.default_rng(seed)) for seed in range(20)]
    again = [other.draw(other.words(LINES)[1], np.random.default_rng(seed)) for seed in range(19, -1, -1)][::-1]
    assert all(TOKENIZER.decode(row) == LINES[1] for row in rows)
    assert len({row.tobytes() for row in rows}) > 5
    assert [row.tolist() for row in rows] == [row.tolist() for row in again]


# "aab" has one merge, "a" "b"; it is left out with probability 0.25.
def test_a_merge_is_left_out_as_often_as_asked():
    rng = random.Random(1)
    whole = sum(merged("aab", {("a", "b"): 0}, 0.25, rng) == ["a", "ab"] for _ in range(4000))
    assert abs(whole / 4000 - 0.75) < 0.02
