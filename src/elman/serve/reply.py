"""/v1/reply: replies to a message."""

from typing import Any

from elman.apps.reply import Replier, ReplyConfig
from elman.serve.abilities import Ability, ChoosesReplies, ContinuesText
from elman.serve.batching import Batched, too_slow
from elman.serve.errors import Problem, check_unicode
from elman.serve.reply_schemas import ReplyBody
from elman.serve.request_context import RequestContext


def reply_answer(body: ReplyBody, able: Ability, context: RequestContext) -> dict[str, Any]:
    """The replies as ``elman.reply`` chooses them; none with hidden words.

    Raises:
        Problem: no such model, too many replies were sent, a string is not valid text, or it takes
            too long.
        ElmanError: no reply is left to offer, or a language model that forgets the message.
    """
    limits = context.limits
    for name, texts in (("earlier", body.earlier), ("replies", body.replies or [])):
        if len(texts) > limits.max_texts:
            raise Problem(422, f"{name} has {len(texts)} texts; this server takes up to {limits.max_texts}", param=name)
        check_unicode(texts, param=name)
    check_unicode([body.message], param="message")
    if context.patience.over:
        raise too_slow()
    language_models = context.loaded.all_able(ContinuesText)
    if body.model is not None and able.name in language_models:
        return _by_language_model(body, language_models[able.name], context)
    chooser = context.loaded.able(body.model, ChoosesReplies)
    beside = None if body.lm is None else context.loaded.able(body.lm, ContinuesText, param="lm")
    found = chooser.choose(
        body.message, earlier=body.earlier, replies=body.replies, n=body.n, hidden=context.hidden,
        lm=None if beside is None else Batched(beside.batcher, context.patience),
        config=ReplyConfig(lm_weight=body.lm_weight),
    )  # fmt: skip
    more = {} if beside is None else {"lm": beside.name}
    return {"model": chooser.name, **more, "replies": [each.to_json() for each in found]}


def _by_language_model(body: ReplyBody, able: ContinuesText, context: RequestContext) -> dict[str, Any]:
    """The replies ranked by a language model alone."""
    if body.replies is None:
        raise Problem(
            400, f"{able.name} {able.verb} and keeps no replies; send replies, or name it as lm beside a model of "
            "replies", param="model", code="model_not_able",
        )  # fmt: skip
    if body.lm is not None:
        raise Problem(
            422, "two language models are named; give one as model, or as lm beside a model of replies", param="lm"
        )
    offers = context.hidden.offers(able.model.lm.tokenizer, secrets=False)
    replier = Replier(body.replies, lm=Batched(able.batcher, context.patience), offers=offers)
    found = replier.choose(body.message, earlier=body.earlier, n=body.n)
    return {"model": able.name, "replies": [each.to_json() for each in found]}
