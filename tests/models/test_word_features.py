"""What a tagger reads of a word."""

import pytest

from elman.data.vocabulary import Vocabulary
from elman.models.tagger_config import TaggerConfig
from elman.models.vectors.subwords import subword_buckets
from elman.models.word_features import WordFeatures, fit_vocabulary, shape_of

FEATURES = WordFeatures(Vocabulary(["the", "00", "ı"], [3, 2, 1]), TaggerConfig(buckets=1000))


@pytest.mark.parametrize(
    ("word", "number"), [("the", 1), ("THE", 1), ("17", 2), ("1７", 2), ("170", 0), ("cat", 0), ("", 0), ("t\nhe", 0)]
)
def test_words_are_looked_up_without_case_and_numbers_by_their_digits(word: str, number: int) -> None:
    assert FEATURES.ids([word]).tolist() == [number]


@pytest.mark.parametrize(
    ("word", "shape"),
    [("", ""), ("a", "x"), ("NASA's", "XX'x"), ("2nd", "0xx"), ("....", ".."), ("Émile", "Xxx"), ("東京", "xx")],
)
def test_shapes(word: str, shape: str) -> None:
    assert shape_of(word) == shape


def test_n_grams_are_those_of_the_form_and_of_the_shape() -> None:
    starts, found = FEATURES.pieces(["Ab", "", "ab"])
    assert len(starts) == 4 and starts[-1] == len(found)
    own = [found[start:end].tolist() for start, end in zip(starts, starts[1:], strict=False)]
    _, form = subword_buckets(["ab"], smallest=2, largest=5, buckets=1000)
    _, shape = subword_buckets(["\x01Xx"], smallest=2, largest=5, buckets=1000)
    assert own[0] == [*form.tolist(), *shape.tolist()]
    assert own[2][: len(form)] == own[0][: len(form)] and own[2] != own[0]  # case shows in the shape alone


def test_long_words_are_cut_and_without_characters_there_are_no_n_grams() -> None:
    starts, _ = FEATURES.pieces(["a" * 100_000])
    assert starts[1] < 1000
    none = WordFeatures(FEATURES.vocabulary, TaggerConfig(characters="none"))
    starts, found = none.pieces(["ab", "c"])
    assert starts.tolist() == [0, 0, 0] and not len(found)


def test_the_vocabulary_is_that_of_frequent_words_and_of_those_that_are_added() -> None:
    words = fit_vocabulary(["a", "A", "b", "b", "b", "c", "12", "34"], min_count=2, more=["Zoe", "a"])
    assert words.words == ("b", "00", "a", "zoe") and words.counts.tolist() == [3, 2, 2, 0]
