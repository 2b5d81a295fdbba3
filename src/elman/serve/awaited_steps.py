"""An answer computed on the event loop, with the steps of models that it needs.

A short step is computed at once. Where it is long, or the model at work for others, it is awaited
and the answer begun again: most keys need no step or one, and what is computed before it takes a
tenth of a millisecond. So no thread waits for the model, and all keys that arrive together are in
its next step.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import numpy as np

from elman.models.protocol import State
from elman.notation import Lengths, LogProbs, TokenIds
from elman.serve.batching import Batched, Batcher, Patience

_MOST = 8
"""Steps that are awaited for one answer; what needs more has a thread of its own."""

Step = Callable[[Batcher, State, TokenIds | None], Awaitable[tuple[State, LogProbs]]]
T = TypeVar("T")


class StepMissing(Exception):
    """A step that the answer needs."""

    def __init__(self, model: "Stepwise", state: State, ids: TokenIds | None) -> None:
        super().__init__()
        self.model, self.state, self.ids = model, state, ids


class NeedsThread(Exception):
    """The answer needs more of a model than single steps."""


class Stepwise(Batched):
    """A model for one request that waits for nothing: it gives the steps that it was told of."""

    def __init__(self, batcher: Batcher) -> None:
        super().__init__(batcher, Patience(0))
        self._known: dict[tuple[int, bytes | None], tuple[State, State, LogProbs]] = {}
        """By a state's id and the tokens: the state, which so remains the only one of its id, and
        what follows."""

    def step(self, state: State, ids: TokenIds | None = None) -> tuple[State, LogProbs]:
        known = self._known.get((id(state), None if ids is None else ids.tobytes()))
        if known is not None:
            return known[1:]
        found = self._batcher.step_now(state, ids, np.copy) if self._batcher.is_quick else None
        if found is None:
            raise StepMissing(self, state, ids)
        after, log_probs = found
        assert log_probs is not None
        self._know(state, ids, after, log_probs)
        return after, log_probs

    def advance(self, ids: TokenIds, state: State) -> State:
        return self.step(state, ids)[0]

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        raise NeedsThread

    async def learn(self, missing: StepMissing, step: Step) -> None:
        """Wait for a missing step."""
        state, ids = missing.state, missing.ids
        self._know(state, ids, *await step(self._batcher, state, ids))

    def _know(self, state: State, ids: TokenIds | None, after: State, log_probs: LogProbs) -> None:
        self._known[id(state), None if ids is None else ids.tobytes()] = state, after, log_probs
        self._known[id(after), None] = after, after, log_probs


async def with_steps(answer: Callable[[], T], step: Step) -> T | None:
    """The answer once all its steps are known; None if it needs a thread.

    Args:
        answer: computes it with ``Stepwise`` models.
        step: the next state and its log-probabilities, of a batcher.
    """
    for _ in range(_MOST):
        try:
            return answer()
        except StepMissing as missing:
            await missing.model.learn(missing, step)
        except NeedsThread:
            break
    return None
