import json
from itertools import starmap
from pathlib import Path
from typing import Any

import pytest
from tests.in_process import run_here

import elman
from elman.apps.answer import AnswerConfig, Answerer
from elman.apps.answering.documents import squad_answers, squad_figures
from elman.apps.ranking.build import IndexedDocument, temporary_index
from elman.apps.ranking.documents import passages
from elman.data.squad import read_squad
from elman.errors import TextError, UsageError

TURING = "Alan Turing was a mathematician. He was born in London on 23 June 1912. He proposed a test in 1950."
NILE = "The Nile flows through eleven countries. It ends in the Mediterranean Sea because it flows north."
TEXTS = [TURING, NILE, "Rain falls in autumn."]


@pytest.mark.parametrize(
    ("question", "text", "document"),
    [
        ("When was Turing born?", "23 June 1912", "1"),
        ("Where was Alan Turing born?", "London", "1"),
        ("How many countries does the Nile flow through?", "eleven", "2"),
        ("What did Turing propose?", "a test", "1"),
        ("Why does the Nile end in the Mediterranean Sea?", "it flows north", "2"),
        ("Who was born in London?", "Alan Turing", None),
    ],
)
def test_answers_are_parts_of_their_documents(question: str, text: str, document: str | None) -> None:
    found = elman.answer(TEXTS, question)
    if document is None:  # his name is in another sentence
        assert found.text is None and found.reason == "no name is in the sentences with the question's words"
        return
    assert (found.text, found.document) == (text, document)
    whole = TEXTS[int(document) - 1]
    assert whole[found.start : found.end] == text and found.sentence in whole
    assert found.score == pytest.approx(sum(found.parts.values()))


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Who invented zippers?", "no document has a word of the question"),
        ("When did Turing invent zippers?", "the best sentence has .* 50% are needed"),
        ("When does the Nile end?", "no time is in the sentences"),
        ("???", "no document has a word"),
        ("who is the", "no document has a word"),
    ],
)
def test_documents_that_do_not_say(question: str, reason: str) -> None:
    import re

    found = elman.answer(TEXTS, question)
    assert found.text is None and re.match(reason, found.reason), found.reason


def test_the_share_that_is_needed_can_be_set() -> None:
    assert elman.answer(TEXTS, "What did Turing invent in London?").text is None
    assert elman.answer(TEXTS, "What did Turing invent in London?", least=0.2).text == "a mathematician"
    wrong: list[dict[str, Any]] = [{"least": 1.5}, {"passages": 0}, {"passage_words": 0}]
    for settings in wrong:
        with pytest.raises(UsageError, match="it must be"):
            elman.answer(TEXTS, "Who?", **settings)


def test_a_question_without_a_question_word_gets_a_sentence() -> None:
    found = elman.answer(TEXTS, "Does the Nile flow?")
    assert found.text == found.sentence == "The Nile flows through eleven countries."
    assert found.reason.startswith("no question word")


def test_a_language_model_weighs_the_question_with_each_answer(ngram_folder: Path) -> None:
    model = elman.load(ngram_folder)
    texts = ["Ben sees the quiet town. Ben paints the quiet river."]
    with temporary_index([IndexedDocument("1", texts[0])]) as index:
        plain = Answerer(index, config=AnswerConfig(least=0.1)).answer("What is quiet?")
        weighed = Answerer(index, model=model, config=AnswerConfig(least=0.1, weight=1.0)).answer("What is quiet?")
    lines = {each: model.score(f"{each} is quiet") for each in (plain.text, weighed.text)}
    rates = {each: score.log_prob / score.tokens for each, score in lines.items()}
    assert rates[weighed.text] >= rates[plain.text] and weighed.parts["model"] <= 0


def test_passages_are_whole_sentences() -> None:
    text = "\n".join(f"Line {number} has five words." for number in range(9))
    found = list(passages([IndexedDocument("a", text), IndexedDocument("b", "Short.")], 12))
    assert [part.id for part in found] == ["a:1", "a:3", "a:5", "a:7", "a:9", "b"]
    assert "\n".join(part.text for part in found[:-1]) == text


