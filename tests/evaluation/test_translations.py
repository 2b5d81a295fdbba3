import json

import pytest
from sacrebleu.metrics import BLEU

from elman.data.pairs import Pairs
from elman.errors import UsageError
from elman.evaluation.translations import evaluate_translations
from elman.evaluation.verdict import instead

SOURCE = [f"der Mann {number} hat " + "ein Haus und " * (number % 9) + "Geld" for number in range(60)]
TARGET = [f"the man {number} has " + "a house and " * (number % 9) + "money" for number in range(60)]
PAIRS = Pairs(SOURCE, TARGET)
HALF = [text if number % 2 else text.replace("house", "tree") for number, text in enumerate(TARGET)]


def test_the_best_rival_comes_first_and_wins() -> None:
    report = evaluate_translations(PAIRS, HALF, rivals={"a copy": SOURCE, "a person": TARGET}, facts={"model": "gru"})
    assert [rival.name for rival in report.rivals] == ["a person", "a copy"]
    figures = report.scores.figures
    wanted = BLEU().corpus_score(HALF, [TARGET]).score
    assert figures["bleu"].value == wanted and figures["bleu"].low < wanted < figures["bleu"].high
    difference = report.rivals[0].difference
    assert difference is not None and difference.value == pytest.approx(wanted - 100) and difference.high < 0
    assert report.verdict.startswith(f"A person is better by {100 - wanted:.1f} points of BLEU (")
    assert report.verdict.endswith(")" + instead("a person"))
    assert report.signature.startswith(f"task:translate|model:gru|data:{PAIRS.hash[:12]}|elman:")
    assert json.loads(json.dumps(report.to_json()))["scores"]["exact_match"]["value"] == figures["exact_match"].value


def test_bleu_by_length_is_that_of_each_group() -> None:
    report = evaluate_translations(PAIRS, HALF, rivals={"a copy": SOURCE}, resamples=2)
    groups = report.by_length
    assert [(each["from"], each["to"]) for each in groups] == [(1, 5), (6, 10), (11, 15), (16, 20), (21, 30)]
    assert sum(each["sentences"] for each in groups) == 60
    rows = [row for row, text in enumerate(SOURCE) if 11 <= len(text.split()) <= 15]
    assert len(rows) == groups[2]["sentences"]
    wanted = BLEU().corpus_score([HALF[row] for row in rows], [[TARGET[row] for row in rows]]).score
    assert groups[2]["bleu"]["the model"] == wanted
    assert list(groups[2]["bleu"]) == ["the model", "a copy"]


def test_corrections_have_gleu() -> None:
    pairs = Pairs(["he go home now and then"] * 20, ["he goes home now and then"] * 20)
    report = evaluate_translations(pairs, pairs.target, rivals={"a copy": pairs.source}, resamples=20)
    assert report.headline == "gleu" and report.scores.figures["gleu"].value == pytest.approx(100)
    assert "points of GLEU" in report.verdict


def test_without_pairs_there_is_nothing_to_say() -> None:
    with pytest.raises(UsageError, match="nothing to translate"):
        evaluate_translations(Pairs([], []), [])
