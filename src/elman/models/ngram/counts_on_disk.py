"""Counting n-grams of more text than fits into memory: the tables of counts.py, through sorted
files.

Two sorts on disk give all orders (in the manner of Heafield et al. 2013, "Scalable Modified
Kneser-Ney Language Model Estimation"). The first one sorts windows of N tokens: for each token, the
one before it (`<s>` at the start of a line) and those that follow in the line. In that order the
n-grams of each length come as its table has them, so one pass over the distinct windows gives
indices, keys and occurrences. The second sort is of the distinct windows without their first token.
Each record says which of its prefixes gain a left neighbour: those that no earlier window had with
that neighbour. Again they come in the order of the tables.
"""

import errno
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from elman.errors import StorageError
from elman.models.ngram import spill_kernels as kernels
from elman.models.ngram.counting_memory import TOKENS, BufferSizes, in_words, needed, record_format, sizes_within
from elman.models.ngram.counts import OrderCounts
from elman.models.ngram.spill import Run, Spill
from elman.progress import Progress
from elman.system.cluster import ALONE, Advance, Workers
from elman.system.files import allocate, write_array
from elman.system.mapped_arrays import array_of, file_of

_STRETCH = 1 << 22
"""Tokens whose windows one process sorts at a time."""
_SORTED = "stretch-"
"""Begins the names of the folders with what the first sort leaves."""
_WORK = (3, 2, 1)
"""Per token: sorting the first runs; merging them, and sorting the second; merging those."""


def count_on_disk(
    ids: NDArray[np.integer],
    documents: NDArray[np.integer],
    *,
    order: int,
    vocab_size: int,
    eos_id: int,
    max_ram: int,
    folder: Path,
    progress: Progress | None = None,
    workers: Workers = ALONE,
) -> list[OrderCounts]:
    """Count a token stream's n-grams of orders 1 to ``order``, exactly as ``count_ngrams`` does.

    Args:
        ids: tokens, each in ``0 .. vocab_size-1``; may be memory-mapped. A line ends with
            ``eos_id``.
        documents: where documents begin in ``ids``; a line ends there too.
        max_ram: memory to work in, bytes.
        folder: an empty folder for the tables and, while counting, for about as much again; the
            caller removes it.
        workers: who share the first sort, which is half of the work; the result is the same.

    Returns:
        One OrderCounts per order, the lowest first; their arrays are memory-mapped from ``folder``.

    Raises:
        UsageError: ``max_ram`` is too little.
        StorageError: ``folder`` has less than half of the most space that counting can need, or
            cannot be written to.

    >>> import tempfile
    >>> two_lines, documents = np.array([2, 3, 1, 2, 1]), np.array([0, 5])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     settings = {"order": 2, "vocab_size": 4, "eos_id": 1, "max_ram": 1 << 25, "folder": Path(folder)}
    ...     unigrams, bigrams = count_on_disk(two_lines, documents, **settings)
    ...     bigrams.keys.tolist(), bigrams.counts.tolist(), unigrams.counts.tolist()
    ([9, 11, 13, 18], [1, 1, 1, 2], [0, 2, 1, 1])
    """
    sizes, first_sort = (
        sizes_within(memory, tokens=tokens, order=order, vocab_size=vocab_size)
        for memory, tokens in ((max_ram, len(ids)), (workers.share(max_ram), min(len(ids), _STRETCH)))
    )
    progress = progress or Progress()
    disk, free = needed(len(ids), order, vocab_size)[1], shutil.disk_usage(folder).free
    if free < disk:
        short = f"counting may take {in_words(disk)} of disk in {folder.parent}, where {in_words(free)} are free"
        # The bound holds for texts in which no n-gram comes twice; half of it is usual.
        if free < disk // 2:
            raise StorageError(f"{short}; set ELMAN_CACHE to a folder on a larger disk")
        progress.say(f"note: {short}; half of that is usual")
    kind = {"eos_id": eos_id, "vocab_size": vocab_size}
    lines, arrays = _Lines(ids, documents, **kind), (file_of(ids), file_of(documents))
    task = partial(_sort_windows, arrays=arrays, kind=kind, order=order, sizes=first_sort, folder=folder)
    with _full_disk(folder):
        return _Counting(lines, order, sizes, folder).orders(partial(workers.results, task), progress)


@contextmanager
def _full_disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise StorageError(
            f"the disk of {folder.parent} became full while counting; free some space, or set ELMAN_CACHE to a folder "
            "on a larger disk"
        ) from error


