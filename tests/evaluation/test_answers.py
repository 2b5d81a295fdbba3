"""Figures of answers, and the threshold of a reader, against their definitions."""

from typing import Any

import numpy as np
import pytest

from elman.evaluation.answer_threshold import fit_threshold
from elman.evaluation.answers import answers_table, evaluate_answers


def test_the_threshold_is_the_best_of_all() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        count = int(rng.integers(1, 9))
        scores = rng.integers(-2, 3, count).astype(float)
        scores[rng.random(count) < 0.2] = -np.inf
        silent = (rng.random(count) < 0.5).astype(float)
        answered = np.where(silent, 0, rng.random(count))
        found = fit_threshold(scores, answered, silent)

        def figure(threshold: float, own: Any = (scores, answered, silent)) -> float:
            given = (own[0] >= threshold) & (own[0] > -np.inf)
            return float(np.where(given, *own[1:]).mean())

        best = max(figure(each) for each in (-9.0, -1.5, -0.5, 0.5, 1.5, 9.0))
        assert found.figure == pytest.approx(best)
        assert figure(-9.0 if found.threshold is None else found.threshold) == pytest.approx(best)


def test_where_every_question_has_an_answer_all_are_given() -> None:
    found = fit_threshold(np.array([-3.0, 2.0]), np.array([0.0, 1.0]), np.zeros(2))
    assert found == (None, 0.5)


def test_figures_by_hand() -> None:
    right = [["Turin", "the Turin"], [], ["1912"], ["Ada Byron"]]
    answers = {"reader": ["Turin", "", "in 1912", ""], "rival": ["", "Rome", "1912", "Ada"]}
    report = evaluate_answers(answers, right, paragraphs=[0, 0, 1, 1]).to_json()
    own = report["figures"]["reader"]
    assert report["questions"] == {"all": 4, "with_answer": 3, "without_answer": 1}
    assert own["all"]["exact_match"]["value"] == 0.5
    assert own["all"]["f1"]["value"] == pytest.approx((1 + 1 + 2 / 3 + 0) / 4)
    assert own["with_answer"]["f1"]["value"] == pytest.approx((1 + 2 / 3) / 3)
    assert own["without_answer"]["exact_match"]["value"] == 1
    rival = report["figures"]["rival"]["all"]["f1"]["value"]
    assert rival == pytest.approx((0 + 0 + 1 + 2 / 3) / 4)
    assert report["differences"]["rival"]["value"] == pytest.approx(own["all"]["f1"]["value"] - rival)
    lines = answers_table(report).splitlines()
    assert lines[1].split()[:3] == ["reader", "all", "50.0%"]
    assert lines[-2] == "questions: 4 all, 3 with answer, 1 without answer" and "rival" in lines[-1]


def test_intervals_draw_paragraphs() -> None:
    """All questions of one paragraph are right or wrong together: as uncertain as two draws."""
    right = [["x"]] * 100
    answers = {"reader": ["x"] * 50 + ["y"] * 50}
    of_two = evaluate_answers(answers, right, paragraphs=[0] * 50 + [1] * 50)
    alone = evaluate_answers(answers, right, paragraphs=range(100))
    one, other = (each.figures["reader"]["all"]["f1"] for each in (of_two, alone))
    assert (one.low, one.high) == (0, 1) and 0.35 < other.low < other.high < 0.65 and of_two.verdict == ""
