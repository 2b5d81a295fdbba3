"""/v1/summarize: the most central sentences of a text."""

from typing import Any

from elman.apps.summarize import summarize
from elman.serve.ability import Ability
from elman.serve.errors import Problem, check_unicode
from elman.serve.request_context import RequestContext
from elman.serve.sessions import too_long
from elman.serve.summarize_schemas import SummarizeBody

_LETTERS = 20
"""Most characters of a text for each token that is allowed."""


def summarize_answer(body: SummarizeBody, able: Ability, context: RequestContext) -> dict[str, Any]:
    """The sentences as ``elman.summarize`` chooses them: by their words, or by the vectors of the named model.

    Raises:
        Problem: too much text, or a model without vectors of texts.
        ElmanError: no sentence, or settings that do not fit.
    """
    check_unicode([body.text], param="text")
    # Without blanks a text is one word, however long.
    most = context.limits.max_prompt_tokens
    if len(body.text) > _LETTERS * most or len(body.text.split()) > most:
        raise too_long(context.limits.max_prompt_tokens, param="text")
    vectors = None if body.model is None else able.sentence_vectors
    if vectors is None and body.model is not None:
        raise Problem(
            400, f"{able.name} {able.verb} and has no vectors of sentences; leave out model, or name word vectors or "
            "a model of replies", param="model", code="model_not_able",
        )  # fmt: skip
    settings = body.model_dump(include={"sentences", "words", "diversity"}, exclude_none=True)
    found = summarize(body.text, vectors=vectors, **settings)
    return {"model": None if vectors is None else able.name, "sentences": [each.to_json() for each in found]}
