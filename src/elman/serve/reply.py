"""/v1/reply: replies to a message."""

from typing import Any

from elman.serve.chooses_replies import ChoosesReplies
from elman.serve.errors import Problem, check_unicode
from elman.serve.reply_schemas import ReplyBody
from elman.serve.request_context import RequestContext


def reply_answer(body: ReplyBody, able: ChoosesReplies, context: RequestContext) -> dict[str, Any]:
    """The replies as ``elman.reply`` chooses them; none with hidden words.

    Raises:
        Problem: too many replies were sent, or a string is not valid text.
        ElmanError: no reply is left to offer.
    """
    limits = context.limits
    for name, texts in (("earlier", body.earlier), ("replies", body.replies or [])):
        if len(texts) > limits.max_texts:
            raise Problem(422, f"{name} has {len(texts)} texts; this server takes up to {limits.max_texts}", param=name)
        check_unicode(texts, param=name)
    check_unicode([body.message], param="message")
    found = able.choose(body.message, earlier=body.earlier, replies=body.replies, n=body.n, hidden=context.hidden)
    return {"model": able.name, "replies": [each.to_json() for each in found]}
