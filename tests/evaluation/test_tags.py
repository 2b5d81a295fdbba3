"""Reports on taggers by hand: figures, mistakes, rivals and verdicts."""

import json

import numpy as np
import pytest

from elman.errors import UsageError
from elman.evaluation.tags import FIGURES, evaluate_tags, tag_difference, tags_signature
from elman.evaluation.verdict import instead
from elman.metrics.spans import SpanCounts

WORDS = [["We", "bank", "there"], ["The", "bank"], ["Ada", "Lovelace", "of", "London"]]
TAGS = [["PRON", "VERB", "ADV"], ["DET", "NOUN"], ["PROPN", "PROPN", "ADP", "PROPN"]]
GUESSED = [["PRON", "NOUN", "ADV"], ["DET", "NOUN"], ["PROPN", "NOUN", "ADP", "PROPN"]]
SURE = [[0.9, 0.6, 0.9], [0.9, 0.9], [0.9, 0.8, 0.9, 0.9]]
SPANS = [["O", "O", "O"], ["O", "O"], ["B-person", "I-person", "O", "B-place"]]
FOUND = [["O", "B-place", "O"], ["O", "O"], ["I-person", "O", "O", "O"]]


def test_a_report_by_hand() -> None:
    report = evaluate_tags(
        WORDS,
        TAGS,
        GUESSED,
        known={"We", "The", "bank", "of"},
        probabilities=SURE,
        signature="task:tag",
        notes=["N."],
    )
    values = {name: figure.value for name, figure in report.scores.figures.items()}
    assert values["accuracy"] == 7 / 9 and values["sentence_accuracy"] == 1 / 3
    assert (report.unknown, values["unknown_accuracy"]) == (4, 3 / 4)  # there, Ada, Lovelace, London
    # NOUN 1/2, PROPN 4/5, VERB 0; PRON, ADV, DET, ADP 1.
    assert values["macro_f1"] == pytest.approx((0.5 + 0.8 + 0 + 4) / 7)
    assert (report.sentences, report.words, report.headline, report.scheme) == (3, 9, "accuracy", None)
    shown = [(each.sentence, each.start, each.true, each.predicted, each.probability) for each in report.mistakes]
    assert shown == [(2, 1, "PROPN", "NOUN", 0.8), (0, 1, "VERB", "NOUN", 0.6)]
    assert report.mistakes[0].text == "Ada [Lovelace] of London"
    assert report.reliability is not None
    assert report.reliability.error == pytest.approx((0.8 + 0.6 + abs(7 * 0.9 - 7)) / 9)
    assert report.confusion is not None and report.confusion.sum() == 9
    assert report.labels == ("ADP", "ADV", "DET", "NOUN", "PRON", "PROPN", "VERB")
    assert report.confusion[6].tolist() == [0, 0, 0, 1, 0, 0, 0]
    assert [row["label"] for row in report.per_label] == list(report.labels)
    assert report.verdict == "No rival was compared."
    assert report.notes == ("N.", "With 3 sentences the intervals are too narrow.")


def test_spans_by_hand() -> None:
    report = evaluate_tags(WORDS, SPANS, FOUND, scheme="BIO", probabilities=SURE)
    values = {name: figure.value for name, figure in report.scores.figures.items()}
    golden = SpanCounts.count(WORDS, SPANS, FOUND, scheme="BIO").figures()
    assert {name: values[name] for name in golden} == {
        name: float(figure(np.ones(3, np.int64))) for name, figure in golden.items()
    }
    assert values["accuracy"] == 5 / 9 and set(values) < set(FIGURES)
    assert report.labels == ("O", "person", "place") and report.headline == "f1"
    assert report.confusion is not None and report.confusion.tolist() == [[5, 0, 1], [1, 1, 0], [1, 0, 0]]
    shown = [(each.text, each.true, each.predicted, each.probability) for each in report.mistakes]
    assert shown == [
        ("[Ada] Lovelace of London", "person: Ada Lovelace", "person", 0.9),
        ("Ada Lovelace of [London]", "place", "no span", 0.9),
        ("We [bank] there", "no span", "place", 0.6),
    ]
    assert report.invalid == (0, 1) and report.notes[0].startswith("The predicted tags of 1 sentence break the rules")
    person = report.per_label[0]
    assert (person["label"], person["support"], person["predicted"], person["strict_predicted"]) == ("person", 1, 1, 0)


