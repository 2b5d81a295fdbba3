"""Terms of scripts without spaces between words: characters and pairs of them, as in Lucene's
CJKAnalyzer."""

import pytest

import elman
from elman.apps.ranking.analysis import AnalysisConfig, Analyzer

ANALYZER = Analyzer(AnalysisConfig())


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        # As in the documentation of CJKBigramFilter: pairs overlap, and a character alone is kept.
        ("一二三四", ["一二", "二三", "三四"]),
        ("猫", ["猫"]),
        ("iPhone手机 v2", ["iphone", "手机", "v", "2"]),
        ("ไทย", ["ไท", "ทย"]),
        ("日本語のテスト。", ["日本", "本語", "語の", "のテ", "テス", "スト"]),
        ("한국어 단어", ["한국어", "단어"]),
    ],
)
def test_queries_ask_for_pairs(text: str, asked: list[str]) -> None:
    assert ANALYZER.terms(text) == asked
    # A document has the single characters too, and its spans are its terms.
    assert set(asked) <= {*ANALYZER.words(text)}
    assert [span.term for span in ANALYZER.spans(text)] == ANALYZER.words(text)
    for span in ANALYZER.spans(text):
        assert text[span.start : span.end].lower() == span.term


def test_documents_are_found_and_marked() -> None:
    texts = ["我住在东京都,喜欢猫。", "京都很美", "แมวนอนหลับ", "a cat"]
    found = elman.rank(texts, "东京")
    assert [(hit.id, hit.snippet.marked("[", "]")) for hit in found] == [("1", "我住在[东京]都,喜欢猫。")]
    assert {hit.id for hit in elman.rank(texts, "京都")} == {"1", "2"}
    assert [hit.snippet.marked("[", "]") for hit in elman.rank(texts, "猫")] == ["我住在东京都,喜欢[猫]。"]
    # Marks of pairs that overlap are one.
    assert [hit.snippet.marked("[", "]") for hit in elman.rank(texts, "นอน")] == ["แมว[นอน]หลับ"]
    long = "一二三四五六七八九十" * 20
    (hit,) = elman.rank(["x" + long], "三四")
    assert 25 <= len(hit.snippet.text) <= 35 and hit.snippet.cut == (False, True)
