"""Answers to clients that may be slow or gone: work that nobody waits for is stopped and frees its
memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from elman.serve.batching import too_slow
from elman.serve.completions import event
from elman.serve.errors import Problem
from elman.serve.limits import Limits

T = TypeVar("T")


class Gone(Exception):
    """The client has left."""


class Gate:
    """How many requests of one kind may be worked on at once."""

    def __init__(self, limit: int, name: str) -> None:
        self._limit, self._name = limit, name
        self.inside = 0

    def enter(self) -> None:
        """Take a place, to be given back by ``leave``.

        Raises:
            Problem: no place is free.
        """
        if self.inside >= self._limit:
            raise Problem(
                429, f"{self.inside} {self._name} are running, as many as this server takes; try again in a "
                "second", code="too_busy",
            )  # fmt: skip
        self.inside += 1

    def leave(self) -> None:
        """Give a place back."""
        self.inside -= 1


async def while_connected(request: Request, work: Awaitable[T], *, seconds: float) -> T:
    """The result of some work, which ends early if the client leaves or the time is up.

    Raises:
        Gone: the client left.
        Problem: the time is up.
    """
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_disconnected(request.receive))
    try:
        await asyncio.wait({task, watch}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Gone if watch.done() else too_slow()
    finally:
        await _cancelled(task, watch)


class EventStream(Response):
    """Server-sent events, as long as the client reads them."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes], limits: Limits, *, done: Callable[[], None]) -> None:
        super().__init__(media_type="text/event-stream", headers={"Cache-Control": "no-cache"})
        del self.headers["content-length"]
        self._events, self._limits, self._done = events, limits, done

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        task = asyncio.ensure_future(self._send(send))
        watch = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
        except _Unread:
            # Closing would wait for the client to read what has been sent.
            scope.get("state", {}).get("abort", _nothing)()
        finally:
            await _cancelled(task, watch)
            self._done()

    async def _send(self, send: Send) -> None:
        async def put(message: dict[str, Any]) -> None:
            try:
                async with asyncio.timeout(self._limits.send_seconds):
                    await send(message)
            except TimeoutError:
                raise _Unread from None

        def part(data: bytes, *, more: bool = True) -> dict[str, Any]:
            return {"type": "http.response.body", "body": data, "more_body": more}

        await put({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async with asyncio.timeout(self._limits.request_seconds):
                async for data in self._events:
                    await put(part(data))
        except Problem as problem:
            await put(part(event(problem.body())))
        except TimeoutError:
            await put(part(event(too_slow().body())))
        await put(part(b"", more=False))


class _Unread(Exception):
    """The client does not read."""


def _nothing() -> None:
    pass


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _cancelled(*tasks: "asyncio.Future[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