class _Lines:
    """A token stream, read in blocks with marked line starts."""

    def __init__(
        self, ids: NDArray[np.integer], documents: NDArray[np.integer], *, eos_id: int, vocab_size: int
    ) -> None:
        self.ids, self.documents, self.eos_id, self.vocab_size = ids, documents, eos_id, vocab_size

    def stretches(self) -> dict[str, tuple[int, int]]:
        """All tokens in stretches of bounded length, by the names that messages call them."""
        borders = [*range(0, len(self.ids), _STRETCH), len(self.ids)]
        return {f"counting tokens {first:,} to {stop:,}": (first, stop) for first, stop in pairwise(borders)}

    def blocks(
        self, stretch: tuple[int, int], size: int, after: int
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_], int, int]]:
        """Tokens of a stretch, which of them start a line, and ``first`` and ``stop`` of the block
        among them.

        One token before the block and ``after`` tokens behind it are included where they exist.
        """
        for first in range(*stretch, size):
            stop = min(first + size, stretch[1])
            begin, end = max(first - 1, 0), min(stop + after, len(self.ids))
            tokens = np.asarray(self.ids[begin:end]).astype(np.int64)
            assert tokens.min() >= 0 and tokens.max() < self.vocab_size, "token id out of range"
            starts = np.empty(len(tokens), dtype=np.bool_)
            # Line starts before the block are not needed.
            starts[0] = begin == 0
            np.equal(tokens[:-1], self.eos_id, out=starts[1:])
            low, high = np.searchsorted(self.documents, [begin, end])
            starts[np.asarray(self.documents[low:high]) - begin] = True
            yield tokens, starts, first - begin, stop - begin


class _Counting:
    """One count, from the first sort to the tables."""

    def __init__(self, lines: _Lines, order: int, sizes: BufferSizes, folder: Path) -> None:
        self._lines, self._order, self._sizes, self._folder = lines, order, sizes, folder
        self._vocab = lines.vocab_size
        self._format = record_format(order, self._vocab)
        self._unigrams = np.zeros(self._vocab, np.int64)
        self._begins = np.zeros(order + 1, np.int64)
        """For each order from 2, the first index whose n-gram begins with `<s>`."""

    def orders(
        self, sorted_parts: Callable[..., Iterator[tuple[str, "_Sorted"]]], progress: Progress
    ) -> list[OrderCounts]:
        tokens = len(self._lines.ids)
        with progress.stage("counting n-grams", total=sum(_WORK) * tokens, unit="tokens") as advance:
            windows = self._windows(sorted_parts(self._lines.stretches(), advance=advance))
            self._path("keys", 1).write_bytes(np.arange(self._vocab).data)
            self._path("raw", 1).write_bytes(self._unigrams.data)
            if self._order > 1:
                suffixes = self._read_ngrams(windows, _scaled(advance, _WORK[1] * tokens, windows.work))
                self._unigrams[:] = 0
                self._read_neighbours(suffixes, _scaled(advance, _WORK[2] * tokens, suffixes.work))
                self._path("counts", 1).write_bytes(self._unigrams.data)
        for stretch in self._folder.glob(f"{_SORTED}*"):
            shutil.rmtree(stretch)  # that of a process that died still holds runs
        return [self._table(n) for n in range(1, self._order + 1)]

    def _windows(self, parts: Iterator[tuple[str, "_Sorted"]]) -> Spill:
        """The windows of all parts, ready to be merged."""
        runs: list[Run] = []
        for _, part in parts:
            runs += part.runs
            self._unigrams += np.fromfile(part.unigrams, np.int64)
        windows = Spill(self._folder, "windows", width=self._format.width, sizes=self._sizes, runs=runs)
        windows.finish()
        return windows

    def _read_ngrams(self, windows: Spill, advance: Advance) -> Spill:
        """Write keys and occurrences; return the windows without their first token, ready to be
        merged.
        """
        format, order = self._format, self._order
        suffixes = Spill(self._folder, "suffixes", width=format.width, sizes=self._sizes)
        previous, last = np.zeros(order, np.int64), np.full(order + 1, -1)
        with _Columns(
            [[self._path(name, n) for n in range(2, order + 1)] for name in ("keys", "raw")], self._sizes
        ) as to:
            for block in windows.merged(advance):
                suffixes.reserve(len(block))
                suffixes.filled = kernels.ngrams(
                    block, self._vocab, format.words, format.shifts, format.mask, previous, last, self._begins,
                    to.columns[0], to.columns[1], to.filled, suffixes.buffer, suffixes.filled,
                )  # fmt: skip
                to.write()
        suffixes.finish()
        return suffixes

    def _read_neighbours(self, suffixes: Spill, advance: Advance) -> None:
        format, order = self._format, self._order
        previous = np.zeros(order, np.int64)
        with _Columns([[self._path("counts", n) for n in range(2, order)]], self._sizes) as to:
            for block in suffixes.merged(advance):
                kernels.neighbours(
                    block, format.words, format.shifts, format.mask, previous, self._unigrams, to.columns[0], to.filled
                )
                to.write()
        for n in range(2, order):
            with open(self._path("raw", n), "rb") as raw, open(self._path("counts", n), "ab") as counts:
                raw.seek(8 * int(self._begins[n]))
                assert counts.tell() == raw.tell(), "an n-gram that has no left neighbour"
                shutil.copyfileobj(raw, counts, 1 << 20)

    def _table(self, n: int) -> OrderCounts:
        keys, raw = _mapped(self._path("keys", n)), _mapped(self._path("raw", n))
        return OrderCounts(keys=keys, counts=raw if n == self._order else _mapped(self._path("counts", n)), raw=raw)

    def _path(self, name: str, n: int) -> Path:
        return self._folder / f"{name}-{n}"


