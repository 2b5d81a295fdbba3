"""Ctrl-C and SIGTERM stop at the next safe place instead of at once."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

from elman.progress import Progress


class StopRequest:
    """While entered, the first SIGINT or SIGTERM only sets ``wanted``; the second acts as usual.

    >>> with StopRequest() as stop:
    ...     stop.wanted
    False
    """

    def __init__(self, progress: Progress | None = None) -> None:
        self.wanted = False
        self._progress = progress or Progress()
        self._old: dict[int, object] = {}

    def __enter__(self) -> Self:
        # Only the main thread may set handlers; elsewhere the caller's own handling stays.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._old[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.wanted = True
        self._restore()
        self._progress.say("stopping after this update (a second interrupt stops at once)")

    def _restore(self) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._old = {}
