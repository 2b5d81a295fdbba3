"""IBM model 1 against the textbook's example and against sums written out."""

import itertools

import numpy as np
import pytest

from elman.models import word_translations
from elman.models.word_translations import EMPTY, WordTranslations

SOURCE = [["das", "Haus"], ["das", "Buch"], ["ein", "Buch"]]
TARGET = [["the", "house"], ["the", "book"], ["a", "book"]]
TEXTBOOK = {
    ("das", "the"): (0.5, 0.6364, 0.7479),
    ("das", "book"): (0.25, 0.1818, 0.1208),
    ("das", "house"): (0.25, 0.1818, 0.1313),
    ("Buch", "the"): (0.25, 0.1818, 0.1208),
    ("Buch", "book"): (0.5, 0.6364, 0.7479),
    ("Buch", "a"): (0.25, 0.1818, 0.1313),
    ("ein", "book"): (0.5, 0.4286, 0.3466),
    ("ein", "a"): (0.5, 0.5714, 0.6534),
    ("Haus", "the"): (0.5, 0.4286, 0.3466),
    ("Haus", "house"): (0.5, 0.5714, 0.6534),
}
"""Koehn, Statistical Machine Translation, figure 4.4: after one, two and three passes."""


@pytest.mark.parametrize("passes", [1, 2, 3])
def test_the_textbooks_example(passes: int) -> None:
    words = WordTranslations(passes=passes, empty=False).fit(SOURCE, TARGET)
    for pair, values in TEXTBOOK.items():
        assert words.probability(*pair) == pytest.approx(values[passes - 1], abs=5e-5), pair


def written_out(source: list[list[str]], target: list[list[str]], passes: int) -> dict[tuple[str, str], float]:
    pairs = {pair for one, two in zip(source, target, strict=True) for pair in itertools.product([EMPTY, *one], two)}
    table = dict.fromkeys(pairs, 1.0)
    for _ in range(passes):
        counts = dict.fromkeys(pairs, 0.0)
        for one, two in zip(source, target, strict=True):
            for word in two:
                total = sum(table[each, word] for each in [EMPTY, *one])
                for each in [EMPTY, *one]:
                    counts[each, word] += table[each, word] / total
        table = {pair: counts[pair] / sum(counts[other] for other in pairs if other[0] == pair[0]) for pair in pairs}
    return table


def test_random_sentences_as_written_out() -> None:
    """With the empty word, words that repeat, and sentences without words."""
    rng = np.random.default_rng(3)
    source = [rng.choice(list("abcd"), size=size).tolist() for size in (3, 1, 0, 4, 2, 5)]
    target = [rng.choice(list("uvwxyz"), size=size).tolist() for size in (2, 4, 3, 0, 5, 3)]
    words = WordTranslations(passes=4).fit(source, target)
    for (one, two), value in written_out(source, target, 4).items():
        assert words.probability(one, two) == pytest.approx(value, rel=1e-12), (one, two)
    assert words.probability("a", "of another text") == words.probability("of another text", "u") == 0
    assert words.best("of another text") is None


def test_alignment_by_word_and_place() -> None:
    source = [["ein", "Mann", "und", "ein", "Hund"], ["ein", "Haus"], ["Mann"], ["und"], ["Hund"]] * 3
    target = [["a", "man", "and", "a", "dog"], ["a", "house"], ["man"], ["and"], ["dog"]] * 3
    words = WordTranslations().fit(source, target)
    assert words.align(source[0], target[0]) == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]
    assert words.align(["Hund", "Mann"], ["new", "man", "dog"]) == [(1, 1), (0, 2)]
    assert words.align([], ["man"]) == words.align(["Mann"], []) == []


def test_the_empty_word_takes_what_goes_with_nothing() -> None:
    source = [["eins"], ["zwei"], ["drei"], ["vier"]] * 5
    target = [["the", word] for word in ("one", "two", "three", "four")] * 5
    assert WordTranslations(passes=9).fit(source, target).align(["zwei"], ["the", "two"]) == [(0, 1)]
    assert WordTranslations(passes=9, empty=False).fit(source, target).align(["zwei"], ["the", "two"]) == [
        (0, 0),
        (0, 1),
    ]


def test_much_text_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_translations, "_MOST_MEETINGS", 60)
    words = WordTranslations().fit([[str(number)] for number in range(300)], [[str(number)] for number in range(300)])
    assert sum(words.best(str(number)) == str(number) for number in range(300)) == 30
    assert WordTranslations().fit([], []).align(["a"], ["b"]) == []
