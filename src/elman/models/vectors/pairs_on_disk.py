"""Counting and shuffling more pairs of words than fit into memory.

Each pair of a text becomes a number: (word, context, distance). Numbers are sorted in runs on disk
and merged as n-grams are (``models/ngram/spill.py``); equal ones are counted, and the counts of a
pair, weighed by distance, are added. They come in the order of a sparse matrix's rows. GloVe's
random order is found in two passes: pairs are dealt out at random to files that fit into memory,
and each file is shuffled there.
"""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.errors import UsageError
from elman.models.ngram.counting_memory import BufferSizes, in_words
from elman.models.ngram.spill import Run, Spill
from elman.models.vectors.cooccurrence import PairCounts
from elman.models.vectors.sampling import compiled
from elman.system.files import allocate, storage_errors, write_array

_BLOCK, _PART = 1 << 14, 1 << 12
_LEAST = 1 << 25
"""Bytes below which counting would take more files than are sensible."""
PAIR = np.dtype([("word", "<i4"), ("context", "<i4"), ("count", "<f4")])
"""A pair of words in the order of training."""


def sort_pairs(
    blocks: Iterable[NDArray[np.int32]], window: int, vocab: int, *, folder: Path, max_ram: int
) -> list[Run]:
    """The pairs of blocks of words, and their distances, as sorted runs in ``folder``."""
    sizes = _sizes(max_ram)
    spill = Spill(folder, "pairs", width=1, sizes=sizes)
    together = max(1, min(_BLOCK, sizes.run // (2 * window)))
    for ids in blocks:
        for begin in range(0, len(ids), together):
            spill.reserve(2 * window * together)
            spill.filled = _add_records(ids, begin, begin + together, window, vocab, spill.buffer, spill.filled)
    spill.finish()
    return spill.runs


def add_up_pairs(
    runs: Iterable[Run],
    weights: NDArray[np.float64],
    vocab: int,
    *,
    folder: Path,
    max_ram: int,
    advance: Callable[[int], None] = lambda amount: None,
) -> PairCounts:
    """The weighted counts of the pairs in sorted runs, which are removed."""
    spill = Spill(folder, "merged", width=1, sizes=_sizes(max_ram), runs=runs)
    sizes_of_rows, pending = np.zeros(vocab + 1, np.int64), np.zeros(1)
    columns, counts = np.empty(_BLOCK + 1, np.int32), np.empty(_BLOCK + 1, np.float32)
    last, files = np.array([-1]), [folder / name for name in ("pairs.columns", "pairs.counts")]
    with open(files[0], "wb") as to_columns, open(files[1], "wb") as to_counts:
        for block in spill.merged(advance):
            written = _add_up(block, weights, vocab, last, pending, sizes_of_rows, columns, counts)
            write_array(to_columns, columns[:written])
            write_array(to_counts, counts[:written])
        if last[0] >= 0:
            sizes_of_rows[last[0] // vocab + 1] += 1
            write_array(to_columns, np.array([last[0] % vocab], np.int32))
            write_array(to_counts, np.array([pending[0]], np.float32))
    return PairCounts(np.cumsum(sizes_of_rows), _mapped(files[0], np.int32), _mapped(files[1], np.float32))


def shuffled_on_disk(
    pairs: PairCounts, *, parts: int, seed: int, folder: Path, max_ram: int
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The pairs in random order, those of each group together, and where groups begin; see
    ``glove.parted_pairs``. Fields are word, context and count; the array is mapped from ``folder``.
    """
    files = -(-4 * PAIR.itemsize * len(pairs.columns) // max_ram)
    random, groups = np.random.default_rng(seed), parts * parts
    paths = [folder / f"shuffled-{number}" for number in range(groups * files)]
    sizes = np.zeros(groups * files, np.int64)
    for path in paths:
        path.unlink(missing_ok=True)
    block = max(_BLOCK, max_ram // (16 * PAIR.itemsize))
    for begin in range(0, len(pairs.columns), block):
        part = _records_of(pairs, begin, min(begin + block, len(pairs.columns)))
        group = (part["word"] % parts) * parts + part["context"] % parts
        number = group * files + random.integers(0, files, len(part))
        order = np.argsort(number, kind="stable")
        found = np.bincount(number, minlength=len(paths))
        for file, some in enumerate(np.split(part[order], np.cumsum(found)[:-1])):
            if len(some):
                with open(paths[file], "ab") as opened:
                    write_array(opened, some)
        sizes += found
    whole = folder / "pairs.shuffled"
    with open(whole, "wb") as opened:
        for path in paths:
            if path.exists():
                part = np.fromfile(path, PAIR)
                random.shuffle(part)
                write_array(opened, part)
                path.unlink()
    return _mapped(whole, PAIR), np.concatenate([[0], np.cumsum(sizes.reshape(groups, files).sum(axis=1))])


class Disk(NamedTuple):
    """Where pairs lie that do not fit into memory."""

    folder: Path
    max_ram: int
    """Bytes of memory to work in."""

    def space(self, name: str, length: int) -> NDArray[np.float32]:
        """An array of float32 in a file."""
        path = self.folder / f"pairs.{name}"
        with storage_errors(path), open(path, "wb") as file:
            allocate(file, 4 * length)
        return np.memmap(path, np.float32, "r+", shape=(length,)).view(np.ndarray)


def memory_for_pairs(words: int, vocab: int, window: int) -> int:
    """An upper bound of the bytes that counting in memory takes.

    >>> memory_for_pairs(1000, 50, 5)
    163200
    """
    return 128 * min(words * window, vocab * (vocab + 1) // 2)


def remove_pairs(folder: Path) -> None:
    """Remove what this module left in a folder."""
    for pattern in ("pairs.*", "pairs-*", "merged-*", "shuffled-*"):
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _sizes(max_ram: int) -> BufferSizes:
    if max_ram < _LEAST:
        raise UsageError(
            f"--max-ram is {in_words(max_ram)}; counting pairs takes at least {in_words(_LEAST)} for each process"
        )
    return BufferSizes(run=max_ram // 16, block=_BLOCK, merge=max_ram // 64, part=_PART)


def _mapped(file: Path, kind: Any) -> NDArray[Any]:
    if not file.stat().st_size:
        return np.empty(0, kind)
    return np.memmap(file, kind, "r").view(np.ndarray)


def _records_of(pairs: PairCounts, begin: int, end: int) -> NDArray[Any]:
    part = np.empty(end - begin, PAIR)
    part["word"] = np.searchsorted(pairs.starts, np.arange(begin, end), side="right") - 1
    part["context"], part["count"] = pairs.columns[begin:end], pairs.counts[begin:end]
    return part


@compiled
def _add_records(ids, first, stop, window, vocab, records, filled):
    for place in range(first, min(stop, len(ids))):
        word = ids[place]
        if word < 0:
            continue
        for step in range(min(window, len(ids) - 1 - place)):
            other = ids[place + 1 + step]
            if other < 0:
                break
            one = (np.int64(word) * vocab + other) * window + step
            two = (np.int64(other) * vocab + word) * window + step
            records[filled, 0], records[filled + 1, 0] = np.uint64(one), np.uint64(two)
            filled += 2
    return filled


@compiled
def _add_up(block, weights, vocab, last, pending, rows, columns, counts):
    """Add the counts of equal pairs; the last pair waits in ``last`` and ``pending``, for it may go
    on in the next block."""
    written, window = 0, len(weights)
    for record in range(len(block)):
        number = np.int64(block[record, 0])
        pair = number // window
        if pair != last[0]:
            if last[0] >= 0:
                rows[last[0] // vocab + 1] += 1
                columns[written], counts[written] = last[0] % vocab, pending[0]
                written += 1
            last[0], pending[0] = pair, 0.0
        pending[0] += weights[number - pair * window] * np.float64(block[record, 1])
    return written
