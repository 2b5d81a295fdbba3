"""Where the work of a request is done: what ability's answers need of the server."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

from starlette.requests import Request

from elman.serve.batching import Patience
from elman.serve.gathered_steps import GatheredSteps
from elman.serve.limits import Limits

T = TypeVar("T")


class Work(Protocol):
    """The server's threads, for as long as a client waits."""

    limits: Limits
    steps: GatheredSteps

    async def in_thread(self, request: Request, work: Callable[[Patience], T], *, reading: bool = False) -> T:
        """The result of short work, or of ``reading`` a text."""
        ...

    async def result(self, request: Request, start: Callable[[Patience], "Future[T] | asyncio.Future[T]"]) -> T:
        """The result of what ``start`` starts in a thread."""
        ...
