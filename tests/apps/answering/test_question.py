import pytest

from elman.apps.answering.question import Question, candidates


@pytest.mark.parametrize(
    ("text", "kind", "asked"),
    [
        ("When was it built?", "time", "When"),
        ("In which year did it burn?", "time", "which year"),
        ("How many people came?", "number", "How many"),
        ("how old is he", "number", "how old"),
        ("Whose house is it?", "name", "Whose"),
        ("What city is it in?", "place", "What city"),
        ("Why?", "reason", "Why"),
        ("What is it?", "phrase", "What"),
        ("Is it?", None, ""),
        ("The whole show?", None, ""),
    ],
)
def test_question_words(text: str, kind: str | None, asked: str) -> None:
    question = Question.of(text)
    assert question.kind == kind and text[slice(*question.asked)] == asked


def test_what_stands_before_and_what_after() -> None:
    assert Question.of("Who wrote Emma?").subject and not Question.of("What did Jane write?").subject
    assert Question.of("Since when does it rain?").statement("May") == "Since May does it rain"


@pytest.mark.parametrize(
    ("sentence", "kind", "expected"),
    [
        ("It cost $3.50, then 1,000 or two million.", "number", ["$3.50", "1,000", "two million"]),
        ("It is 6,650 km long and one of twenty-one.", "number", ["6,650 km", "twenty-one"]),
        ("Born on 23 June 1912, died June 7, 1954.", "time", ["23 June 1912", "June 7, 1954"]),
        ("From May 1815 to the 19th century, at 3.15 p.m.", "time", ["May 1815", "the 19th century", "3.15 p.m"]),
        ("He met Ann of the North and Dr. K. Smith.", "name", ["Ann of the North", "Dr. K. Smith", "the North"]),
        ("The doctor wrote to Émile Zola in May.", "name", ["Émile Zola", "The doctor wrote"]),
        ("They slept in the barn near Paris.", "place", ["the barn", "Paris", "the barn"]),
        ("He left because it rained, and ran.", "reason", ["it rained, and ran"]),
        ("We met in order to talk.", "reason", ["to talk"]),
        ("The old house has three doors.", "phrase", ["The old house", "three doors"]),
    ],
)
def test_parts_of_a_kind(sentence: str, kind: str, expected: list[str]) -> None:
    assert [sentence[start:end] for start, end, _ in candidates(sentence, kind)] == expected


def test_no_phrase_goes_over_a_word_of_the_question() -> None:
    sentence = "Photosynthesis converts light."
    found = candidates(sentence, "phrase", [(15, 23)])
    assert [sentence[start:end] for start, end, _ in found] == ["Photosynthesis", "light"]
