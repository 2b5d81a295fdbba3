"""Concurrent requests in one step: a worker per model that gathers what is waiting.

While the model computes, requests wait together; everything that is waiting when it is done goes
into the next step, all rows at once. Rows of a batch do not interact (the contract of every model),
so no answer depends on other requests. One thread at a time calls the model: the worker's, or,
where nothing waits, that of a caller, for two threads take longer to wake each other than most
calls.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from elman.decode.rows import CHUNK, row_advance, row_log_probs, row_score
from elman.models.protocol import LanguageModel, State
from elman.models.trace import trace
from elman.notation import Lengths, LogProbs, TokenIds
from elman.serve.errors import Problem

_ROWS = 64
_PART = 64
"""Tokens that a reading takes at a time, so that keys need not wait for a page."""
_PROBS = 1 << 23
"""Most probabilities in memory at a time: 32 MB."""

_QUICK_SECONDS = 0.001
"""A step that takes less may be computed on the event loop."""
_TRIES = 10

T = TypeVar("T")


@dataclass(eq=False)
class _Step(Generic[T]):
    """One more token, and the probabilities of the next."""

    state: State
    ids: TokenIds | None
    use: Callable[[LogProbs], T] | None
    future: "Future[tuple[State, T | None]]" = field(default_factory=Future)


@dataclass(eq=False)
class _Reading(Generic[T]):
    """Many tokens at once: their scores or, with ``use``, all probabilities before each."""

    state: State
    rows: Sequence[TokenIds]
    use: Callable[[LogProbs], T] | None
    future: "Future[tuple[Any, State]]" = field(default_factory=Future)

    @property
    def size(self) -> int:
        return sum(len(ids) for ids in self.rows)


class Batcher:
    """The worker of one model.

    Args:
        observe: told of each step: how many rows it had.
    """

    def __init__(self, model: LanguageModel, *, observe: Callable[[int], None] = lambda rows: None) -> None:
        self.model = model
        self.first = model.start()
        self._observe = observe
        self.most = max(min(_ROWS, _PROBS // model.tokenizer.size), 1)
        """Most rows of one step; larger requests take several."""
        self._waiting = threading.Condition()
        self._steps: deque[_Step[Any]] = deque()
        self._readings: deque[_Reading[Any]] = deque()
        self._closed = self._busy = False
        self.is_quick = _seconds_of_a_step(model, self.first) < _QUICK_SECONDS
        """Whether a step is so short that nobody need wait for it in another thread."""
        self._thread = threading.Thread(target=self._work, name="elman-batcher", daemon=True)
        self._thread.start()

    def step(
        self, state: State, ids: TokenIds | None = None, use: Callable[[LogProbs], T] | None = None
    ) -> "Future[tuple[State, T | None]]":
        """The state after ``ids[B]`` (or ``state`` itself), and what ``use`` makes of its
        log-probabilities ``[B, V]``.

        ``use`` runs in the worker's thread and keeps no view of what it is given.
        """
        return self._add(self._steps, _Step(state, ids, use)).future

    def score(self, rows: Sequence[TokenIds], state: State) -> "Future[tuple[list[LogProbs], State]]":
        """The log-probability of each token of rows of any lengths, and the state after each row's
        last."""
        return self._add(self._readings, _Reading(state, rows, None)).future

    def trace(self, ids: TokenIds, state: State, use: Callable[[LogProbs], T]) -> "Future[tuple[T, State]]":
        """What ``use`` makes of the log-probabilities before each token ``[T, V]``, and the state
        after the last."""
        return self._add(self._readings, _Reading(state, [ids], use)).future

    def step_now(
        self, state: State, ids: TokenIds | None = None, use: Callable[[LogProbs], T] | None = None
    ) -> tuple[State, T | None] | None:
        """``step`` in the caller's thread; None if others compute or wait."""
        step = _Step(state, ids, use)
        return step.future.result() if self._run_now(step, self._run_steps) else None

    def score_now(self, rows: Sequence[TokenIds], state: State) -> tuple[list[LogProbs], State] | None:
        """``score`` in the caller's thread; None if others compute or wait."""
        reading = _Reading(state, rows, None)
        return reading.future.result() if self._run_now(reading, self._run_readings) else None

    def _run_now(self, call: Any, run: Callable[[list[Any]], None]) -> bool:
        """Compute a call in this thread, unless another one computes or waits."""
        with self._waiting:
            if self._closed:
                raise closing()
            if self._busy or self._steps or self._readings:
                return False
            self._busy = True
        try:
            self._together([call], run)
        finally:
            with self._waiting:
                self._busy = False
                if self._steps or self._readings or self._closed:
                    self._waiting.notify()
        return True

    @property
    def waiting(self) -> int:
        """Calls that have not begun."""
        return len(self._steps) + len(self._readings)

    def close(self) -> None:
        """Stop; what is still waiting fails."""
        with self._waiting:
            self._closed = True
            self._waiting.notify()
        self._thread.join(timeout=10)

    def _add(self, queue: Any, call: Any) -> Any:
        with self._waiting:
            if self._closed:
                raise closing()
            queue.append(call)
            # Who is at work looks for more at the end.
            if not self._busy:
                self._waiting.notify()
        return call

    def _work(self) -> None:
        while True:
            with self._waiting:
                while self._busy or not (self._steps or self._readings or self._closed):
                    self._waiting.wait()
                if self._closed:
                    left = [*self._steps, *self._readings]
                    break
                self._busy = True
                steps = self._next_steps()
                # Requests for one word go before those that read a page.
                readings = [] if steps else self._next_readings()
            if steps:
                self._together(steps, self._run_steps)
                with self._waiting:
                    readings = self._next_readings()
            if readings:
                self._together(readings, self._run_readings)
            with self._waiting:
                self._busy = False
        for call in left:
            if call.future.set_running_or_notify_cancel():
                call.future.set_exception(closing())

    def _next_steps(self) -> list[_Step[Any]]:
        found: list[_Step[Any]] = []
        rows = 0
        while self._steps and (not found or rows + self._steps[0].state.batch <= self.most):
            rows += self._steps[0].state.batch
            found.append(self._steps.popleft())
        return found

    def _next_readings(self) -> list[_Reading[Any]]:
        found: list[_Reading[Any]] = []
        size = 0
        while self._readings and (not found or size + self._readings[0].size <= CHUNK):
            if found and (self._readings[0].use or found[0].use):
                break
            size += self._readings[0].size
            found.append(self._readings.popleft())
        return found

    def _together(self, calls: Sequence[Any], run: Callable[[list[Any]], None]) -> None:
        live = [call for call in calls if call.future.set_running_or_notify_cancel()]
        try:
            if live:
                run(live)
        except Exception as error:  # the worker survives every error; the waiting requests get it
            for call in live:
                if not call.future.done():
                    call.future.set_exception(error)

    def _let_steps_pass(self) -> None:
        with self._waiting:
            steps = self._next_steps()
        if steps:
            self._together(steps, self._run_steps)

    def _run_steps(self, steps: list[_Step[Any]]) -> None:
        self._observe(sum(step.state.batch for step in steps))
        states = [step.state for step in steps]
        moving = [place for place, step in enumerate(steps) if step.ids is not None]
        if moving:
            ids = np.concatenate([step.ids for step in steps if step.ids is not None])
            after = row_advance(self.model, ids, _stacked([states[place] for place in moving]))
            for place, state in zip(moving, _parted(after, [states[place].batch for place in moving]), strict=True):
                states[place] = state
        asking = [place for place, step in enumerate(steps) if step.use is not None]
        made: list[Any] = [None] * len(steps)
        if asking:
            table = row_log_probs(self.model, _stacked([states[place] for place in asking]))
            begin = 0
            for place in asking:
                end = begin + states[place].batch
                made[place] = self._used(steps[place], table[begin:end])
                begin = end
        for step, state, value in zip(steps, states, made, strict=True):
            if not step.future.done():
                step.future.set_result((state, value))

    def _used(self, step: _Step[Any], log_probs: LogProbs) -> Any:
        assert step.use is not None
        try:
            return step.use(log_probs)
        except Exception as error:  # an error in one request must not affect the others
            step.future.set_exception(error)

    def _run_readings(self, readings: list[_Reading[Any]]) -> None:
        (first, *_) = readings
        if first.use is not None:
            (ids,) = first.rows
            found = trace(self.model, ids[None], np.array([len(ids)]), first.state, whole=True)
            assert found.log_probs is not None
            first.future.set_result((first.use(found.log_probs[0]), found.state))
            return
        rows = [ids for reading in readings for ids in reading.rows]
        state = _stacked([reading.state for reading in readings])
        scores, after = row_score(self.model, rows, state, chunk=_PART, between=self._let_steps_pass)
        begin = 0
        states = _parted(after, [reading.state.batch for reading in readings])
        for reading, state in zip(readings, states, strict=True):
            reading.future.set_result((scores[begin : begin + len(reading.rows)], state))
            begin += len(reading.rows)


