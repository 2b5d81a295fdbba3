"""Checks every request before any work is done for it.

Refused here, in this order: foreign names in the Host header (so that a page of another site cannot
reach us by giving its own name our address), anything while shutting down, a wrong key, a body that
is not JSON, too large or too slow. Accepted requests are counted and timed.
"""

import asyncio
import hmac
import ipaddress
import time
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from elman.serve.errors import Problem, shown
from elman.serve.limits import Limits
from elman.serve.metrics import Metrics

_OPEN = ("/", "/health", "/healthz")
_PAGE_FILES = "/web/"
"""The page asks for the key, so it must be served without one; nothing in it is secret."""
_LOCAL = ("localhost", "localhost.localdomain", "ip6-localhost")


class Activity:
    """The current state: how many requests are running, and whether more are accepted."""

    def __init__(self) -> None:
        self.running = 0
        self.draining = False


class Guard:
    """ASGI middleware.

    Args:
        names: host names by which requests may address us, besides localhost and plain addresses.
        key: what clients have to send as ``Authorization: Bearer KEY``; None: nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limits: Limits,
        metrics: Metrics,
        activity: Activity,
        names: Collection[str] = (),
        key: str | None = None,
    ) -> None:
        self._app, self._limits, self._metrics, self._activity = app, limits, metrics, activity
        self._names = {name.lower() for name in names} | set(_LOCAL)
        self._key = None if key is None else key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        status: int | None = None
        # RFC 9110 9.3.2: HEAD is answered as GET is, but for the body.
        only_head = scope["method"] == "HEAD"
        if only_head:
            scope = {**scope, "method": "GET"}
        self._activity.running += 1

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif only_head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        try:
            try:
                body = await self._admit(scope, receive)
            except Problem as problem:
                await problem.response()(scope, receive, sending)
                return
            await self._app(scope, _replayed(body, receive), sending)
        except asyncio.CancelledError:
            if not self._activity.draining:  # otherwise it is cut off, which is reported once for all
                raise
            if status is None:
                late = Problem(503, "the server shut down before this was finished; try again", code="shutting_down")
                await late.response()(scope, receive, sending)
        finally:
            self._activity.running -= 1
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.count_request(route, status or 500, time.perf_counter() - begin)

    async def _admit(self, scope: Scope, receive: Receive) -> bytes:
        """The body of a request that is allowed.

        Raises:
            Problem: it is refused.
        """
        headers = {name.lower(): value for name, value in scope["headers"]}
        self._check_host(headers.get(b"host", b"localhost").decode("latin-1"))
        if self._activity.draining:
            raise Problem(503, "the server is shutting down; try again in a moment", code="shutting_down")
        open_to_all = scope["path"] in _OPEN or scope["path"].startswith(_PAGE_FILES)
        if self._key is not None and not open_to_all and scope["method"] != "OPTIONS":
            self._check_key(headers.get(b"authorization", b""))
        body = await self._body(headers, receive)
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        # Other sites can send us plain forms and texts without asking their visitors' browsers;
        # JSON they cannot.
        if body and kind != b"application/json":
            came = shown(kind.decode("latin-1"))
            raise Problem(415, f"the body has the type {came}; send JSON, with Content-Type: application/json")
        return body

    def _check_host(self, host: str) -> None:
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        name = name.strip("[]").lower().removesuffix(".")
        if name not in self._names and not _is_address(name):
            raise Problem(
                421, f"this server is not called {shown(name)}; address it as localhost or by its IP address, or start "
                "it with --allow-host NAME", code="unknown_host",
            )  # fmt: skip

    def _check_key(self, given: bytes) -> None:
        scheme, _, key = given.partition(b" ")
        assert self._key is not None
        if not hmac.compare_digest(key.strip(), self._key) or scheme.lower() != b"bearer":
            raise Problem(
                401, "the API key is missing or wrong; send it as Authorization: Bearer KEY", code="invalid_api_key"
            )

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > self._limits.max_body:
            raise self._too_large()
        parts: list[bytes] = []
        size, more = 0, True
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        break
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    more = message.get("more_body", False)
                    if size > self._limits.max_body:
                        raise self._too_large()
        except TimeoutError:
            seconds = self._limits.body_seconds
            raise Problem(408, f"the body did not arrive within {seconds:g} seconds; send it again") from None
        return b"".join(parts)

    def _too_large(self) -> Problem:
        limit = self._limits.max_body
        return Problem(413, f"the body is larger than {limit} bytes; send less, or raise --max-body", code="too_large")


@lru_cache(maxsize=64)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Receives the body that was read already, and then whatever comes after it."""
    waiting: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay
