"""/v1/summarize: the most central sentences of a text."""

from typing import Any

from elman.apps.summarize import summarize
from elman.serve.ability import Ability
from elman.serve.errors import Problem
from elman.serve.input_texts import check_words
from elman.serve.request_context import RequestContext
from elman.serve.summarize_schemas import SummarizeBody


def summarize_answer(body: SummarizeBody, able: Ability, context: RequestContext) -> dict[str, Any]:
    """The sentences as ``elman.summarize`` chooses them: by their words, or by the vectors of the
    named model.

    Raises:
        Problem: too much text, or a model without vectors of texts.
        ElmanError: no sentence, or settings that do not fit.
    """
    check_words(body.text, context.limits, param="text")
    vectors = None if body.model is None else able.sentence_vectors
    if vectors is None and body.model is not None:
        raise Problem(
            400, f"{able.name} {able.verb} and has no vectors of sentences; leave out model, or name word vectors or "
            "a model of replies", param="model", code="model_not_able",
        )  # fmt: skip
    settings = body.model_dump(include={"sentences", "words", "diversity"}, exclude_none=True)
    found = summarize(body.text, vectors=vectors, **settings)
    return {"model": None if vectors is None else able.name, "sentences": [each.to_json() for each in found]}
