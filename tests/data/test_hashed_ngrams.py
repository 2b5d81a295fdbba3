"""Hashed n-grams: compared with a slow definition, one n-gram at a time."""

from collections import Counter

import numpy as np
import pytest

from elman.data.hashed_ngrams import Features, all_ngrams, hashed_ngrams, word_keys
from elman.data.ngram_index import Buckets, NgramIndex

TEXTS = [
    "To be, or not to be: that is the question.", "", "   ", "a", "aaaa aaaa aaaa", "don't well-made naïve 3.5",
    "不是很好的电影 😀 ok", "x" * 300, "\ud800 lone", "I ", "the cat the cat",
]  # fmt: skip
_32 = 0xFFFFFFFF


def _bucket(value: int, buckets: int) -> int:
    return _mixed(value) >> (33 - buckets.bit_length())


def _word(word: str) -> int:
    return sum((ord(char) + 1) * 0x01000193 ** (at + 1) for at, char in enumerate(word)) & _32


def _mixed(value: int) -> int:
    return (value ^ (value >> 15)) * 0x9E3779B1 & _32


def _characters(ngram: str) -> int:
    value = 0
    for char in ngram:
        value = (value + ord(char)) * 0x01000193 & _32
    return value + len(ngram) & _32


def _definition(words: list[str], buckets: int) -> Counter[int]:
    found: Counter[int] = Counter(_bucket(_word(word), buckets) for word in words)
    for first, second in zip(words, words[1:], strict=False):
        value = (_word(first) * 0x9E3779B1 + _word(second) & _32) ^ 0x5BD1E995
        found[_bucket(value, buckets)] += 1
    for word in (f" {word} " for word in words):
        for size in range(2, 5):
            for begin in range(len(word) - size + 1):
                found[buckets + _bucket(_characters(word[begin : begin + size]), buckets)] += 1
    return found


WORDS = [
    ["to", "be", ",", "or", "not", "to", "be", ":", "that", "is", "the", "question", "."], [], [], ["a"],
    ["aaaa"] * 3, ["don't", "well-made", "naïve", "3", ".", "5"], ["不是很好的电影", "😀", "ok"], ["x" * 300],
    ["\ud800", "lone"], ["i"], ["the", "cat", "the", "cat"],
]  # fmt: skip


@pytest.mark.parametrize("buckets", [1 << 10, 1 << 16])
def test_n_grams_are_those_of_the_definition(buckets: int) -> None:
    found = hashed_ngrams(TEXTS, Buckets(buckets))
    for number, words in enumerate(WORDS):
        own = slice(found.starts[number], found.starts[number + 1])
        counted = dict(zip(found.columns[own].tolist(), found.counts[own].tolist(), strict=True))
        assert counted == _definition(words, buckets), TEXTS[number]
        assert list(counted) == sorted(counted)


def _keys(found: Features, number: int, *, part: int) -> dict[int, float]:
    """The keys of one part of a text, and their counts."""
    own = slice(found.starts[number], found.starts[number + 1])
    kept = found.columns[own] >> 32 == part
    return dict(zip((found.columns[own][kept] & _32).tolist(), found.counts[own][kept].tolist(), strict=True))


def test_keys_of_characters_are_those_of_the_definition() -> None:
    found = all_ngrams(TEXTS, negations=np.zeros(0, np.uint32), reach=0)
    for number, words in enumerate(WORDS):
        padded = [f" {word} " for word in words]
        wanted = Counter(
            word[at : at + size] for word in padded for size in range(3, 6) for at in range(len(word) + 1 - size)
        )
        keys = {_mixed(_characters(gram)): count for gram, count in wanted.items()}
        assert _keys(found, number, part=1) == keys


def test_texts_do_not_depend_on_each_other() -> None:
    many = [f"number {number} of many" for number in range(1500)]
    together = hashed_ngrams(many, Buckets(1 << 12))
    for number in (0, 1023, 1024, 1499):
        alone = hashed_ngrams([many[number]], Buckets(1 << 12))
        own = slice(together.starts[number], together.starts[number + 1])
        assert np.array_equal(together.columns[own], alone.columns)
        assert np.array_equal(together.counts[own], alone.counts)
    assert len(hashed_ngrams([], Buckets(1 << 12)).columns) == 0


NEGATED = [  # and their negated words, with "not" and "no" as negations and a reach of three words
    ("it is not a good film at all", ["a", "good", "film"]),
    ("not bad, not at all. good", ["bad", "at", "all"]),
    ("no, not well-made: good", ["well-made"]),
    ("not a no good", ["a", "good"]),
    ("a good not", []),
    ("good -- film", []),
    ("Not - good 'film' here", ["-", "good", "'film'"]),
    ("not not \ud800 good", []),
]


def test_negated_words_are_those_after_a_negation() -> None:
    found = all_ngrams([text for text, _ in NEGATED], negations=word_keys(["not", "no"]), reach=3)
    for number, (text, words) in enumerate(NEGATED):
        assert _keys(found, number, part=2) == Counter(_mixed(_word(word)) for word in words), text
    plain = all_ngrams([text for text, _ in NEGATED], negations=np.zeros(0, np.uint32), reach=3)
    assert plain.columns.tolist() == found.columns[found.columns >> 32 < 2].tolist()


def test_an_index_keeps_the_ngrams_that_it_has() -> None:
    negations = word_keys(["not", "no"])
    texts = [*TEXTS, *(text for text, _ in NEGATED)]
    found = all_ngrams(texts, negations=negations, reach=3)
    wide = np.unique(found.columns)[::3]
    index = NgramIndex((wide & _32).astype(np.uint32), np.bincount(wide >> 32, minlength=3), negations, 3)
    known = hashed_ngrams(texts, index)
    kept = np.isin(found.columns, wide)
    assert wide[known.columns].tolist() == found.columns[kept].tolist()
    assert known.counts.tolist() == found.counts[kept].tolist()
    assert known.starts.tolist() == np.concatenate([[0], np.cumsum(kept)])[found.starts].tolist()
