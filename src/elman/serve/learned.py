"""/v1/learn and /v1/learned: the words that users taught the keyboard."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import FastAPI, Query, Request

from elman.serve.abilities import ContinuesText
from elman.serve.batching import Batched, Patience
from elman.serve.errors import check_unicode, json_response
from elman.serve.keyboards import Keyboards
from elman.serve.learned_schemas import ForgottenWords, LearnAnswer, LearnBody, LearnedAnswer
from elman.serve.limits import Limits
from elman.serve.sessions import too_long

_SESSION = Query(None, min_length=1, max_length=128, description="The session, if the server has no file for words.")


def add_learned_routes(
    app: FastAPI,
    keyboards: Keyboards,
    limits: Limits,
    *,
    able: Callable[[LearnBody], Sequence[ContinuesText]],
    in_thread: Callable[[Request, Callable[[Patience], Any]], Awaitable[Any]],
) -> None:
    """Add the routes to the application.

    Args:
        able: the models that a body names.
        in_thread: runs work for a client.
    """

    @app.post("/v1/learn", response_model=LearnAnswer, summary="Learn the unknown words of a finished text")
    async def learn(body: LearnBody, request: Request) -> Any:
        served = able(body)
        check_unicode([body.text], param="text")
        if len(served[0].model.lm.tokenizer.encode(body.text.replace("\n", " ")).ids) > limits.max_prompt_tokens:
            raise too_long(limits.max_prompt_tokens, param="text")

        def work(patience: Patience) -> dict[str, Any]:
            models = [Batched(each.batcher, patience) for each in served]
            keyboard = keyboards.keyboard(served, None).through(models, scoring=models)
            found, words = keyboards.learn(keyboard, body.text, body.session)
            return {"learned": found, "words": words}

        return json_response(await in_thread(request, work))

    @app.get("/v1/learned", response_model=LearnedAnswer, summary="The words that were learned")
    async def learned(request: Request, session: str | None = _SESSION) -> Any:
        def work(_: Patience) -> dict[str, Any]:
            return {"words": [each.to_json() for each in keyboards.words(session)]}

        return json_response(await in_thread(request, work))

    async def forgotten(request: Request, session: str | None, word: str | None) -> Any:
        return json_response(await in_thread(request, lambda _: {"forgotten": keyboards.forget(session, word)}))

    @app.delete("/v1/learned", response_model=ForgottenWords, summary="Forget all learned words")
    async def forget_all(request: Request, session: str | None = _SESSION) -> Any:
        return await forgotten(request, session, None)

    @app.delete("/v1/learned/{word:path}", response_model=ForgottenWords, summary="Forget a learned word")
    async def forget(request: Request, word: str, session: str | None = _SESSION) -> Any:
        return await forgotten(request, session, word)
