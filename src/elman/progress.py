"""Progress over anything that takes longer than two seconds: where, how fast, how long still.

The base class is silent, for libraries and tests. ``ScreenProgress`` talks on stderr: one live line
on a terminal, a plain line every few seconds elsewhere. Results never pass through here.
"""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO, TypeVar

T = TypeVar("T")


def counted(count: int, unit: str) -> str:
    """A number with its unit.

    >>> counted(1, "example"), counted(2001, "sentence")
    ('1 example', '2,001 sentences')
    """
    return f"{count:,} {unit}{'s' * (count != 1)}"


class Progress:
    """Says nothing: the silent progress."""

    def say(self, message: str) -> None:
        """One line of talk."""

    def show(self, line: str) -> None:
        """A line that replaces the last shown one, where the screen can do that."""

    def clear(self) -> None:
        """Take the shown line away, before something else writes to the screen."""

    @contextmanager
    def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Iterator[Callable[[int], None]]:
        """A stretch of work; call what it yields with the amount done since the last call.

        >>> with Progress().stage("reading", total=10, unit="bytes") as advance:
        ...     advance(4)
        """
        yield lambda amount: None

    def collect(self, name: str, items: Iterable[T], *, total: int | None = None, unit: str = "") -> list[T]:
        """All items of a stage that makes them one by one."""
        found = []
        with self.stage(name, total=total, unit=unit) as advance:
            for item in items:
                found.append(item)
                advance(1)
        return found


class ScreenProgress(Progress):
    """Talks on stderr."""

    def __init__(self, stream: TextIO | None = None, *, plain_every: float = 5.0) -> None:
        self._stream = stream or sys.stderr
        self.live = self._stream.isatty()
        self._every = 0.2 if self.live else plain_every
        self._shown = 0

    def say(self, message: str) -> None:
        self.clear()
        print(message, file=self._stream, flush=True)

    def show(self, line: str) -> None:
        if not self.live:
            print(line, file=self._stream, flush=True)
            return
        import shutil

        line = line[: shutil.get_terminal_size((100, 20)).columns - 1]
        print("\r" + line.ljust(self._shown), end="", file=self._stream, flush=True)
        self._shown = len(line)

    def clear(self) -> None:
        if self._shown:
            print("\r" + " " * self._shown + "\r", end="", file=self._stream)
            self._shown = 0

    @contextmanager
    def stage(self, name: str, *, total: int | None = None, unit: str = "") -> Iterator[Callable[[int], None]]:
        begin = time.monotonic()
        done, last = 0, begin

        def advance(amount: int) -> None:
            nonlocal done, last
            done += amount
            now = time.monotonic()
            # The first two seconds stay quiet: most stages are over by then.
            if now - begin > 2.0 and now - last > self._every:
                last = now
                self.show(_stage_line(name, done, total, unit, now - begin))

        try:
            yield advance
        finally:
            self.clear()


def _stage_line(name: str, done: int, total: int | None, unit: str, seconds: float) -> str:
    """
    >>> _stage_line("reading", 3000, 12000, "words", 4), _stage_line("fitting", 2, 8, "series", 5)
    ('reading: 3.0k words, 750/s, 25%, 12 s left', 'fitting: 2 series, 2.5 s each, 25%, 15 s left')
    """
    rate = done / seconds
    speed = f"{seconds / done:.1f} s each" if 0 < rate < 1 else f"{_amount(rate)}/s"
    line = f"{name}: {_amount(done)} {unit}".rstrip() + f", {speed}"
    if total:
        left = max(total - done, 0) / rate if rate else 0.0
        line += f", {100 * done / total:.0f}%, {duration(left)} left"
    return line


def _amount(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f}{letter}"
    return f"{value:.0f}"


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(42.4), duration(150), duration(7380)
    ('42 s', '2 min 30 s', '2 h 3 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