SQUAD = {
    "version": "2.0",
    "data": [
        {
            "title": "Alan Turing",
            "paragraphs": [
                {
                    "context": TURING,
                    "qas": [
                        {"id": "q1", "question": "When was Turing born?", "answers": [{"text": "23 June"}]},
                        {"id": "q2", "question": "Who was Churchill?", "answers": [], "is_impossible": True},
                    ],
                },
                {
                    "context": NILE,
                    "qas": [{"id": "q3", "question": "Where does the Nile end?", "answers": [{"text": "Sea"}]}],
                },
            ],
        }
    ],
}  # fmt: skip


@pytest.mark.parametrize("everywhere", [False, True])
def test_questions_of_squad(everywhere: bool, tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text(json.dumps(SQUAD))
    file = read_squad(str(tmp_path / "dev.json"))
    assert [each.id for each in file.paragraphs] == ["Alan_Turing/0", "Alan_Turing/1"]
    assert [(each.paragraph, each.answers) for each in file.questions] == [(0, ("23 June",)), (0, ()), (1, ("Sea",))]
    with temporary_index(starmap(IndexedDocument, file.paragraphs)) as index:
        answers = squad_answers(Answerer(index), file, everywhere=everywhere)
    assert [answers[f"q{n}"].text for n in (1, 2, 3)] == ["23 June 1912", None, "Mediterranean Sea"]
    figures = squad_figures(file, answers)
    # 23 June 1912 has 2 of 3 words, 2 of 2; Mediterranean Sea 1 of 2, 1 of 1.
    assert figures["all"]["f1"]["value"] == pytest.approx((0.8 + 1 + 2 / 3) / 3)
    assert figures["all"]["exact_match"]["value"] == pytest.approx(1 / 3)
    assert figures["without_answer"] == {
        "questions": 1,
        "exact_match": {"value": 1, "low": None, "high": None},
        "f1": {"value": 1, "low": None, "high": None},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no", "is no JSON"),
        ("[]", "there is no question"),
        ("3", "data is no list of objects"),
        ('{"data": [{"paragraphs": [{"context": 1, "qas": []}]}]}', "data 0, paragraphs 0: context is no text"),
        ('{"data": [{"paragraphs": [{"context": "a", "qas": [1]}]}]}', "paragraphs 0: qas is no list"),
        ('{"data": [{"paragraphs": [{"context": "a", "qas": [{"id": "\\ud800"}]}]}]}', "answers is no list"),
        ('{"data": []}', "there is no question"),
    ],
)
def test_files_of_another_shape_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "dev.json").write_text(text)
    with pytest.raises(TextError, match=message):
        read_squad(str(tmp_path / "dev.json"))


def test_the_verb(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("\n".join(TEXTS))
    assert run_here(["elman", "answer", "notes.txt", "When was Turing born?"], tmp_path) == "23 June 1912\n"
    shown = run_here(["elman", "answer", "notes.txt", "--explain"], tmp_path, given="Who?\nWhat did Turing propose?\n")
    assert shown.splitlines()[0] == "not in the text" and "a test\n  notes.txt: He proposed a test in 1950." in shown
    found = json.loads(run_here(["elman", "answer", "notes.txt", "How many countries?", "--json"], tmp_path))
    assert found["text"] == "eleven" and found["question"] == "How many countries?"
    (tmp_path / "dev.json").write_text(json.dumps(SQUAD))
    shown = run_here(["elman", "answer", "dev.json", "--squad"], tmp_path)
    assert shown.splitlines()[1].split()[:3] == ["all", "3", "33.3"]
    found = json.loads(run_here(["elman", "answer", "dev.json", "--squad", "--json"], tmp_path))
    assert found["answers"] == {"q1": "23 June 1912", "q2": "", "q3": "Mediterranean Sea"}


def test_a_model_that_answers_nothing_is_refused_with_what_to_do(
    tmp_path: Path, reviews_folder: Path, cli: Any
) -> None:
    (tmp_path / "notes.txt").write_text(TEXTS[0])
    found = cli("answer", tmp_path / "notes.txt", "Who?", "--model", reviews_folder)
    assert found.code == 2 and found.err.count("\n") == 1
    assert "of task classify, which answers no questions; give a reader (elman train FILE --task answer)" in found.err
