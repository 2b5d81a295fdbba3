"""Reports on labelled examples by hand: figures, mistakes, and the verdict in each of its cases."""

import json

import numpy as np
import pytest

from elman.errors import UsageError
from elman.evaluation.labels import LabelReport, LabelScores, evaluate_labels, labels_signature
from elman.evaluation.verdict import instead, verdict_of
from elman.metrics.intervals import Interval, macro_f1, paired_difference
from elman.metrics.labels import LabelTally

NAMES = ["bad", "good"]


def sure_of(answers: np.ndarray, confidence: float = 0.8, labels: int = 2) -> np.ndarray:
    """Probabilities with ``confidence`` at each answer and the rest spread."""
    rest = (1 - confidence) / (labels - 1)
    return np.where(answers[:, None] == np.arange(labels), confidence, rest)


def right_in(examples: int, right: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth, and answers of which the first ``right`` are correct."""
    truth = np.arange(examples) % 2
    return truth, np.where(np.arange(examples) < right, truth, 1 - truth)


def test_a_report_by_hand() -> None:
    truth = np.array([0, 0, 1, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.95, 0.05], [0.6, 0.4]])
    report = evaluate_labels(
        truth, probabilities, names=NAMES, texts=["a", "b", "c", "d" * 400, "e"], signature="task:x", notes=["Note."]
    )
    assert report.scores.accuracy.value == 2 / 5 == report.scores.micro_f1.value
    # bad: precision 1/3, recall 1/2; good: precision 1/2, recall 1/3.
    assert report.scores.macro_f1.value == pytest.approx(2 / 5)
    assert report.scores.log_loss == pytest.approx(-np.log([0.9, 0.3, 0.8, 0.05, 0.4]).mean())
    assert report.confusion is not None and report.confusion.tolist() == [[1, 1], [2, 1]]
    surest = [(mistake.index, mistake.true, mistake.predicted, mistake.probability) for mistake in report.mistakes]
    assert surest == [(3, "good", "bad", 0.95), (1, "bad", "good", 0.7), (4, "good", "bad", 0.6)]
    assert report.mistakes[0].text == "d" * 299 + "…" and report.mistakes[1].text == "b"
    assert report.verdict == "No rival was compared." and report.signature == "task:x"
    assert report.notes == ("Note.", "With 5 examples the intervals are too narrow.")
    only = evaluate_labels(truth, probabilities, names=NAMES, mistakes=1)
    assert [mistake.text for mistake in only.mistakes] == [""]


def test_the_report_as_json_holds_what_the_metrics_say() -> None:
    truth, answers = right_in(200, 150)
    report = evaluate_labels(truth, sure_of(answers), names=NAMES, rivals={"a coin": np.full((200, 2), 0.5)})
    again = json.loads(json.dumps(report.to_json()))
    tally = LabelTally.count(truth, answers, labels=2)
    assert again["scores"]["accuracy"] == report.scores.accuracy._asdict() and again["examples"] == 200
    assert again["per_label"] == tally.per_label(NAMES) and again["confusion"] == [[75, 25], [25, 75]]
    assert again["scores"]["calibration_error"] == pytest.approx(0.8 - 0.75)
    assert again["reliability"]["expected_calibration_error"] == again["scores"]["calibration_error"]
    assert again["rivals"][0]["name"] == "a coin" and again["rivals"][0]["accuracy"]["value"] == 0.5
    assert again["rivals"][0]["difference"]["value"] == 0.25 and "difference" not in again["scores"]
    assert again["verdict"] == report.verdict and again["labels"] == NAMES and again["headline"] == "accuracy"


def compared(examples: int, right: int, rival_right: int) -> LabelReport:
    truth, answers = right_in(examples, right)
    _, other = right_in(examples, rival_right)
    rivals = {"the most frequent label": sure_of(np.zeros(examples, int)), "TF-IDF": sure_of(other)}
    return evaluate_labels(truth, sure_of(answers), names=NAMES, rivals=rivals)


def test_verdicts() -> None:
    better = compared(1000, 850, 830)
    # 20 of 1,000 examples differ, all in favour of the model: 2.0 points, give or take 1.96 *
    # sqrt(0.02 / 1000).
    assert better.verdict.startswith("Better than TF-IDF by 2.0 points of accuracy (1.")
    assert [rival.name for rival in better.rivals] == ["TF-IDF", "the most frequent label"]
    difference = better.rivals[0].difference
    assert difference is not None and difference[1:] == pytest.approx((0.02 - 0.0087, 0.02 + 0.0087), abs=0.0015)
    worse = compared(1000, 830, 850)
    assert worse.verdict.startswith("TF-IDF is better by 2.0 points of accuracy (1.") and worse.verdict.endswith(
        "; elman has no command that uses it. More data or a longer training may help."
    )
    assert compared(1821, 1500, 1500).verdict == (
        "No difference from TF-IDF that 1,821 examples could show: 0.0 points of accuracy (0.0 to 0.0)."
    )
    useless = compared(1000, 505, 400)
    assert useless.verdict.startswith("No difference from the most frequent label that 1,000 examples could show: 0.5")


def test_the_verdict_is_about_the_best_rival_and_its_sentence_starts_with_a_capital() -> None:
    some = Interval(0.8, 0.7, 0.9)
    rival = LabelScores(
        name="a rule", accuracy=some, macro_f1=some, micro_f1=some, log_loss=1.0, calibration_error=0.1,
        difference=Interval(-0.012, -0.021, -0.003),
    )  # fmt: skip
    assert verdict_of([rival], figure="micro F1", units="9 examples") == (
        "A rule is better by 1.2 points of micro F1 (0.3 to 2.1)" + instead("a rule")
    )


def test_several_labels() -> None:
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]], bool)
    probabilities = np.array([[0.9, 0.2, 0.1], [0.8, 0.5, 0.7], [0.1, 0.1, 0.2]])
    report = evaluate_labels(truth, probabilities, names=["a", "b", "c"], rivals={"none": np.zeros((3, 3))})
    assert report.multilabel and report.confusion is None and report.headline == "micro_f1"
    assert report.scores.accuracy.value == 1 / 3
    assert report.scores.micro_f1.value == pytest.approx(2 * 3 / (4 + 4))
    assert [(m.index, m.true, m.predicted, m.probability) for m in report.mistakes] == [
        (2, ("c",), (), 0.8),
        (1, ("a", "b"), ("a", "b", "c"), 0.7),
    ]
    assert report.rivals[0].micro_f1.value == 0.0
    # Labels with thresholds of their own: c from 0.15 on.
    lower = evaluate_labels(truth, probabilities, names=["a", "b", "c"], thresholds=np.array([0.5, 0.5, 0.15]))
    assert lower.tally.predicted.tolist() == [2, 1, 2] and lower.scores.accuracy.value == 2 / 3


def test_intervals_are_those_of_the_metrics() -> None:
    rng = np.random.default_rng(1)
    truth, answers, other = rng.integers(3, size=(3, 90))
    report = evaluate_labels(
        truth, sure_of(answers, labels=3), names=["a", "b", "c"], rivals={"r": sure_of(other, labels=3)}, seed=5
    )
    expected = paired_difference(truth, answers, other, labels=3, seed=5)
    assert report.rivals[0].difference == expected
    assert report.scores.macro_f1.value == pytest.approx(macro_f1(LabelTally.count(truth, answers, labels=3)))
    assert report.scores.macro_f1.low < report.scores.macro_f1.value < report.scores.macro_f1.high


def test_mistakes_of_the_user_are_said_in_one_line() -> None:
    with pytest.raises(UsageError, match="no labelled examples"):
        evaluate_labels(np.zeros(0, int), np.zeros((0, 2)), names=NAMES)
    with pytest.raises(UsageError, match="not finite"):
        evaluate_labels(np.array([0]), np.array([[np.nan, 1.0]]), names=NAMES)


def test_the_signature() -> None:
    signed = labels_signature(model="gru-12", data="f" * 64, labels=3, task="tag")
    assert signed.startswith("task:tag|model:gru-12|data:ffffffffffff|labels:3|average:macro|elman:")
