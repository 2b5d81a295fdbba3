"""Trainings that begin by counting pairs: GloVe and PPMI."""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.word_text import WordText
from elman.errors import TextError
from elman.models.ngram.spill import Run
from elman.models.vectors.config import VectorsConfig
from elman.models.vectors.cooccurrence import PairCounter, PairCounts, distance_weights
from elman.models.vectors.glove import pair_weights, parted_pairs, train_glove, words_of
from elman.models.vectors.lanes import LANES, aligned_zeros, padded
from elman.models.vectors.pairs_on_disk import PAIR, Disk, add_up_pairs, shuffled_on_disk, sort_pairs
from elman.models.vectors.ppmi import POWERS, factorised
from elman.models.vectors.sampling import keep_thresholds, key_of, subsample
from elman.progress import Progress
from elman.system.cluster import Advance, workers
from elman.system.files import storage_errors, write_array
from elman.system.mapped_arrays import array_of, file_of

_BLOCK = 50_000
_STRETCH = 20 * _BLOCK
"""Words whose pairs one process sorts at a time."""
_PAIRS = 200_000


def count_pairs(text: WordText, config: VectorsConfig, *, disk: Disk | None = None, progress: Progress) -> PairCounts:
    """The weighted counts of all pairs of a text; on disk where one is given.

    Raises:
        TextError: there are none.
        StorageError: the disk is full.
    """
    assert config.window and config.distance and config.subsample is not None
    keep = keep_thresholds(text.vocabulary.counts, config.subsample)
    vocab, weights = len(text.vocabulary), distance_weights(config.distance, config.window)
    with progress.stage("counting pairs", total=len(text.ids), unit="words") as advance:
        if disk is None:
            counter = PairCounter(vocab, weights)
            for block in _blocks((0, len(text.ids)), advance, ids=text.ids, keep=keep, seed=config.seed):
                counter.add(block)
            pairs = counter.pairs()
        else:
            with storage_errors(disk.folder):
                pairs = _count_on_disk(text, config, keep, weights, disk, advance)
    if not len(pairs.columns):
        raise TextError(
            "no two words stand near each other, so nothing can be counted; give more text, or longer sentences "
            "(--document), or drop no frequent words (--subsample 0)"
        )
    return pairs


def _count_on_disk(
    text: WordText, config: VectorsConfig, keep: NDArray[Any], weights: NDArray[Any], disk: Disk, advance: Advance
) -> PairCounts:
    """The pairs of all stretches, counted by whoever shares the work."""
    vocab, kept = len(text.vocabulary), disk.folder / "pairs.kept"
    with open(kept, "wb") as file:
        write_array(file, keep)
    task = partial(
        _sort_stretch,
        ids=file_of(text.ids),
        keep=file_of(np.memmap(kept, keep.dtype, "r")),
        seed=config.seed,
        window=len(weights),
        vocab=vocab,
        disk=disk._replace(max_ram=workers().share(disk.max_ram)),
    )
    borders = [*range(0, len(text.ids), _STRETCH), len(text.ids)]
    stretches = {f"counting pairs of words {first:,} to {stop:,}": (first, stop) for first, stop in pairwise(borders)}
    runs = [run for _, some in workers().results(task, stretches, advance=advance) for run in some]
    return add_up_pairs(runs, weights, vocab, folder=disk.folder, max_ram=disk.max_ram)


def _sort_stretch(
    stretch: tuple[int, int], advance: Advance, *, ids: Any, keep: Any, seed: int, window: int, vocab: int, disk: Disk
) -> list[Run]:
    blocks = _blocks(stretch, advance, ids=array_of(ids), keep=array_of(keep), seed=seed)
    own = Path(tempfile.mkdtemp(prefix="pairs-", dir=disk.folder))
    return sort_pairs(blocks, window, vocab, folder=own, max_ram=disk.max_ram)


def _blocks(
    stretch: tuple[int, int], advance: Advance, *, ids: NDArray[Any], keep: NDArray[Any], seed: int
) -> Iterator[NDArray[np.int32]]:
    """The words of a stretch without those that are dropped, each block overwritten by the next."""
    kept = np.empty(_BLOCK, np.int32)
    for begin in range(*stretch, _BLOCK):
        block = ids[begin : min(begin + _BLOCK, stretch[1])]
        yield kept[: subsample(block, begin, keep, key_of(seed, 0, 1), kept)]
        advance(len(block))


