"""GLEU by hand."""

import numpy as np
import pytest

from elman.metrics.gleu import gleu, gleu_figure

SOURCE, WANTED = "a b c d e g", "a b c d e h"


def test_what_is_left_uncorrected_is_taken_off() -> None:
    # Of 6, 5, 4 and 3 n-grams 5, 4, 3 and 2 are right; one of each size is the source's alone.
    assert gleu([SOURCE], [SOURCE], [WANTED]) == pytest.approx(100 * (4 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)
    # Something else that is wrong costs less.
    assert gleu([SOURCE], ["a b c d e x"], [WANTED]) == pytest.approx(100 * (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25)


def test_short_texts_are_penalised() -> None:
    assert gleu([SOURCE], ["a b c d e"], [WANTED]) == pytest.approx(100 * np.exp(1 - 6 / 5))
    assert gleu([SOURCE], ["a b c d e h"], [WANTED]) == pytest.approx(100)
    assert gleu([SOURCE], [""], [WANTED]) == 0


def test_counts_are_summed_over_sentences() -> None:
    figure = gleu_figure([SOURCE, "x"], [SOURCE, "x"], [WANTED, "x"])
    product = (2 * 4 + 3) / (2 * 6 + 3) * 3 / 5 * 2 / 4 * 1 / 3
    assert figure(np.array([[1, 0], [2, 3]])) == pytest.approx(
        [gleu([SOURCE], [SOURCE], [WANTED]), 100 * product**0.25]
    )


def test_several_references_are_averaged() -> None:
    found = gleu([SOURCE], [SOURCE], [WANTED], [SOURCE])
    either = gleu([SOURCE], [SOURCE], [WANTED]), 100
    assert found == pytest.approx(np.mean(either), abs=4)  # 500 draws of one sentence
    assert gleu([SOURCE], [SOURCE], [WANTED], [WANTED]) == pytest.approx(either[0])
