"""Answers from what users give: documents or an index, and files of SQuAD's shape."""

from collections.abc import Mapping
from typing import Any

from elman.apps.answer import Answer, AnswerConfig, Answerer, AnswersQuestions
from elman.apps.ranking.rerankers import TextModel
from elman.apps.ranking_documents import Documents, opened_index
from elman.data.squad import SquadFile
from elman.metrics.answers import answer_figures
from elman.metrics.text_intervals import mean_with_interval
from elman.progress import Progress


def answer(
    documents: Documents,
    question: str,
    *,
    language: str | None = None,
    field: str | None = None,
    model: TextModel | AnswersQuestions | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Answer:
    """The answer to a question in documents, or that they do not say.

    ``elman.apps.answer.Answerer`` does the same for many questions, and is prepared once.

    Args:
        documents: as for ``elman.rank``.
        question: in English.
        language: ``english`` compares stems of words.
        field: the field of records that holds the text.
        model: a reader, which takes the place of the rules (``elman train --task answer``); or a
            language model, which weighs the question with each answer in it.
        settings: fields of ``AnswerConfig``, such as ``least``.

    Returns:
        Its ``text``, None if the documents do not say; ``document``, ``sentence``, ``start`` and
        ``end``; and why.

    Raises:
        TextError: the documents cannot be read, or have no words.
        UsageError: a value that is not allowed.

    >>> import elman
    >>> found = elman.answer(["Ada was born in London in 1815.", "Engines need steam."], "When was Ada born?")
    >>> found.text, found.document, found.start
    ('1815', '1', 26)
    """
    config = AnswerConfig.from_json(settings)
    with opened_index(
        documents, language=language, field=field, passage=config.passage_words, progress=progress
    ) as index:
        return Answerer(index, model=model, config=config).answer(question)


def squad_answers(
    answerer: Answerer, file: SquadFile, *, everywhere: bool = False, progress: Progress | None = None
) -> dict[str, Answer]:
    """Answers to the questions of a file, whose paragraphs are the answerer's documents.

    Args:
        everywhere: answer from all paragraphs, not from the question's own.
    """
    found = {}
    with (progress or Progress()).stage("answering", total=len(file.questions), unit="questions") as advance:
        for each in file.questions:
            found[each.id] = answerer.answer(each.text, documents=None if everywhere else [each.paragraph])
            advance(1)
    return found


def squad_figures(file: SquadFile, answers: Mapping[str, Answer]) -> dict[str, Any]:
    """Exact match and F1 with 95% intervals: of all questions, and of those with and without an
    answer."""
    texts = {name: each.text or "" for name, each in answers.items()}
    groups = {
        "all": file.questions,
        "with_answer": [each for each in file.questions if each.answers],
        "without_answer": [each for each in file.questions if not each.answers],
    }
    found: dict[str, Any] = {}
    for name, questions in groups.items():
        if questions:
            figures = answer_figures(texts, {each.id: each.answers for each in questions})
            found[name] = {
                "questions": len(questions),
                **{key: mean_with_interval(values, shares=True) for key, values in figures.items()},
            }
    return found
