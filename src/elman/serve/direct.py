"""One route without the framework's layers, which take longer than most answers of a keyboard."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Handler = Callable[[Request, Any], Awaitable[Response]]


class DirectRoute:
    """ASGI middleware behind ``Guard``: answers POST to one path by itself.

    A body that is not valid goes on to the framework's route of that path, which says what is wrong
    with it.

    Args:
        path: of the route, which the framework has too.
        body: its schema.
        endpoint: the answer.
        handlers: what answers instead if the endpoint raises one of these errors.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        path: str,
        body: type[BaseModel],
        endpoint: Callable[[Any, Request], Awaitable[Response]],
        handlers: Mapping[type[Exception], Handler],
    ) -> None:
        self._app, self.path, self._body, self._endpoint = app, path, body, endpoint
        self._handlers, self._errors = handlers, tuple(handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self.path or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        message = await receive()
        body = self._read(message)
        if body is None:
            await self._app(scope, _again(message, receive), send)
            return
        scope["route"] = self  # as the framework tells what was asked for
        request = Request(scope, receive)
        try:
            response = await self._endpoint(body, request)
        except self._errors as error:
            handler = next(self._handlers[kind] for kind in self._errors if isinstance(error, kind))
            response = await handler(request, error)
        await response(scope, receive, send)

    def _read(self, message: Message) -> BaseModel | None:
        if message["type"] != "http.request" or message.get("more_body"):
            return None
        try:
            value = json.loads(message["body"])
            return self._body.model_validate(value) if isinstance(value, dict) else None
        except (ValueError, RecursionError):  # pydantic's errors are ValueErrors
            return None


def _again(message: Message, receive: Receive) -> Receive:
    waiting = [message]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
