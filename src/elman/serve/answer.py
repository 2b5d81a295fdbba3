"""/v1/answer: the answer to a question in a passage, or in the documents of an index."""

import contextlib
from typing import Any

from elman.apps.answer import EMPTY_QUESTION, Answer, Answerer, read_passages
from elman.serve.abilities import AnswersQuestions, RanksDocuments, ReadsPassages
from elman.serve.answer_schemas import AnswerBody
from elman.serve.batching import too_slow
from elman.serve.errors import Problem, check_unicode
from elman.serve.input_texts import check_words
from elman.serve.request_context import RequestContext


def found_answer(body: AnswerBody, able: AnswersQuestions, context: RequestContext) -> dict[str, Any]:
    """The answer as ``elman answer`` finds it: a reader's in a passage; in documents, by a reader
    or by rules.

    Raises:
        Problem: no reader for a passage, no index without one, too long a passage, or a string that
            is not valid text.
    """
    check_unicode([body.question], param="question")
    if not body.question.strip():
        raise Problem(422, EMPTY_QUESTION, param="question")
    if body.passage is None:
        return _in_documents(body, able, context)
    check_words(body.passage, context.limits, param="passage")
    if body.reader is not None:
        raise Problem(422, "reader is for documents; with a passage, name the reader as model", param="reader")
    reader = context.loaded.able(body.model, ReadsPassages)
    with reader.turn:
        if context.patience.over:
            raise too_slow()
        found = read_passages(reader.model, body.question, [(None, body.passage)])
    return _shown(reader, reader, found)


def _in_documents(body: AnswerBody, able: AnswersQuestions, context: RequestContext) -> dict[str, Any]:
    indexes, readers = context.loaded.all_able(RanksDocuments), context.loaded.all_able(ReadsPassages)
    if not indexes:
        raise Problem(422, f"{able.name} {able.verb} and has no documents; send a passage", param="passage")
    index = indexes.get(able.name) or next(iter(indexes.values()))
    if body.reader is None:
        reader = readers.get(able.name) or next(iter(readers.values()), None)
    else:
        reader = context.loaded.able(body.reader, ReadsPassages, param="reader")
    with reader.turn if reader is not None else contextlib.nullcontext():
        if context.patience.over:
            raise too_slow()
        found = Answerer(index.model.index, model=reader.model if reader is not None else None).answer(body.question)
    return _shown(index, reader, found)


def _shown(able: AnswersQuestions, reader: ReadsPassages | None, found: Answer) -> dict[str, Any]:
    return {"model": able.name, "reader": reader and reader.name, **found.to_json()}
