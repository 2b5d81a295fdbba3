"""Texts of concurrent requests labelled or tagged together: a worker per model that gathers what is
waiting.

While the model computes, requests wait. The next step takes a share of the texts of each, so that a
long request delays a short one by one step at most. Rows of a batch do not interact (the contract
of every model), so no answer depends on other requests. Only the worker's thread calls the model.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from elman.serve.batching import Patience, closing, too_slow

CHARACTERS = 1 << 16
"""Characters of one step, about 0.1 seconds of a small network."""
_ROWS = 512
"""Texts of one step."""
_PROBABILITIES = 1 << 22
"""Most probabilities in memory at a time: 32 MB."""

T = TypeVar("T")


class PredictingModel(Protocol):
    """A model that says something of each text, with a probability for each of its labels."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the labels, by id."""
        ...

    def predictions(self, texts: Iterable[Any]) -> Iterator[Any]:
        """Predictions of texts, in their order."""
        ...


@dataclass(eq=False)
class _Call(Generic[T]):
    """The texts of one request."""

    texts: Sequence[Sized]
    use: Callable[[Any], T]
    patience: Patience
    results: list[T] = field(default_factory=list)
    """Of the first texts."""
    future: "Future[list[T]]" = field(default_factory=Future)

    @property
    def unwanted(self) -> bool:
        return self.future.cancelled() or self.patience.over

    def next_texts(self, *, size: int, rows: int) -> Sequence[Sized]:
        """The next texts: at least one."""
        begin = end = len(self.results)
        taken = 0
        while end < min(len(self.texts), begin + rows) and (end == begin or taken + len(self.texts[end]) <= size):
            taken += len(self.texts[end])
            end += 1
        return self.texts[begin:end]

    def add(self, predictions: Sequence[Any]) -> None:
        """The predictions of the next texts; with the last ones, the call is answered."""
        try:
            self.results += map(self.use, predictions)
        except Exception as error:
            self.fail(error)
        else:
            if len(self.results) == len(self.texts):
                self.finish()

    def fail(self, error: Exception) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)

    def finish(self) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(self.results)


class LabelBatcher:
    """The worker of one model.

    Args:
        observe: told of each step: how many texts it had.
        step: how much is computed at once, in the unit of a text's length.
    """

    def __init__(
        self, model: PredictingModel, *, observe: Callable[[int], None] = lambda rows: None, step: int = CHARACTERS
    ) -> None:
        self.model = model
        self._observe, self._step = observe, step
        self._rows = max(min(_ROWS, _PROBABILITIES // len(model.labels)), 1)
        self._waiting = threading.Condition()
        self._calls: deque[_Call[Any]] = deque()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="elman-labels", daemon=True)
        self._thread.start()

    def predict(self, texts: Sequence[Sized], patience: Patience) -> "Future[list[Any]]":
        """The prediction of each text, in the order of the texts.

        Once ``patience`` is over, the rest is not computed.

        Raises:
            Problem: the server is shutting down.
        """
        return self.map_predictions(texts, _unchanged, patience)

    def map_predictions(self, texts: Sequence[Sized], use: Callable[[Any], T], patience: Patience) -> "Future[list[T]]":
        """``use`` of each prediction, called in the worker's thread; otherwise as ``predict``."""
        call = _Call(texts, use, patience)
        if not texts:
            call.finish()
            return call.future
        with self._waiting:
            if self._closed:
                raise closing()
            self._calls.append(call)
            self._waiting.notify()
        return call.future

    @property
    def waiting(self) -> int:
        """Calls that wait for the next step."""
        return len(self._calls)

    def close(self) -> None:
        """Stop; what is still waiting fails."""
        with self._waiting:
            self._closed = True
            self._waiting.notify()
        self._thread.join(timeout=10)

    def _work(self) -> None:
        while True:
            with self._waiting:
                while not (self._calls or self._closed):
                    self._waiting.wait()
                if self._closed:
                    break
                parts = self._next_parts()
            self._run(parts)
            with self._waiting:
                self._calls.extend(call for call, _ in parts if not call.future.done())
        for call in self._calls:
            call.fail(closing())

    def _next_parts(self) -> list[tuple[_Call[Any], Sequence[Sized]]]:
        """The texts of the next step: of every call a share."""
        for call in self._calls:
            if call.unwanted:
                call.fail(too_slow())
        calls = deque(call for call in self._calls if not call.future.done())
        share = self._step // max(len(calls), 1)
        parts: list[tuple[_Call[Any], Sequence[Sized]]] = []
        rows = self._rows
        while calls and rows:
            call = calls.popleft()
            texts = call.next_texts(size=share, rows=max(rows // (len(calls) + 1), 1))
            parts.append((call, texts))
            rows -= len(texts)
        self._calls = calls
        return parts

    def _run(self, parts: list[tuple[_Call[Any], Sequence[Sized]]]) -> None:
        texts = [text for _, some in parts for text in some]
        if not texts:
            return
        self._observe(len(texts))
        try:
            found = list(self.model.predictions(texts))
        except Exception as error:  # the worker continues; the waiting requests get the error
            if len(parts) == 1:
                parts[0][0].fail(error)
            else:  # an error in one request must not affect the others
                for part in parts:
                    self._run([part])
            return
        begin = 0
        for call, some in parts:
            call.add(found[begin : begin + len(some)])
            begin += len(some)


def _unchanged(prediction: Any) -> Any:
    return prediction
