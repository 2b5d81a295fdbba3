"""/v1/correct: spelling corrected in context."""

from typing import Any

from elman.apps.correct import corrected
from elman.serve.abilities import ContinuesText
from elman.serve.batching import Batched
from elman.serve.correct_schemas import CorrectBody
from elman.serve.errors import check_unicode
from elman.serve.request_context import RequestContext
from elman.serve.sessions import too_long


def correct_answer(body: CorrectBody, served: ContinuesText, context: RequestContext) -> dict[str, Any]:
    """The text as ``elman.correct`` makes it; hidden words are not offered.

    Raises:
        Problem: too much text.
        ElmanError: the model's tokens are no words.
    """
    limits, hidden, patience, _ = context
    check_unicode([body.text, *body.protect], param="text")
    lines = body.text.split("\n")
    if sum(len(ids) + 1 for ids in served.model.lm.tokenizer.encode_lines(lines)) > limits.max_prompt_tokens:
        raise too_long(limits.max_prompt_tokens, param="text")
    corrector = served.corrector.through(Batched(served.batcher, patience), body.protect)
    changes = []
    for number, found in enumerate(corrector.correct(lines, threshold=body.threshold)):
        shown = [each for each in found if not hidden.hides(each.text)]
        lines[number] = corrected(lines[number], shown)
        for each in shown:
            others = [(text, bits) for text, bits in each.others if not hidden.hides(text)]
            changes.append(each._replace(others=others).to_json())
    return {"model": served.name, "text": "\n".join(lines), "changes": changes}
