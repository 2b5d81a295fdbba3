"""Word errors are those of jiwer, count by count."""

import random

import pytest

from elman.metrics.word_errors import WordErrors, edit_distances, word_errors

JIWER = [
    ("", "", 0, 0, 0, 0, 0),
    ("", "a b", 0, 0, 0, 2, 2),
    ("a b", "", 0, 0, 2, 0, 1.0),
    ("c b c c c c", "b a", 1, 1, 4, 0, 0.8333333333333334),
    ("a a", "b a b c a c a", 2, 0, 0, 5, 2.5),
    ("c a", "b a b a a a c c", 1, 1, 0, 6, 3.5),
    ("b a b a a b c", "a b b c c a b", 3, 3, 1, 1, 0.7142857142857143),
    ("a a a b", "b a c a", 2, 1, 1, 1, 0.75),
    ("b a c c b a", "a b c c b c", 4, 1, 1, 1, 0.5),
    ("c c c a b c c", "b b a b b b c b", 3, 3, 1, 2, 0.8571428571428571),
    ("b c b a a c a", "a c c a a a c", 4, 2, 1, 1, 0.5714285714285714),
    ("a a c c b b a b b", "b b a c b c b", 4, 2, 3, 1, 0.6666666666666666),
    ("b a a c b a c a b", "b c a b c c b a", 5, 2, 2, 1, 0.5555555555555556),
    ("b a b b a b a", "c b a a c", 3, 1, 3, 1, 0.7142857142857143),
]
"""Reference, hypothesis, hits, substitutions, deletions, insertions and WER, from jiwer 4.0."""


@pytest.mark.parametrize(("reference", "hypothesis", "hits", "substitutions", "deletions", "insertions", "wer"), JIWER)
def test_counts_are_those_of_jiwer(
    reference: str, hypothesis: str, hits: int, substitutions: int, deletions: int, insertions: int, wer: float
) -> None:
    found = word_errors(reference.split(), hypothesis.split())
    assert found == WordErrors(hits, substitutions, deletions, insertions)
    assert found.wer == wer


def test_counts_add_up_before_they_are_divided() -> None:
    # jiwer.process_words(["", "a b c"], ["x", "a c d"]): an empty reference is legal.
    total = word_errors([], ["x"]) + word_errors(["a", "b", "c"], ["a", "c", "d"])
    assert (total.errors, total.words, total.wer) == (3, 3, 1.0)
    assert total.figures() == {"wer": 1.0, "errors": 3, "words": 3, "substitutions": 2, "deletions": 0, "insertions": 1}


def test_distances_of_whole_lists_are_those_of_one_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    references = [[rng.choice("abc") for _ in range(rng.randint(0, 7))] for _ in range(40)]
    lists = [
        [[rng.choice("abc") for _ in range(rng.randint(0, 9))] for _ in range(rng.randint(1, 5))] for _ in range(40)
    ]
    for cells in (1, 100, 1 << 20):
        monkeypatch.setattr("elman.metrics.word_errors._CELLS", cells)
        found = edit_distances(references, lists)
        for reference, hypotheses, distances in zip(references, lists, found, strict=True):
            assert distances.tolist() == [word_errors(reference, each).errors for each in hypotheses]
    assert edit_distances([], []) == []
