"""Figures of captions against sacreBLEU itself, and the simple rivals."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU

from elman.data.captioned_pictures import CaptionedPictures
from elman.data.picture_format import PictureFormat
from elman.evaluation.caption_rivals import most_frequent_caption, nearest_captions
from elman.evaluation.captions import evaluate_captions
from elman.evaluation.verdict import instead

SAID = [
    ("a dog runs on the grass", "the brown dog runs fast", "a dog"),
    ("two cats sleep on a red sofa",),
    ("a man rides a horse on the beach", "a man and his horse"),
]
PREDICTED = ["the brown dog runs on grass", "two cats sit on a red sofa", "a man and his horse"]


def pictures(captions, arrays=None):
    arrays = np.zeros((len(captions), 1, 1, 3), np.uint8) if arrays is None else arrays
    return CaptionedPictures([str(number) for number in range(len(captions))], arrays, captions)


def test_bleu_takes_all_captions_of_a_picture_as_references():
    report = evaluate_captions(pictures(SAID), PREDICTED, resamples=20)
    references = [[said[turn] if turn < len(said) else None for said in SAID] for turn in range(3)]
    wanted = BLEU().corpus_score(PREDICTED, references).score
    assert report.scores.figures["bleu"].value == pytest.approx(wanted)
    assert report.scores.figures["exact_match"].value == pytest.approx(100 / 3)
    assert "nrefs:var" in report.signatures["bleu"] and report.references == 6


def test_the_verdict_names_a_rival_that_wins():
    rivals = {"the truth": [said[0] for said in SAID] * 20, "nonsense": ["x y z w"] * 60}
    report = evaluate_captions(pictures(SAID * 20), ["no idea at all"] * 60, rivals=rivals, resamples=50)
    assert [rival.name for rival in report.rivals] == ["the truth", "nonsense"]
    assert report.verdict.startswith("The truth is better by") and report.verdict.endswith(instead("the truth"))
    assert report.to_json()["scores"]["bleu"]["value"] < 1


def test_short_captions_are_judged_by_exact_matches():
    said = [("a seven",), ("a two",), ("a two",), ("a one",)] * 20
    predicted, rival = ["a seven", "a two", "a one", "a one"] * 20, ["a two"] * 80
    report = evaluate_captions(pictures(said), predicted, rivals={"the most frequent": rival}, resamples=50)
    assert report.headline == "exact_match"
    assert report.notes == ("BLEU says little here: it counts four words in a row, which 0% of the captions have",)
    assert report.verdict.startswith("Better than the most frequent by 25.0 points of exact matches")


def test_the_nearest_picture_is_what_a_loop_finds():
    rng = np.random.default_rng(0)
    arrays = rng.integers(0, 256, (300, 2, 2, 3)).astype(np.uint8)
    train = pictures([(f"number {number}",) for number in range(300)], arrays)
    shape = PictureFormat.of((2, 2, 3), (1, 1), features=False).fit(arrays)
    asked = rng.integers(0, 256, (7, 2, 2, 3)).astype(np.uint8)
    known = shape.patches(arrays).reshape(300, -1)
    wanted = [int(((known - shape.patches(each[None]).ravel()) ** 2).sum(1).argmin()) for each in asked]
    assert nearest_captions(train, shape, asked) == [f"number {number}" for number in wanted]
    assert most_frequent_caption(pictures([("b",), ("a", "b"), ("a",), ("b",)])) == "b"
