"""Rivals of taggers: what they read, and that they learn."""

import pytest

from elman.errors import MissingExtra
from elman.evaluation import tag_rivals
from elman.evaluation.tag_rivals import FeatureCRF, MostFrequentTag, features, predictions, rivals_of
from elman.metrics.span_schemes import invalid_at

WORDS = [["the", "bank", "closes"], ["we", "bank", "there"], ["the", "banks", "close"]] * 5
TAGS = [["DET", "NOUN", "VERB"], ["PRON", "VERB", "ADV"], ["DET", "NOUN", "VERB"]] * 5


def test_features_by_hand() -> None:
    assert features(["In", "2024", "!"])[1] == [
        "bias", "w=2024", "l=2024", "s=0", "p1=2", "e1=4", "p2=20", "e2=24", "p3=202", "e3=024", "p4=2024", "e4=2024",
        "-1=in", "-1s=Xx", "+1=!", "+1s=!", "-2=", "+2=",
    ]  # fmt: skip
    assert features([]) == []


def test_the_most_frequent_tag_repairs_spans() -> None:
    words, tags = [["New", "York", "and", "York"]] * 2, [["B-place", "I-place", "O", "I-place"]] * 2
    rival = MostFrequentTag(scheme="BIO").fit(words, tags)
    predicted = rival.predict(["York", "York", "and"])
    assert predicted == ["B-place", "I-place", "O"] and not invalid_at(predicted, "BIO")
    assert MostFrequentTag().fit(words, tags).predict(["York"]) == ["I-place"]


def test_a_crf_sees_the_neighbours() -> None:
    pytest.importorskip("pycrfsuite")
    rivals, notes = rivals_of()
    assert [rival.name for rival in rivals] == ["the most frequent tag", "a feature CRF"] and notes == []
    test = [["the", "bank"], ["we", "bank"], []]
    found = predictions([rival.fit(WORDS, TAGS) for rival in rivals], test)
    assert found["a feature CRF"] == [["DET", "NOUN"], ["PRON", "VERB"], []]
    assert found["the most frequent tag"] == [["DET", "VERB"], ["PRON", "VERB"], []]
    again = FeatureCRF().fit(WORDS, TAGS)
    assert [again.predict(line) for line in test] == found["a feature CRF"]


def test_without_crfsuite_there_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tag_rivals, "has_crfsuite", lambda: False)
    rivals, notes = rivals_of(scheme="BIO")
    assert [rival.name for rival in rivals] == ["the most frequent tag"]
    assert notes == [
        "a feature CRF was not compared: python-crfsuite is not installed; run: pip install 'elman[tasks]'"
    ]
    with pytest.raises(MissingExtra, match=r"needs python-crfsuite; run: pip install 'elman\[tasks\]'"):
        FeatureCRF()
