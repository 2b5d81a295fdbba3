"""Contributions of words by hand: a bag of words is additive, so that leaving one out shows its own
weight."""

import json
import math
import re

import numpy as np
import pytest

from elman.errors import UsageError
from elman.evaluation import explanation as module
from elman.evaluation.explanation import explain_ids, explain_text, words_of

WEIGHTS = {"good": 1.5, "great": 2.0, "not": -0.75, "bad": -2.5}


class BagOfWords:
    """A classifier whose log-odds are the sum of its words' weights; it keeps what it is asked."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, texts: list[str]) -> np.ndarray:
        self.calls.append(texts)
        odds = np.array([sum(WEIGHTS.get(word, 0.0) for word in re.findall(r"\w+", text)) for text in texts])
        likely = 1 / (1 + np.exp(-odds))
        return np.stack([1 - likely, likely], axis=1)


def test_contributions_are_the_weights_and_all_is_asked_at_once() -> None:
    predict = BagOfWords()
    explained = explain_text(predict, " a great film, not bad.", names=["bad", "good"])
    # 2.0 - 0.75 - 2.5 is below 0: the label is "bad", and what speaks for it has a plus.
    assert explained.label == "bad" and explained.probability == pytest.approx(1 / (1 + math.exp(-1.25)))
    assert [(word.text, round(word.contribution, 6)) for word in explained.words] == [
        ("a", 0.0), ("great", -2.0), ("film", 0.0), (",", 0.0), ("not", 0.75), ("bad", 2.5), (".", 0.0),
    ]  # fmt: skip
    assert explained.words[5].probability == pytest.approx(1 / (1 + math.exp(1.25)))
    assert [explained.text[word.start : word.end] for word in explained.words] == [
        word.text for word in explained.words
    ]
    assert predict.calls == [
        [
            "great film, not bad.", " a film, not bad.", " a great, not bad.", " a great film not bad.",
            " a great film, bad.", " a great film, not.", " a great film, not bad",
            "", " a", " a great", " a great film", " a great film,", " a great film, not", " a great film, not bad",
            " a great film, not bad.",
        ]
    ]  # fmt: skip
    assert explained.prefixes[0] == (0.5, 0.5)
    assert explained.prefixes[2][1] == pytest.approx(1 / (1 + math.exp(-2)))
    assert explained.prefixes[-1][0] == explained.probability


def test_another_label_and_other_words_can_be_asked_for() -> None:
    other = explain_text(BagOfWords(), "a great film, not bad.", names=["bad", "good"], label=1)
    assert other.label == "good" and other.words[1].contribution == pytest.approx(2.0)
    spans = [(0, 7), (8, 13), (14, 22)]
    coarse = explain_text(BagOfWords(), "a great film, not bad.", names=["bad", "good"], label=1, spans=spans)
    assert [round(word.contribution, 6) for word in coarse.words] == [2.0, 0.0, -3.25]
    assert [word.text for word in coarse.words] == ["a great", "film,", "not bad."]


def test_ids_of_words_are_left_out_together() -> None:
    seen: list[list[list[int]]] = []

    def predict(sequences: list[list[int]]) -> np.ndarray:
        seen.append(sequences)
        likely = np.array([0.9 if {7, 8} <= set(ids) else 0.2 for ids in sequences])
        return np.stack([likely, 1 - likely], axis=1)

    explained = explain_ids(
        predict, [[3], [7, 8], []], text="an unkind !", spans=[(0, 2), (3, 9), (10, 11)], names=["x", "y"]
    )
    assert seen == [[[7, 8], [3], [3, 7, 8], [], [3], [3, 7, 8], [3, 7, 8]]]
    difference = math.log(0.9 / 0.1) - math.log(0.2 / 0.8)
    assert [word.contribution for word in explained.words] == pytest.approx([0, difference, 0])


def test_text_and_json() -> None:
    explained = explain_text(BagOfWords(), "not a great\x1b[1m film", names=["bad\n", "good"])
    assert str(explained).splitlines() == [
        "good: 77.7%",
        "  -0.75  ----        not",
        "  +0.00              a",
        "  +2.00  ++++++++++  great",
        "  +0.00              �",
        "  +0.00              [",
        "  +0.00              1m",
        "  +0.00              film",
    ]
    again = json.loads(json.dumps(explained.to_json()))
    assert again["words"][0]["contribution"] == explained.words[0].contribution and len(again["prefixes"]) == 8
    assert again["names"] == ["bad\n", "good"]


def test_certainty_has_a_bound() -> None:
    def sure(texts: list[str]) -> np.ndarray:
        likely = np.array([float("yes" in text) for text in texts], np.float32)
        return np.stack([1 - likely, likely], axis=1)

    explained = explain_text(sure, "yes it is", names=["no", "yes"])
    assert explained.words[0].contribution == pytest.approx(2 * math.log((1 - 1e-7) / 1e-7))
    assert explained.words[1].contribution == 0.0


def test_long_texts_are_cut_into_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WORDS", 3)
    predict = BagOfWords()
    explained = explain_text(predict, "a good film and not so bad", names=["bad", "good"], label=1)
    assert [word.text for word in explained.words] == ["a good film", "and not so", "bad"]
    assert [round(word.contribution, 6) for word in explained.words] == [1.5, -0.75, -2.5]
    assert len(predict.calls[0]) == 7
    ids = [[number] for number in range(7)]
    asked: list[list[int]] = []

    def flat(sequences: list[list[int]]) -> np.ndarray:
        asked.extend(sequences)
        return np.full((len(sequences), 2), 0.5)

    spans = words_of("a good film and not so bad")
    explain_ids(flat, ids, text="a good film and not so bad", spans=spans, names=["bad", "good"])
    assert asked[:3] == [[3, 4, 5, 6], [0, 1, 2, 6], [0, 1, 2, 3, 4, 5]]


def test_words() -> None:
    assert [("don't well-made!"[start:end]) for start, end in words_of("don't well-made!")] == [
        "don't",
        "well-made",
        "!",
    ]
    assert words_of(" \n") == []


def test_mistakes_are_said_in_one_line() -> None:
    with pytest.raises(UsageError, match="no words"):
        explain_text(BagOfWords(), "  ", names=["bad", "good"])
    with pytest.raises(UsageError, match="no label 2; choose one from 0 to 1"):
        explain_text(BagOfWords(), "good", names=["bad", "good"], label=2)
