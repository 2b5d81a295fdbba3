"""Hashed n-grams: compared with a slow definition, one n-gram at a time."""

from collections import Counter

import numpy as np
import pytest

from elman.data.hashed_ngrams import hashed_ngrams

TEXTS = [
    "To be, or not to be: that is the question.", "", "   ", "a", "aaaa aaaa aaaa", "don't well-made naïve 3.5",
    "不是很好的电影 😀 ok", "x" * 300, "\ud800 lone", "I ", "the cat the cat",
]  # fmt: skip
_32 = 0xFFFFFFFF


def _bucket(value: int, buckets: int) -> int:
    return ((value ^ (value >> 15)) * 0x9E3779B1 & _32) >> (33 - buckets.bit_length())


def _word(word: str) -> int:
    return sum((ord(char) + 1) * 0x01000193 ** (at + 1) for at, char in enumerate(word)) & _32


def _definition(words: list[str], buckets: int) -> Counter[int]:
    found: Counter[int] = Counter(_bucket(_word(word), buckets) for word in words)
    for first, second in zip(words, words[1:], strict=False):
        value = (_word(first) * 0x9E3779B1 + _word(second) & _32) ^ 0x5BD1E995
        found[_bucket(value, buckets)] += 1
    for word in (f" {word} " for word in words):
        for size in range(2, 5):
            for begin in range(len(word) - size + 1):
                value = 0
                for char in word[begin : begin + size]:
                    value = (value + ord(char)) * 0x01000193 & _32
                found[buckets + _bucket(value + size & _32, buckets)] += 1
    return found


WORDS = [
    ["to", "be", ",", "or", "not", "to", "be", ":", "that", "is", "the", "question", "."], [], [], ["a"],
    ["aaaa"] * 3, ["don't", "well-made", "naïve", "3", ".", "5"], ["不是很好的电影", "😀", "ok"], ["x" * 300],
    ["\ud800", "lone"], ["i"], ["the", "cat", "the", "cat"],
]  # fmt: skip


@pytest.mark.parametrize("buckets", [1 << 10, 1 << 16])
def test_n_grams_are_those_of_the_definition(buckets: int) -> None:
    found = hashed_ngrams(TEXTS, buckets=buckets)
    for number, words in enumerate(WORDS):
        own = slice(found.starts[number], found.starts[number + 1])
        counted = dict(zip(found.buckets[own].tolist(), found.counts[own].tolist(), strict=True))
        assert counted == _definition(words, buckets), TEXTS[number]
        assert list(counted) == sorted(counted)


def test_texts_do_not_depend_on_each_other() -> None:
    many = [f"number {number} of many" for number in range(1500)]
    together = hashed_ngrams(many, buckets=1 << 12)
    for number in (0, 1023, 1024, 1499):
        alone = hashed_ngrams([many[number]], buckets=1 << 12)
        own = slice(together.starts[number], together.starts[number + 1])
        assert np.array_equal(together.buckets[own], alone.buckets)
        assert np.array_equal(together.counts[own], alone.counts)
    assert len(hashed_ngrams([], buckets=1 << 12).buckets) == 0
