"""Sorting more records than fit into memory: sorted runs on disk, then a merge of all of them.

Records are 64-bit numbers that hold tokens (see ``spill_kernels.py``). Counts of equal records are
added as soon as they meet.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.models.ngram import spill_kernels as kernels
from elman.models.ngram.counting_memory import BufferSizes
from elman.system.cluster import Advance
from elman.system.files import write_array

Records = NDArray[np.uint64]
Run = tuple[Path, int]
"""A file of sorted records, and how many they are."""


class Spill:
    """An external sort: ``reserve``, fill ``buffer`` from ``filled`` on, ``finish``, then read
    ``merged``.
    """

    def __init__(self, folder: Path, name: str, *, width: int, sizes: BufferSizes, runs: Iterable["Run"] = ()) -> None:
        """``runs`` are those of other sorts of the same records."""
        self.buffer: Records = np.empty((sizes.run, width), np.uint64)
        """The records of the next run."""
        self.filled = 0
        self._folder, self._name, self._width, self._sizes = folder, name, width, sizes
        self._runs: list[Run] = [*runs]
        self._runs_written = 0

    def reserve(self, count: int) -> None:
        """Empty the buffer if it has no space for this many more."""
        if self.filled + count > len(self.buffer):
            self._spill()

    def finish(self) -> None:
        """End the input and free the buffer's memory."""
        self._spill()
        self.buffer = np.empty((0, self._width), np.uint64)

    def merged(self, advance: Advance) -> Iterator[Records]:
        """All distinct records in order with their counts ``[rows, W+1]``, each block overwritten
        by the next.

        ``advance`` is called for the records read. The runs are deleted afterwards.
        """
        while first := self._together(len(self._runs)):
            now, self._runs = self._runs[:first], self._runs[first:]
            self._write(self._merged(now, advance))
        now, self._runs = self._runs, []
        yield from self._merged(now, advance)

    @property
    def runs(self) -> list["Run"]:
        """The sorted runs, after ``finish``."""
        return self._runs

    @property
    def work(self) -> int:
        """Most records that ``merged`` will read, those merged several times counted each time."""
        left = [rows for _, rows in self._runs]
        total = sum(left)
        while first := self._together(len(left)):
            left = [*left[first:], sum(left[:first])]
            total += left[-1]
        return total

    def _together(self, runs: int) -> int:
        """How many of the runs to merge into one, so that the last merge can take all; 0 when it
        can.
        """
        most = self._sizes.fan_in
        return min(runs - most + 1, most) if runs > most else 0

    def _spill(self) -> None:
        if self.filled:
            if self._width == 1:
                # NumPy sorts plain numbers with vector instructions, several times as fast.
                self.buffer[: self.filled, 0].sort()
            else:
                kernels.sort(self.buffer, self.filled)
            self._write(self._collapsed())
            self.filled = 0

    def _collapsed(self) -> Iterator[Records]:
        out = np.empty((self._sizes.block, self._width + 1), np.uint64)
        done = 0
        while done < self.filled:
            done, written = kernels.collapse(self.buffer, done, self.filled, out)
            yield out[:written]

    def _write(self, blocks: Iterator[Records]) -> None:
        path, rows = self._folder / f"{self._name}-{self._runs_written}", 0
        self._runs_written += 1
        with open(path, "wb") as file:
            for block in blocks:
                write_array(file, block)
                rows += len(block)
        self._runs.append((path, rows))

    def _merged(self, runs: list[Run], advance: Advance) -> Iterator[Records]:
        if not runs:
            return
        rows_per_run = min(self._sizes.merge // len(runs), max(rows for _, rows in runs))
        parts = _Parts(runs, rows_per_run, self._width + 1)
        out, filled = np.empty((self._sizes.block, self._width + 1), np.uint64), 0
        heap, size = np.arange(len(runs)), len(runs)
        for run in range(len(runs)):
            advance(parts.refill(run))
        kernels.make_heap(parts.records, parts.positions, heap, size)
        while size:
            filled = kernels.merge(parts.records, parts.positions, parts.ends, heap, size, out, filled)
            run = int(heap[0])
            if parts.positions[run] == parts.ends[run]:
                advance(read := parts.refill(run))
                if not read:
                    size -= 1
                    heap[0] = heap[size]
            if filled == len(out):
                # The last record may come again from another run.
                yield out[: filled - 1]
                out[0] = out[filled - 1]
                filled = 1
        yield out[:filled]
        for path, _ in runs:
            path.unlink()


class _Parts:
    """The part of each run being merged that is in memory."""

    def __init__(self, runs: list[Run], rows_per_run: int, width: int) -> None:
        self.records: Records = np.empty((len(runs) * rows_per_run, width), np.uint64)
        self.positions = np.arange(len(runs)) * rows_per_run
        """For each run, its next record."""
        self.ends = self.positions.copy()
        """For each run, where its part ends."""
        self._rows_per_run, self._runs = rows_per_run, runs
        self._read = [0] * len(runs)

    def refill(self, run: int) -> int:
        """Read a run's next records and return how many there are; 0 at its end."""
        path, rows = self._runs[run]
        count = min(self._rows_per_run, rows - self._read[run])
        if count:
            first = run * self._rows_per_run
            part: Any = self.records[first : first + count]
            # Opened anew each time: there may be more runs than open files allowed.
            with open(path, "rb", buffering=0) as file:
                file.seek(self._read[run] * part.strides[0])
                _read_fully(file, memoryview(part).cast("B"))
            self._read[run] += count
            self.positions[run], self.ends[run] = first, first + count
        return count


def _read_fully(file: Any, into: memoryview) -> None:
    while into:
        count = file.readinto(into)
        if not count:
            raise OSError(f"{file.name} ended too early")
        into = into[count:]
