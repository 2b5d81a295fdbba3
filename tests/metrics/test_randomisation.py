"""Approximate randomisation against exact p-values, from all swaps."""

import itertools

import numpy as np
import pytest

from elman.metrics.randomisation import approximate_randomisation
from elman.metrics.spans import SpanCounts
from elman.metrics.tags import SentenceFigure, ratio


def exact(figure: SentenceFigure, sentences: int) -> float:
    """The share of all swaps whose difference is at least as large as the observed one."""
    choices = np.array(list(itertools.product((0, 1), repeat=sentences)))
    differences = np.abs(
        figure(np.concatenate([1 - choices, choices], axis=1)) - figure(np.concatenate([choices, 1 - choices], axis=1))
    )
    return float((differences >= differences[0] - 1e-12).mean())


def test_sign_test_by_hand() -> None:
    # Five sentences that only the first system has right, one that only the second has, four alike:
    # the difference is 4 of 6 or more, both ways: (1 + 6 + 6 + 1) / 64.
    correct = np.array([1] * 5 + [0] + [1] * 4 + [0] * 5 + [1] + [1] * 4)
    figure = ratio(correct, np.ones(20))
    assert exact(figure, 10) == pytest.approx(14 / 64)
    assert approximate_randomisation(figure, sentences=10, shuffles=20_000) == pytest.approx(14 / 64, abs=0.01)


def test_f1_of_spans_as_all_swaps() -> None:
    truth = [["B-A", "O"], ["B-B", "I-B"], ["O", "B-A"], ["B-A", "B-B"], ["B-A", "O"], ["B-B", "O"], ["B-A", "I-A"]]
    first = [*truth[:6], ["B-A", "O"]]
    second = [["O", "B-A"], ["B-B", "O"], ["O", "O"], ["B-A", "B-B"], ["B-A", "B-A"], ["O", "O"], ["B-A", "I-A"]]
    together = SpanCounts.count(truth * 2, truth * 2, first + second, scheme="BIO")
    for name, figure in together.figures().items():
        approximate = approximate_randomisation(figure, sentences=len(truth), shuffles=5000)
        assert approximate == pytest.approx(exact(figure, len(truth)), abs=0.02), name


def test_equal_systems_and_reproducible() -> None:
    figure = ratio(np.array([1, 0, 1, 1, 0, 1]), np.ones(6))
    assert approximate_randomisation(figure, sentences=3) == 1.0
    figure = ratio(np.array([1] * 40 + [0] * 40), np.ones(80))
    assert approximate_randomisation(figure, sentences=40, shuffles=99) == 1 / 100
