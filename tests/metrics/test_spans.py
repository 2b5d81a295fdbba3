"""Figures of spans: the numbers that seqeval, conlleval and WNUT-17's script gave for the same
tags."""

import random

import numpy as np
import pytest

from elman.metrics.span_schemes import Span
from elman.metrics.spans import AVERAGES, SpanCounts, SpanTally

# Words, true tags, predicted tags: six sentences, drawn at random, with invalid sequences on both
# sides.
SENTENCES = [
    ("Bo Ada Bo Rome", "B-loc O B-per I-loc", "O O O I-loc"),
    ("Bo Ada Ada", "O B-loc O", "O B-loc O"),
    ("Rome Rome Ada Ada Rome Ada", "O B-loc B-loc B-org O O", "O O O O O O"),
    ("Rome Rome Rome Bo Ada", "I-per O O B-per I-per", "I-per O O B-per O"),
    ("Bo Bo", "O B-per", "B-org O"),
    ("Ada Ada Ada Bo Bo Rome", "O O O O B-per I-per", "O B-per O B-org B-per I-per"),
]
WORDS, TRUTH, PREDICTED = ([line.split() for line in column] for column in zip(*SENTENCES, strict=True))
# seqeval 1.2.2, mode="strict", scheme=IOB2, and its default mode, whose counts are those of
# conlleval.
STRICT = {
    "micro": (0.3333333333333333, 0.2222222222222222, 0.26666666666666666),
    "macro": (0.4444444444444444, 0.16666666666666666, 0.22857142857142856),
    "weighted": (0.5925925925925926, 0.2222222222222222, 0.3047619047619048),
}
CONLLEVAL = {
    "micro": (0.5, 0.36363636363636365, 0.4210526315789474),
    "macro": (0.5, 0.26666666666666666, 0.33862433862433866),
    "weighted": (0.6818181818181818, 0.36363636363636365, 0.4617604617604618),
}
ALL = np.ones(len(SENTENCES), np.int64)


@pytest.fixture
def counts() -> SpanCounts:
    return SpanCounts.count(WORDS, TRUTH, PREDICTED, scheme="BIO")


def test_counts_of_conlleval(counts: SpanCounts) -> None:
    assert counts.types == ("loc", "org", "per")
    total = counts.total()
    assert [total.hits.tolist(), total.support.tolist(), total.predicted.tolist()] == [[2, 0, 2], [5, 1, 5], [2, 2, 4]]


def test_averages_to_the_last_digit(counts: SpanCounts) -> None:
    for reading, golden in (("conlleval", CONLLEVAL), ("strict", STRICT)):
        for average in AVERAGES:
            assert tuple(map(float, counts.total(reading).average(average))) == golden[average]
    assert counts.total("strict").f1.tolist() == [0.4, 0.0, 0.28571428571428575]
    assert float(counts.total().micro_f1) == CONLLEVAL["micro"][2]


def test_figures_by_sentence(counts: SpanCounts) -> None:
    figures = {name: float(figure(ALL)) for name, figure in counts.figures().items()}
    assert figures == {
        "precision": CONLLEVAL["micro"][0], "recall": CONLLEVAL["micro"][1], "f1": CONLLEVAL["micro"][2],
        "macro_f1": CONLLEVAL["macro"][2], "weighted_f1": CONLLEVAL["weighted"][2],
        "strict_precision": STRICT["micro"][0], "strict_recall": STRICT["micro"][1], "strict_f1": STRICT["micro"][2],
        "strict_macro_f1": STRICT["macro"][2], "strict_weighted_f1": STRICT["weighted"][2],
        # WNUT-17's script: 4 forms are correct, of 8 true and 7 predicted ones.
        "surface_f1": 2 * (4 / 7) * (4 / 8) / (4 / 7 + 4 / 8),
    }  # fmt: skip
    # Weights of sentences are the same as repeating them, and many weights at a time as one.
    weights = np.array([[1, 2, 0, 1, 0, 3], [0, 0, 0, 1, 1, 0], [0] * 6])
    for name, figure in counts.figures().items():
        for row, value in zip(weights, figure(weights), strict=True):
            chosen = np.repeat(np.arange(len(SENTENCES)), row)
            repeated = [[part[index] for index in chosen] for part in (WORDS, TRUTH, PREDICTED)]
            again = SpanCounts.count(*repeated, scheme="BIO").figures()[name]
            assert value == pytest.approx(float(again(np.ones(len(chosen), np.int64)))), name


def test_no_spans_at_all() -> None:
    counts = SpanCounts.count([["a"]], [["O"]], [["O"]], scheme="BIO")
    assert {float(figure(np.ones(1, np.int64))) for figure in counts.figures().values()} == {0.0}
    assert counts.total().accuracy == 1.0


def test_one_form_of_two_types_and_one_place_twice() -> None:
    words, one = [["Paris", "Paris"]], Span("person", 0, 1)
    counts = SpanCounts.count(words, [["B-person", "B-place"]], [["B-person", "O"]], scheme="BIO")
    assert counts.surfaces.f1(np.ones(1)) == pytest.approx(2 / 3)  # one of two forms
    twice = SpanTally.count_spans([[one]], [[one, one]])
    assert twice.predicted.tolist() == [[1]]


def test_random_tags_as_seqeval() -> None:
    scheme = pytest.importorskip("seqeval.scheme")
    strictly = pytest.importorskip("seqeval.metrics.v1").precision_recall_fscore_support
    rng = random.Random(3)
    prefixes = {"IOB1": ("BI", scheme.IOB1), "BIO": ("BI", scheme.IOB2), "BIOES": ("BIES", scheme.IOBES)}
    for name, (letters, oracle) in [*prefixes.items()] * 8:
        tags = ["O", *(f"{letter}-{kind}" for letter in letters for kind in "ABCDEFGHIJK")]
        truth = [[rng.choice(tags) for _ in range(rng.randint(1, 9))] for _ in range(20)]
        predicted = [[tag if rng.random() < 0.7 else rng.choice(tags) for tag in line] for line in truth]
        tally = SpanCounts.count(truth, truth, predicted, scheme=name).total("strict")
        for average in AVERAGES:
            golden = strictly(truth, predicted, average=average, scheme=oracle, zero_division=0)[:3]
            assert tuple(map(float, tally.average(average))) == tuple(map(float, golden))
