import random

import pytest

from elman.data.span_alignment import CharSpan, SpanReport, char_spans, tag_spans, with_text
from elman.data.tagged_sentence import TaggedSentence
from elman.data.tagged_text import split_text
from elman.errors import TextError

SENTENCE = split_text("The NewYork-based firm, Lee & Co.", position="a.jsonl, line 3")


def message(*spans, sentence=SENTENCE):
    with pytest.raises(TextError) as caught:
        tag_spans(sentence, spans)
    return str(caught.value)


def test_spans_of_words():
    tagged = tag_spans(SENTENCE, [CharSpan(24, 33, "firm"), CharSpan(3, 11, "place")])
    assert tagged.words == ("The", "NewYork", "-", "based", "firm", ",", "Lee", "&", "Co", ".")
    assert tagged.tags == ("O", "B-place", "O", "O", "O", "O", "B-firm", "I-firm", "I-firm", "I-firm")
    assert char_spans(tagged, tagged.tags, "BIO") == (CharSpan(4, 11, "place"), CharSpan(24, 33, "firm"))
    assert tag_spans(SENTENCE, []).tags == ("O",) * 10


def test_a_span_within_a_word_is_named_with_the_words_there():
    assert message(CharSpan(7, 17, "x")) == (
        "a.jsonl, line 3: span 7-17 'York-based' (x) begins or ends within a word, the words there are: NewYork, -, "
        "based; mend the span, or split words with --misaligned split"
    )
    assert "the words there are: NewYork;" in message(CharSpan(4, 7, "x"))
    assert message(CharSpan(4, 7, "x", "a.ann, line 9")).startswith("a.ann, line 9: span 4-7")


def test_words_are_split_where_that_is_wanted():
    report = SpanReport()
    tagged = tag_spans(SENTENCE, [CharSpan(7, 17, "x"), CharSpan(18, 19, "y")], misaligned="split", report=report)
    assert tagged.words == ("The", "New", "York", "-", "based", "f", "irm", ",", "Lee", "&", "Co", ".")
    assert tagged.tags == ("O", "O", "B-x", "I-x", "I-x", "B-y", *"OOOOOO")
    assert [tagged.surface(n, n + 1) for n in range(12)] == list(tagged.words)
    assert (report.split, report.first) == (2, "a.jsonl, line 3: 'NewYork'")


def test_spans_that_overlap():
    inner, outer, same = CharSpan(24, 27, "name"), CharSpan(24, 33, "firm"), CharSpan(24, 33, "firm")
    assert tag_spans(SENTENCE, [outer, same]).tags.count("I-firm") == 3
    assert message(inner, outer) == (
        "a.jsonl, line 3: span 24-27 'Lee' (name) overlaps 24-33 'Lee & Co.' (firm), and a word has one tag; remove "
        "one of them, or keep the longest with --nested longest"
    )
    report = SpanReport()
    assert tag_spans(SENTENCE, [inner, outer], nested="longest", report=report).tags[6:] == ("B-firm", *["I-firm"] * 3)
    assert report.left_out == 1 and report.first.startswith("a.jsonl, line 3: span 24-27 'Lee'")


def test_the_longest_spans_are_those_of_an_obvious_search():
    rng, sentence = random.Random(1), split_text(" ".join("abcdefgh"))
    for _ in range(200):
        wanted = [CharSpan(2 * a, 2 * b - 1, rng.choice("xy")) for a, b in
                  (sorted(rng.sample(range(9), 2)) for _ in range(5))]  # fmt: skip
        kept: list[CharSpan] = []
        for span in sorted({*wanted}, key=lambda span: (span.start - span.end, span.start, span.label)):
            if not any(span.start < other.end and other.start < span.end for other in kept):
                kept.append(span)
        tagged = tag_spans(sentence, wanted, nested="longest")
        assert char_spans(tagged, tagged.tags, "BIO") == tuple(sorted(kept))


def test_words_without_a_text_get_one():
    sentence = with_text(TaggedSentence(words=("New", "York", "!")))
    assert (sentence.text, sentence.offsets) == ("New York !", ((0, 3), (4, 8), (9, 10)))
    assert with_text(TaggedSentence(words=())).text == ""
