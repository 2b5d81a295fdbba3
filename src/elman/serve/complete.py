"""/v1/complete: the likeliest next words, on the event loop if the client's session remembers the
text."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.requests import Request

from elman.decode.prompt_state import whole_words
from elman.models.protocol import LanguageModel, State
from elman.notation import LogProbs, TokenIds
from elman.serve.abilities import ContinuesText
from elman.serve.awaited_steps import Stepwise, with_steps
from elman.serve.batching import Batched, Batcher, Patience
from elman.serve.errors import Problem
from elman.serve.hidden import Hidden
from elman.serve.keyboards import Keyboards, readers
from elman.serve.schemas import CompleteBody
from elman.serve.sessions import Sessions
from elman.serve.work import Work

_SHORT = 2000
_FEW = 100


class TypingContext(NamedTuple):
    """What completing needs besides models."""

    sessions: Sessions
    hidden: Hidden
    keyboards: Keyboards


async def completed(
    body: CompleteBody, served: Sequence[ContinuesText], context: TypingContext, work: Work, request: Request
) -> dict[str, Any]:
    """The answer to a request.

    Raises:
        Problem: it asks for more words than the server gives.
    """
    if body.n > work.limits.max_words:
        raise Problem(422, f"n is {body.n}; this server gives up to {work.limits.max_words} words", param="n")
    found = await _at_once(body, served, context, work, request)
    if found is not None:
        return found
    return await work.in_thread(request, functools.partial(complete_answer, body, served, context))


def complete_answer(
    body: CompleteBody, served: Sequence[ContinuesText], context: TypingContext, patience: Patience
) -> dict[str, Any]:
    """The likeliest next words: those of ``Model.complete``, without what the server hides."""
    models = [Batched(each.batcher, patience) for each in served]
    with readers(models, served, context.sessions, body.session, wait=True) as read:
        assert read is not None
        return _answer(body, served, context, read, models)


async def _at_once(
    body: CompleteBody, served: Sequence[ContinuesText], context: TypingContext, work: Work, request: Request
) -> dict[str, Any] | None:
    """The same without a thread of its own; None if the session is busy or remembers too little."""
    short = len(body.prompt) <= _SHORT and body.n <= _FEW and len(body.block) <= _FEW
    if body.session is None or not short or not whole_words(served[0].model.lm.tokenizer):
        return None
    models = [Stepwise(each.batcher) for each in served]

    def answer() -> dict[str, Any] | None:
        with readers(models, served, context.sessions, body.session, wait=False) as read:
            return None if read is None else _answer(body, served, context, read, models)

    async def step(batcher: Batcher, state: State, ids: TokenIds | None) -> tuple[State, LogProbs]:
        return await work.step(request, batcher, state, ids)

    return await with_steps(answer, step)


def _answer(
    body: CompleteBody,
    served: Sequence[ContinuesText],
    context: TypingContext,
    read: Sequence[LanguageModel],
    scoring: Sequence[LanguageModel],
) -> dict[str, Any]:
    offers = context.hidden.offers(read[0].tokenizer, body.block, secrets=body.secrets)
    rules = {"block": offers.block, "secrets": offers.secrets, "punctuation": body.punctuation, "repeats": body.repeats}
    keyboard = context.keyboards.keyboard(served, body.session, typos=body.typos).through(read, scoring=scoring)
    found = keyboard.complete(body.prompt, n=body.n, partial=body.partial, **rules)
    about = {"partial": found.partial, "words": found.pairs, "oov": found.oov, "read_as": dict(found.read_as)}
    unknown = keyboard.unknown(found) if whole_words(read[0].tokenizer) else 0.0
    return {"model": served[0].name, "prompt": body.prompt, **about, "typed": found.typed, "unknown": unknown}