class _Sorted(NamedTuple):
    """What the first sort leaves of a stretch."""

    runs: list[Run]
    unigrams: Path
    """How often each type occurs, int64."""


def _sort_windows(
    stretch: tuple[int, int],
    advance: Advance,
    *,
    arrays: Any,
    kind: dict[str, int],
    order: int,
    sizes: BufferSizes,
    folder: Path,
) -> _Sorted:
    """Sort the windows of a stretch of tokens into a new folder."""
    lines = _Lines(*map(array_of, arrays), **kind)
    format, unigrams = record_format(order, lines.vocab_size), np.zeros(lines.vocab_size, np.int64)
    with _full_disk(folder):
        own = Path(tempfile.mkdtemp(prefix=_SORTED, dir=folder))
        windows = Spill(own, "windows", width=format.width, sizes=sizes)
        for tokens, starts, first, stop in lines.blocks(stretch, min(TOKENS, sizes.run), max(order - 2, 0)):
            kernels.unigrams(tokens, first, stop, unigrams)
            if order > 1:
                windows.reserve(stop - first)
                windows.filled = kernels.windows(
                    tokens, starts, first, stop, lines.vocab_size, format.words, format.shifts, windows.buffer,
                    windows.filled,
                )  # fmt: skip
            advance(_WORK[0] * (stop - first))
        windows.finish()
        with open(own / "unigrams", "wb") as file:
            write_array(file, unigrams)
    return _Sorted(windows.runs, own / "unigrams")


class _Columns:
    """Growing files of numbers for orders 2 and up, one per kind and order; the last number may
    still change.
    """

    def __init__(self, paths: Sequence[Sequence[Path]], sizes: BufferSizes) -> None:
        self._paths = paths
        self._files = ExitStack()
        self._open: list[list[BinaryIO]] = []
        orders = len(paths[0]) + 2
        self.columns = [np.empty((orders, sizes.block + 1), np.int64) for _ in paths]
        """Numbers not written yet, one array ``[order + 1, block + 1]`` per kind."""
        self.filled = np.zeros(orders, np.int64)
        """How many of them there are, the same for all kinds."""

    def __enter__(self) -> Self:
        self._open = [[self._files.enter_context(open(path, "wb")) for path in kind] for kind in self._paths]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._files:
            if kind is None:
                self.write(keep=0)

    def write(self, *, keep: int = 1) -> None:
        """Write all but the last ``keep`` numbers, 1 or 0."""
        for n in range(2, len(self.filled)):
            done = max(int(self.filled[n]) - keep, 0)
            if done:
                for column, files in zip(self.columns, self._open, strict=True):
                    write_array(files[n - 2], column[n, :done])
                    column[n, 0] = column[n, done]
                self.filled[n] -= done


def zeros_on_disk(folder: Path) -> Callable[[int, Any], NDArray[Any]]:
    """A function like ``np.zeros(length, dtype)`` with arrays in ``folder`` that vanish after their
    last use.
    """

    def zeros(length: int, dtype: Any) -> NDArray[Any]:
        size = length * np.dtype(dtype).itemsize
        if not size:
            return np.zeros(length, dtype)
        with _full_disk(folder), tempfile.TemporaryFile(dir=folder) as file:
            allocate(file, size)
            return np.memmap(file, dtype, mode="r+", shape=(length,))

    return zeros


def _scaled(advance: Advance, total: int, work: int) -> Advance:
    """An ``advance`` that scales steps out of ``work`` to steps out of ``total``."""
    done = 0

    def step(amount: int) -> None:
        nonlocal done
        done += amount
        advance(total * done // work - total * (done - amount) // work)

    return step


def _mapped(path: Path) -> NDArray[np.int64]:
    # An empty file cannot be mapped.
    return np.memmap(path, np.int64, mode="r") if path.stat().st_size else np.empty(0, np.int64)
