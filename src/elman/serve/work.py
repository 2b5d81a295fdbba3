"""Where the work of a request is done: what ability's answers need of the server."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

from starlette.requests import Request

from elman.models.protocol import State
from elman.notation import LogProbs, TokenIds
from elman.serve.batching import Batcher, Patience
from elman.serve.limits import Limits

T = TypeVar("T")


class Work(Protocol):
    """The server's threads, for as long as a client waits."""

    limits: Limits

    async def in_thread(self, request: Request, work: Callable[[Patience], T], *, reading: bool = False) -> T:
        """The result of short work, or of ``reading`` a text."""
        ...

    async def result(self, request: Request, start: Callable[[Patience], "Future[T]"]) -> T:
        """The result of what ``start`` starts in a thread."""
        ...

    async def step(
        self, request: Request, batcher: Batcher, state: State, ids: TokenIds | None
    ) -> tuple[State, LogProbs]:
        """The state after ``ids`` (or ``state`` itself), one row, and its log-probabilities
        ``[1, V]``."""
        ...
