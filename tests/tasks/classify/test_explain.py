"""Contributions of words against predictions of the shortened texts, one by one."""

import math
from pathlib import Path

import pytest

import elman
from elman.errors import UsageError


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def test_contributions_are_what_leaving_a_word_out_changes(reviews_folder: Path) -> None:
    model = elman.load(reviews_folder)
    text = "A good film,  not bad!"
    without_one = [
        "good film,  not bad!", "A film,  not bad!", "A good,  not bad!", "A good film  not bad!", "A good film, bad!",
        "A good film,  not!", "A good film,  not bad",
    ]  # fmt: skip
    prefixes = ["", "A", "A good", "A good film", "A good film,", "A good film,  not", "A good film,  not bad", text]
    explanation = model.explain(text)
    assert [word.text for word in explanation.words] == ["A", "good", "film", ",", "not", "bad", "!"]
    (whole,) = model.predict_proba([text])
    chosen = int(whole.argmax())
    assert explanation.label == model.labels[chosen] and explanation.probability == whole[chosen]
    for word, rest in zip(explanation.words, without_one, strict=True):
        (without,) = model.predict_proba([rest])
        assert word.probability == pytest.approx(without[chosen], abs=1e-6)
        assert word.contribution == pytest.approx(log_odds(whole[chosen]) - log_odds(without[chosen]), abs=1e-4)
    for probabilities, prefix in zip(explanation.prefixes, prefixes, strict=True):
        assert probabilities == pytest.approx(model.predict_proba([prefix])[0].tolist(), abs=1e-6)


def test_the_other_label_is_explained_with_the_signs_turned(reviews_folder: Path) -> None:
    model = elman.load(reviews_folder)
    for_pos, for_neg = (model.explain("a good film", label=label) for label in ("pos", "neg"))
    assert for_pos.probability + for_neg.probability == pytest.approx(1)
    assert for_pos.words[1].contribution > 1
    for one, other in zip(for_pos.words, for_neg.words, strict=True):
        assert one.contribution == pytest.approx(-other.contribution)


def test_a_text_without_words(reviews_folder: Path) -> None:
    model = elman.load(reviews_folder)
    (row,) = model.predict_proba([" "])
    explanation = model.explain(" ")
    assert explanation.words == () and explanation.prefixes == (tuple(row.tolist()),)
    assert explanation.label == model.labels[row.argmax()] and explanation.probability == row.max()
    assert model.explain("", label="neg").probability == model.predict_proba([""])[0, 0]


def test_mistakes_are_said_in_one_line(reviews_folder: Path) -> None:
    model = elman.load(reviews_folder)
    with pytest.raises(UsageError, match="there is no label 'good'; the labels are: neg, pos"):
        model.explain("a good film", label="good")


def test_what_is_no_text_is_refused(reviews_folder: Path) -> None:
    model = elman.load(reviews_folder)
    for wrong in (3, None, b"a good film", ["a good film"]):
        for ask in (
            model.explain,
            lambda text: model.predict(["fine", text]),
            lambda text: model.predict_proba([text]),
        ):
            with pytest.raises(UsageError, match=f"a text is of type {type(wrong).__name__}; give strings"):
                ask(wrong)
    with pytest.raises(UsageError, match="this is one string, and several texts are expected"):
        model.predict_proba("a good film")
