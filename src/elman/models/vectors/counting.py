"""Trainings that begin by counting pairs: GloVe and PPMI."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.word_text import WordText
from elman.errors import TextError
from elman.models.vectors.config import VectorsConfig
from elman.models.vectors.cooccurrence import PairCounter, PairCounts, distance_weights
from elman.models.vectors.glove import pair_weights, parted_pairs, train_glove, words_of
from elman.models.vectors.lanes import LANES, aligned_zeros, padded
from elman.models.vectors.ppmi import POWERS, factorised
from elman.models.vectors.sampling import keep_thresholds, key_of, subsample
from elman.progress import Progress

_BLOCK = 50_000
_PAIRS = 200_000


def count_pairs(text: WordText, config: VectorsConfig, *, progress: Progress) -> PairCounts:
    """The weighted counts of all pairs of a text."""
    assert config.window and config.distance and config.subsample is not None
    keep, kept = keep_thresholds(text.vocabulary.counts, config.subsample), np.empty(_BLOCK, np.int32)
    counter = PairCounter(len(text.vocabulary), distance_weights(config.distance, config.window))
    with progress.stage("counting pairs", total=len(text.ids), unit="words") as advance:
        for begin in range(0, len(text.ids), _BLOCK):
            ids = text.ids[begin : begin + _BLOCK]
            counter.add(kept[: subsample(ids, begin, keep, key_of(config.seed, 0, 1), kept)])
            advance(len(ids))
    pairs = counter.pairs()
    if not len(pairs.columns):
        raise TextError(
            "no two words stand near each other, so nothing can be counted; give more text, or longer sentences "
            "(--document), or drop no frequent words (--subsample 0)"
        )
    return pairs


class Ppmi:
    """Counting and factorising, which take one step."""

    unit, total = "matrices", 1

    def __init__(self, text: WordText, config: VectorsConfig, progress: Progress) -> None:
        self._text, self._config, self._progress = text, config, progress
        self._vectors = np.zeros((len(text.vocabulary), config.dimensions), np.float32)

    def step(self, done: int) -> int:
        config = self._config
        assert config.noise_power is not None and config.shift and config.singular_power is not None
        pairs = count_pairs(self._text, config, progress=self._progress)
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

    def __init__(self, text: WordText, config: VectorsConfig, progress: Progress) -> None:
        self._config, self._parts = config, min(config.threads, len(text.vocabulary))
        pairs = count_pairs(text, config, progress=progress)
        order, self._edges = parted_pairs(pairs, parts=self._parts, seed=config.seed)
        self._words, self._contexts = words_of(pairs)[order], pairs.columns[order]
        counts = pairs.counts[order]
        assert config.epochs and config.count_limit and config.count_power is not None
        self._logs, self._weights = np.log(counts), pair_weights(counts, config.count_limit, config.count_power)
        self.total = config.epochs * len(order)
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
        place = done % len(self._words)
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
            train_glove(
                self._words[begin:end], self._contexts[begin:end], self._logs[begin:end], self._weights[begin:end],
                self._left, self._right, self._left_squares, self._right_squares, self._config.rate,
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