class Patience:
    """How long the answer to one request may still take; ends at once if the client leaves."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.gone = threading.Event()

    @property
    def over(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.gone.is_set() or time.monotonic() >= self._until

    def check(self) -> None:
        """See that somebody still waits.

        Raises:
            Problem: the time is up.
        """
        if self.over:
            raise too_slow()

    def wait(self, future: "Future[T]") -> T:
        """A future's result.

        Raises:
            Problem: the time is up.
        """
        left = self._until - time.monotonic()
        if left <= 0 or self.gone.is_set():
            future.cancel()
            raise too_slow()
        try:
            return future.result(timeout=left)
        except TimeoutError:
            future.cancel()
            raise too_slow() from None


class Batched:
    """A model that many threads may call at once: a LanguageModel whose every call joins the
    worker's next step."""

    def __init__(self, batcher: Batcher, patience: Patience) -> None:
        self._batcher, self._patience = batcher, patience
        model = batcher.model
        self.tokenizer = model.tokenizer
        self.batchable, self.exact, self.forgets_lines = model.batchable, model.exact, model.forgets_lines
        self.stepwise: bool = getattr(model, "stepwise", False)
        """Whether reading many tokens at once gives exactly the same bits as one after another."""

    @property
    def model_hash(self) -> str:
        return self._batcher.model.model_hash

    def start(self, batch: int = 1) -> State:
        first = self._batcher.first
        return first if batch == 1 else first.take(np.zeros(batch, dtype=np.int64))

    def log_probs(self, state: State) -> LogProbs:
        return self.step(state)[1]

    def advance(self, ids: TokenIds, state: State) -> State:
        return self._step(state, ids, None)[0]

    def step(self, state: State, ids: TokenIds | None = None) -> tuple[State, LogProbs]:
        """``advance`` and then ``log_probs`` in one call."""
        after, log_probs = self._step(state, ids, np.copy)
        assert log_probs is not None
        return after, log_probs

    def _step(self, state: State, ids: TokenIds | None, use: Callable[[LogProbs], T] | None) -> tuple[State, T | None]:
        self._patience.check()
        return self._batcher.step_now(state, ids, use) or self._patience.wait(self._batcher.step(state, ids, use))

    def score(self, ids: TokenIds, lengths: Lengths, state: State) -> tuple[LogProbs, State]:
        rows = [row[:length] for row, length in zip(ids, np.asarray(lengths).tolist(), strict=True)]
        self._patience.check()
        found, after = self._batcher.score_now(rows, state) or self._patience.wait(self._batcher.score(rows, state))
        scores = np.zeros(np.shape(ids), dtype=np.float32)
        for row, values in enumerate(found):
            scores[row, : len(values)] = values
        return scores, after

    def features(self, state: State) -> NDArray[np.float32] | None:
        return None

    def describe(self) -> dict[str, Any]:
        return self._batcher.model.describe()


def too_slow() -> Problem:
    """For a request that took longer than it may."""
    return Problem(503, "this took too long and was stopped; ask for less, or raise --request-seconds", code="timeout")


def closing() -> Problem:
    """For a request that arrived too late."""
    return Problem(503, "the server is shutting down; try again in a moment", code="shutting_down")


def _seconds_of_a_step(model: LanguageModel, state: State) -> float:
    """The least processor time of a step of one row, which other work on the machine hardly
    changes."""
    least = float("inf")
    for _ in range(_TRIES):
        begin = time.thread_time()
        model.log_probs(model.advance(np.zeros(1, dtype=np.int64), state))
        least = min(least, time.thread_time() - begin)
        if least < _QUICK_SECONDS or least > _TRIES * _QUICK_SECONDS:
            break
    return least


def _stacked(states: Sequence[State]) -> State:
    return states[0] if len(states) == 1 else State.stack(states)


def _parted(state: State, sizes: Sequence[int]) -> list[State]:
    if len(sizes) == 1:
        return [state]
    ends = np.cumsum(sizes).tolist()
    return [state.take(np.arange(end - size, end)) for size, end in zip(sizes, ends, strict=True)]
