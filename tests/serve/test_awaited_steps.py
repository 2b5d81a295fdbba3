"""Answers that wait for single steps on the event loop: the same steps as a thread's, each awaited
once."""

import asyncio
import time
from collections.abc import Callable

import numpy as np
import pytest
from tests.serve.conftest import fit

from elman.models.protocol import State
from elman.notation import LogProbs, TokenIds
from elman.serve.awaited_steps import Stepwise, with_steps
from elman.serve.batching import Batched, Batcher, Patience


def along(model: Batched, count: int) -> Callable[[], float]:
    """The sum of log-probabilities along ``count`` tokens."""

    def answer() -> float:
        state, total = model.start(), 0.0
        for place in range(count):
            token = np.array([2 + place % 5], np.int64)
            total += float(model.log_probs(state)[0, token[0]])
            state = model.advance(token, state)
        return total

    return answer


@pytest.mark.parametrize("count", [0, 1, 3])
def test_steps_are_awaited_once_and_are_those_of_a_thread(count: int) -> None:
    batcher, awaited = Batcher(fit("word").lm), []
    assert batcher.is_quick
    batcher.is_quick = False

    async def step(asked: Batcher, state: State, ids: TokenIds | None) -> tuple[State, LogProbs]:
        awaited.append(ids)
        after, log_probs = await asyncio.wrap_future(asked.step(state, ids, np.copy))
        assert log_probs is not None
        return after, log_probs

    found = asyncio.run(with_steps(along(Stepwise(batcher), count), step))
    assert found == along(Batched(batcher, Patience(60)), count)()
    # What follows a token comes with the step that reads it.
    assert len(awaited) == (count + 1 if count else 0)
    assert asyncio.run(with_steps(along(Stepwise(batcher), 20), step)) is None
    batcher.is_quick = True
    while batcher.step_now(batcher.first) is None:  # the worker has given its last answer and is not yet done
        time.sleep(0.001)
    at_once = asyncio.run(with_steps(along(Stepwise(batcher), 20), step))
    assert at_once == along(Batched(batcher, Patience(60)), 20)() and len(awaited) < 20
    model = Stepwise(batcher)
    ids = np.array([[2, 3]])
    assert asyncio.run(with_steps(lambda: model.score(ids, np.array([2]), model.start()), step)) is None
    batcher.close()
