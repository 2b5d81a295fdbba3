"""/v1/rescore: n-best lists in a new order."""

from typing import Any

from elman.apps.list_scores import ScoringModel
from elman.apps.nbest.lists import Hypothesis, NbestList, words_of
from elman.apps.rescore import MODEL, TOTAL, Weights, rescore_lists
from elman.apps.text_rules import TextRules
from elman.serve.abilities import ContinuesText
from elman.serve.batching import Batched
from elman.serve.errors import Problem, check_unicode
from elman.serve.request_context import RequestContext
from elman.serve.rescore_schemas import RescoreBody
from elman.serve.sessions import too_long


def rescore_answer(body: RescoreBody, served: ContinuesText, context: RequestContext) -> dict[str, Any]:
    """The lists with the best hypothesis first, as ``elman.rescore`` orders them.

    Raises:
        Problem: too many hypotheses, or too much text.
        ElmanError: scores that differ, or weights of unknown scores.
    """
    limits = context.limits
    texts = [hypothesis.text for each in body.lists for hypothesis in each.hypotheses]
    if len(texts) > limits.max_texts:
        raise Problem(
            422, f"{len(texts)} hypotheses were sent; this server takes up to {limits.max_texts} at once", param="lists"
        )
    check_unicode(texts, param="lists")
    encoded = served.model.lm.tokenizer.encode_lines([words_of(text) for text in texts])
    if sum(len(ids) + 1 for ids in encoded) > limits.max_prompt_tokens:
        raise too_long(limits.max_prompt_tokens, param="lists")
    lists = [
        NbestList(
            each.id or str(number),
            tuple(Hypothesis(words_of(hypothesis.text), hypothesis.scores) for hypothesis in each.hypotheses),
            position=f"list {number}",
        )
        for number, each in enumerate(body.lists, start=1)
    ]
    found = rescore_lists(
        lists,
        [ScoringModel(Batched(served.batcher, context.patience), served.model.speller)],
        weights=Weights(body.weights),
        rules=TextRules(lowercase=body.lowercase, punctuation=body.punctuation, marks=body.marks, unk=body.unk),
    )
    return {
        "model": served.name,
        "weights": dict(found.weights.values),
        "lists": [
            {
                "id": each.utterance,
                "hypotheses": [
                    {"text": hypothesis.text, "total": hypothesis.scores[TOTAL], "model": hypothesis.scores[MODEL]}
                    for hypothesis in each.hypotheses
                ],
            }
            for each in found.lists
        ],
    }