class Ppmi:
    """Counting and factorising, which take one step."""

    unit, total = "matrices", 1

    def __init__(self, text: WordText, config: VectorsConfig, progress: Progress, disk: Disk | None = None) -> None:
        self._text, self._config, self._progress, self._disk = text, config, progress, disk
        self._vectors = np.zeros((len(text.vocabulary), config.dimensions), np.float32)

    def step(self, done: int) -> int:
        config = self._config
        assert config.noise_power is not None and config.shift and config.singular_power is not None
        pairs = count_pairs(self._text, config, disk=self._disk, progress=self._progress)
        with self._progress.stage("factorising", total=2 * POWERS + 2, unit="products") as advance:
            self._vectors[:] = factorised(
                pairs,
                size=config.dimensions,
                power=config.noise_power,
                shift=config.shift,
                scale=config.singular_power,
                seed=config.seed,
                threads=config.threads,
                advance=advance,
                **({} if self._disk is None else {"space": self._disk.space}),
            )
        return 1

    def state(self) -> dict[str, NDArray[Any]]:
        return {"vectors": self._vectors}

    def model_arrays(self) -> dict[str, NDArray[Any]]:
        return {"vectors": self._vectors}


class Glove:
    """Counting, then passes over the pairs.

    Attributes:
        total: pairs to train on, all passes counted.
    """

    unit = "pairs"

    def __init__(self, text: WordText, config: VectorsConfig, progress: Progress, disk: Disk | None = None) -> None:
        self._config, self._parts = config, min(config.threads, len(text.vocabulary))
        pairs = count_pairs(text, config, disk=disk, progress=progress)
        if disk is None:
            order, self._edges = parted_pairs(pairs, parts=self._parts, seed=config.seed)
            self._pairs = np.empty(len(order), PAIR)
            self._pairs["word"], self._pairs["context"] = words_of(pairs)[order], pairs.columns[order]
            self._pairs["count"] = pairs.counts[order]
        else:
            with storage_errors(disk.folder):
                self._pairs, self._edges = shuffled_on_disk(
                    pairs, parts=self._parts, seed=config.seed, folder=disk.folder, max_ram=disk.max_ram
                )
        assert config.epochs
        self.total = config.epochs * len(self._pairs)
        size, vocab, random = config.dimensions, len(text.vocabulary), np.random.default_rng(config.seed)
        shape = vocab, padded(size) + LANES
        self._left, self._right = aligned_zeros(*shape), aligned_zeros(*shape)
        self._left_squares, self._right_squares = aligned_zeros(*shape), aligned_zeros(*shape)
        self._left_squares[:], self._right_squares[:] = 1, 1
        for matrix in (self._left, self._right):
            start = random.uniform(-0.5 / size, 0.5 / size, (vocab, size + 1))
            matrix[:, :size], matrix[:, padded(size)] = start[:, :size], start[:, size]
        self._pool = ThreadPoolExecutor(self._parts)

    def step(self, done: int) -> int:
        """Train some pairs of each group of a stage; ``done`` is where an earlier step ended."""
        place = done % len(self._pairs)
        parts = self._parts
        for stage in range(parts):
            groups = [own * parts + (own + stage) % parts for own in range(parts)]
            sizes = [int(self._edges[group + 1] - self._edges[group]) for group in groups]
            slices = -(-max(sizes) // _PAIRS)
            for piece in range(slices):
                spans = [
                    (
                        int(self._edges[group]) + size * piece // slices,
                        int(self._edges[group]) + size * (piece + 1) // slices,
                    )
                    for group, size in zip(groups, sizes, strict=True)
                ]
                amount = sum(end - begin for begin, end in spans)
                if place < amount:
                    self._train(spans)
                    return done + amount - place
                place -= amount
        raise AssertionError("a pass has as many pairs as there are")

    def _train(self, spans: list[tuple[int, int]]) -> None:
        def train(begin: int, end: int) -> None:
            pairs, config = self._pairs[begin:end], self._config
            assert config.count_limit and config.count_power is not None
            words, contexts, counts = (np.ascontiguousarray(pairs[name]) for name in ("word", "context", "count"))
            weights = pair_weights(counts, config.count_limit, config.count_power)
            train_glove(
                words, contexts, np.log(counts), weights, self._left, self._right, self._left_squares,
                self._right_squares, config.rate,
            )  # fmt: skip

        others = [self._pool.submit(train, *span) for span in spans[1:]]
        train(*spans[0])
        for other in others:
            other.result()

    def state(self) -> dict[str, NDArray[Any]]:
        squares = {"left_squares": self._left_squares, "right_squares": self._right_squares}
        return {"left": self._left, "right": self._right, **squares}

    def model_arrays(self) -> dict[str, NDArray[Any]]:
        size = self._config.dimensions
        return {"vectors": self._left[:, :size] + self._right[:, :size]}
