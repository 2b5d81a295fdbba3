"""The server around the application: its socket, its timeouts for connections, and its shutdown.

SIGTERM and Ctrl-C drain it: running requests are finished, new ones get 503, and then the process
ends by itself. A second signal ends it at once.
"""

import asyncio
import contextlib
import gc
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from elman.errors import UsageError
from elman.serve.limits import Limits

_KEEP_ALIVE = 30
_HEADER_BYTES = 1 << 15
_UNREAD_BYTES = 1 << 17
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def listen(host: str, port: int) -> socket.socket:
    """A socket on which clients can reach us; port 0: any free one.

    Raises:
        UsageError: not available.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        opened = socket.create_server((host, port), family=family, backlog=1024)
        # Connections inherit it: unread answers must not pile up in the system either.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNREAD_BYTES)
        # An answer's head and body go as two packets: the second one must not wait until the first
        # is acknowledged.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot listen on {host}:{port}: {why}; choose another --port or --host") from None


def address(opened: socket.socket) -> str:
    """The URL that a socket answers at."""
    host, port = opened.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: FastAPI, opened: socket.socket, *, ready: Callable[[], None], say: Callable[[str], None]) -> None:
    """Serve until a signal comes and running requests are finished.

    Args:
        ready: called once requests are answered.
        say: told what happens while it ends.
    """
    # The thread that answers must not wait long for those that compute.
    sys.setswitchinterval(0.001)
    # Searching a vocabulary's tens of thousands of objects for garbage stops everything for a
    # quarter of a second: loaded objects stay, and are not searched again.
    gc.collect()
    gc.freeze()
    # What is kept for words and sessions is searched a hundred times more rarely than usual, since
    # that stops everything for a tenth of a second; next to nothing is ever found there.
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, 100 * old)
    limits: Limits = app.state.server.limits
    config = uvicorn.Config(
        app,
        http=_patient(limits),
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=2,
        limit_concurrency=limits.max_connections,
        h11_max_incomplete_event_size=_HEADER_BYTES,
    )
    asyncio.run(_Server(config, app, ready, say).serve(sockets=[opened]))


class _Server(uvicorn.Server):
    """uvicorn's server, which drains before it stops."""

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, ready: Callable[[], None], say: Callable[[str], None]
    ) -> None:
        super().__init__(config)
        self._activity, self._limits = app.state.server.activity, app.state.server.limits
        self._ready, self._say = ready, say
        self._draining: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        before = {
            number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._stop)) for number in _SIGNALS
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self) -> None:
        if self._activity.draining:
            self.config.timeout_graceful_shutdown = 0
            self.should_exit = True
            return
        self._activity.draining = True
        self._draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        if self._activity.running:
            self._say(f"finishing {self._requests()}; new ones get 503")
        until = time.monotonic() + self._limits.drain_seconds
        while self._activity.running and time.monotonic() < until:
            await asyncio.sleep(0.02)
        if self._activity.running:
            self._say(f"not finished in time and cut off: {self._requests()}")
        self.should_exit = True

    def _requests(self) -> str:
        running = self._activity.running
        return "1 request" if running == 1 else f"{running} requests"


def _patient(limits: Limits) -> type[asyncio.Protocol]:
    """uvicorn's protocol, which drops connections that send no request or read no answer."""

    class Patient(AutoHTTPProtocol):
        cycle: Any
        transport: Any
        loop: Any

        def connection_made(self, transport: Any) -> None:
            self._waiting: asyncio.TimerHandle | None = None
            super().connection_made(transport)
            self.app_state = {**self.app_state, "abort": transport.abort}
            self._expect()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self._idle():
                self._expect()
            else:
                self._stop_waiting()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            super().on_response_complete()  # type: ignore[misc]
            if unread := self.transport.get_write_buffer_size():
                self.loop.call_later(limits.send_seconds, self._drop_unread, unread)

        def _idle(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _expect(self) -> None:
            """Once a request has begun to arrive, its head must be complete soon, however many
            bytes come at a time."""
            if self._waiting is None and not self.transport.is_closing():
                self._waiting = self.loop.call_later(limits.body_seconds, self._drop_idle)

        def _stop_waiting(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _drop_idle(self) -> None:
            self._waiting = None
            if self._idle():
                self.transport.abort()

        def _drop_unread(self, before: int) -> None:
            left = self.transport.get_write_buffer_size()
            if left and left >= before:
                self.transport.abort()
            elif left:
                self.loop.call_later(limits.send_seconds, self._drop_unread, left)

    return Patient
