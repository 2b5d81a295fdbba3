"""Steps that are asked for on the event loop: those of one turn of the loop go to the model's
worker together.

Waking a thread, and being woken by it, takes longer than what is computed before and after a step.
So all keys that are ready at the same time wake each other's worker once.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple

import numpy as np

from elman.models.protocol import State
from elman.notation import LogProbs, TokenIds
from elman.serve.batching import Batcher


class _Asked(NamedTuple):
    state: State
    ids: TokenIds | None
    answer: "asyncio.Future[tuple[State, LogProbs]]"


class GatheredSteps:
    """Steps of all batchers of a server; only its event loop asks."""

    def __init__(self) -> None:
        self._asked: dict[tuple[Batcher, bool], list[_Asked]] = {}

    def step(self, batcher: Batcher, state: State, ids: TokenIds | None) -> "asyncio.Future[tuple[State, LogProbs]]":
        """The state after ``ids`` (or ``state`` itself), one row, and its log-probabilities
        ``[1, V]``."""
        loop = asyncio.get_running_loop()
        if not self._asked:
            loop.call_soon(self._send, loop)
        answer = loop.create_future()
        self._asked.setdefault((batcher, ids is None), []).append(_Asked(state, ids, answer))
        return answer

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        asked, self._asked = self._asked, {}
        for (batcher, _), steps in asked.items():
            for begin in range(0, len(steps), batcher.most):
                _send_together(batcher, steps[begin : begin + batcher.most], loop)


def _send_together(batcher: Batcher, steps: list[_Asked], loop: asyncio.AbstractEventLoop) -> None:
    ids = [step.ids for step in steps if step.ids is not None]
    state = steps[0].state if len(steps) == 1 else State.stack([step.state for step in steps])
    use: Callable[[LogProbs], LogProbs] = np.copy

    def deliver(future: "Future[tuple[State, LogProbs | None]]") -> None:
        error = future.exception()
        for row, step in enumerate(steps):
            if step.answer.done():  # nobody waits any more
                continue
            if error is not None:
                step.answer.set_exception(error)
                continue
            after, log_probs = future.result()
            assert log_probs is not None
            own = step.state if step.ids is None else after if len(steps) == 1 else after.take([row])
            step.answer.set_result((own, log_probs if len(steps) == 1 else log_probs[row : row + 1].copy()))

    try:
        future = batcher.step(state, np.concatenate(ids) if ids else None, use)
    except Exception as error:  # it has stopped
        future = Future()
        future.set_exception(error)
    future.add_done_callback(lambda done: call_soon(loop, deliver, done))


def call_soon(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object) -> None:
    """Call a function on a loop from another thread, unless the loop has ended."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *arguments)
