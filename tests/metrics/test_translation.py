"""Figures of translations equal sacreBLEU's, for any weights of the sentences."""

import sys

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

from elman.errors import MissingExtra
from elman.metrics.translation import translation_figures

PREDICTED = ["The cat sat on the mat.", "a dog, barks!", "", "It rained 3.5 mm in Oslo", "yes"]
FIRST = ["The cat sat on a mat.", "A dog barks!", "nothing", "It rained 3.5 mm in Bergen", "yes"]
SECOND = ["There is a cat on the mat.", "a dog is barking!", "", "In Oslo 3.5 mm of rain fell", "no"]


@pytest.mark.parametrize("weights", [[1, 1, 1, 1, 1], [0, 3, 1, 0, 2], [0, 0, 5, 0, 0], [2, 0, 0, 1, 0]])
@pytest.mark.parametrize("references", [[FIRST], [FIRST, SECOND]])
def test_weighted_sentences_are_repeated_sentences(weights: list[int], references: list[list[str]]) -> None:
    predicted, *repeated = (np.repeat(np.array(texts), weights).tolist() for texts in (PREDICTED, *references))
    figures, signatures = translation_figures(PREDICTED, *references)
    for name, metric in {"bleu": BLEU(), "bleu_lowercase": BLEU(lowercase=True), "chrf": CHRF()}.items():
        wanted = metric.corpus_score(predicted, repeated).score
        assert figures[name](np.array(weights)) == wanted, name
        assert figures[name](np.array([weights, weights])).tolist() == [wanted, wanted]
        assert signatures[name] == str(metric.get_signature())
    exact = 100 * np.mean([text in known for text, *known in zip(predicted, *repeated, strict=True)])
    assert figures["exact_match"](np.array(weights)) == pytest.approx(exact)


def test_without_blanks_characters_are_compared() -> None:
    figures, signatures = translation_figures(["猫が魚を食べる"], ["猫が魚を食べた"], tokenize="char")
    # 6 of 7 characters, 5 of 6, 4 of 5, 3 of 4: the product of the first four is 3 / 7.
    assert figures["bleu"](np.array([1])) == pytest.approx(100 * (3 / 7) ** 0.25)
    assert "tok:char" in signatures["bleu"]


def test_without_sacrebleu_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    with pytest.raises(MissingExtra, match=r"need sacrebleu; run: pip install 'elman\[tasks\]'"):
        translation_figures(["a"], ["a"])