def test_rivals_differences_and_verdicts() -> None:
    rng = np.random.default_rng(0)
    truth = [[["A", "B", "C"][number] for number in rng.integers(3, size=4)] for _ in range(60)]
    words = [["w"] * 4] * 60
    worse = [["A" if index % 2 else tags[0], *tags[1:]] for index, tags in enumerate(truth)]
    worst = [["D", *tags[1:]] for tags in truth]
    how = {"resamples": 300, "shuffles": 300, "seed": 4}
    report = evaluate_tags(words, truth, truth, rivals={"the worst": worst, "a worse one": worse}, **how)
    assert [rival.name for rival in report.rivals] == ["a worse one", "the worst"]
    assert report.verdict.startswith("Better than a worse one by ")
    rival = report.rivals[1]
    assert rival.difference is not None and rival.difference.value == 0.25 and rival.p_value == 1 / 301
    assert tag_difference(words, truth, truth, worst, **how) == (rival.difference, rival.p_value)
    turned = evaluate_tags(words, truth, worst, rivals={"a worse one": worse}, **how)
    assert turned.verdict.startswith("A worse one is better by ") and turned.verdict.endswith(instead("a worse one"))
    equal = evaluate_tags(words, truth, worst, rivals={"itself": worst}, **how)
    assert (
        equal.verdict == "No difference from itself that 60 sentences could show: 0.0 points of accuracy (0.0 to 0.0)."
    )
    assert equal.rivals[0].p_value == 1.0
    again = json.loads(json.dumps(report.to_json()))
    assert again["rivals"][1]["difference"]["value"] == 0.25 and again["scores"]["accuracy"]["value"] == 1
    assert again["mistakes"] == [] and again["invalid"] == {"true": 0, "predicted": 0} and again["reliability"] is None


def test_any_figure_can_be_compared() -> None:
    for figure, expected in (("f1", 1 - 0.0), ("recall", 1.0), ("strict_f1", 1.0), ("sentence_accuracy", 2 / 3)):
        interval, p_value = tag_difference(WORDS, SPANS, SPANS, FOUND, figure=figure, scheme="BIO", resamples=50)
        assert interval.value == pytest.approx(expected) and p_value > 0.2  # of three sentences, one is alike
    with pytest.raises(UsageError, match="figure is 'f1'; for these tags it must be one of accuracy, sent"):
        tag_difference(WORDS, TAGS, TAGS, GUESSED, figure="f1")


def test_sentences_without_words_are_left_out() -> None:
    whole = evaluate_tags(WORDS, TAGS, GUESSED, probabilities=SURE, rivals={"it": TAGS})
    gaps = [[], *WORDS], [[], *TAGS], [[], *GUESSED]
    assert evaluate_tags(*gaps, probabilities=[[], *SURE], rivals={"it": [[], *TAGS]}).to_json() == whole.to_json()
    with pytest.raises(UsageError, match="no tagged words"):
        evaluate_tags([[]], [[]], [[]])


def test_prefixes_without_types_and_long_sentences() -> None:
    words = [["w"] * 100]
    truth, found = [["B", "I"] * 50], [["B", "I"] * 49 + ["O", "O"]]
    report = evaluate_tags(words, truth, found, scheme="BIO", mistakes=1)
    assert report.labels == ("O", "span") and report.per_label[0]["label"] == "span"
    assert report.mistakes[0].text == "… " + "w " * 8 + "[w w]" and report.mistakes[0].probability is None


def test_signature() -> None:
    assert tags_signature(model="lstm-1", data="ab" * 32, labels=13, scheme="BIO").startswith(
        "task:tag|model:lstm-1|data:abababababab|labels:13|scheme:BIO|figure:f1|invalid:conlleval|elman:"
    )
