"""Training by negative sampling or hierarchical softmax, block by block, in threads that share no
row.

Training reads pieces of the text by turns (``training_order.py``); one thread trains pairs in this
order. With several, the words are split into as many parts, again and again at random, and each
thread trains one (``blocks.py``). So the result follows from the seed and the number of threads,
whichever thread is faster. Hierarchical softmax takes one thread: all paths begin at the same node.
"""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.data.word_text import WordText
from elman.models.vectors.barrier import new_barrier, open_for_all
from elman.models.vectors.blocks import Blocks, Space, run_cbow, run_fasttext, run_skipgram
from elman.models.vectors.config import VectorsConfig
from elman.models.vectors.huffman import NO_PATHS, huffman_paths
from elman.models.vectors.lanes import LANES, TARGETS, aligned_zeros, padded
from elman.models.vectors.sampling import fill_alias_table, keep_thresholds, key_of
from elman.models.vectors.subwords import subword_buckets
from elman.models.vectors.training_order import MOST_KEPT, PIECE, next_pieces, piece_order
from elman.models.vectors.windows import empty_windows

LOOPS: dict[str, Any] = {"skipgram": run_skipgram, "cbow": run_cbow, "fasttext": run_fasttext}
"""The compiled loop of each model."""
LOWEST_RATE = 1e-4
"""The learning rate falls linearly to this share of its beginning."""
_PIECES = {"skipgram": 1, "cbow": 2, "fasttext": 1}
"""Pieces of a block where several threads work on one: contexts are as they were at its beginning.
Larger blocks take less time, and vectors of skip-gram and fastText become worse by them."""
_AT_ONCE = 100_000
"""Words after which several threads end, so that one can look at progress and save."""
_ALONE = 20_000
_PERIOD = 1_000_000
"""Words after which parts are drawn again; in large vocabularies, ten times as many as types."""


class Partition(NamedTuple):
    """The words split into parts of nearly equal counts, and tables to draw from each."""

    part: NDArray[np.int32]
    """The part of each word."""
    noise: list[tuple[Any, ...]]
    """Of each part: members, first, last, thresholds, aliases (``sampling.drawn``)."""


def make_partition(counts: NDArray[np.int64], *, parts: int, power: float, key: np.uint64) -> Partition:
    """Split words at random, of each ``parts`` words that follow on each other one into each
    part."""
    vocab = len(counts)
    places = np.argsort(np.random.default_rng(int(key)).random((-(-vocab // parts), parts)), axis=1)
    part = places.reshape(-1)[:vocab].astype(np.int32)
    members = np.argsort(part, kind="stable").astype(np.int32)
    edges = np.searchsorted(part[members], np.arange(parts + 1))
    thresholds, aliases = np.empty(vocab, np.uint32), np.empty(vocab, np.int32)
    weights = np.maximum(counts[members], 1).astype(np.float64) ** power
    noise: list[tuple[Any, ...]] = []
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if last > first:
            fill_alias_table(weights[first:last], thresholds[first:last], aliases[first:last])
        noise.append((members, first, last, thresholds, aliases))
    return Partition(part, noise)


class NegativeSampling:
    """One training of skip-gram, CBOW or fastText.

    Attributes:
        total: words to train on, sentence ends and all epochs counted.
    """

    unit = "words"

    def __init__(self, text: WordText, config: VectorsConfig) -> None:
        self._text, self._config = text, config
        vocab, size = len(text.vocabulary), config.dimensions
        assert config.epochs and config.subsample is not None
        self.total = config.epochs * len(text.ids)
        self.parts = min(config.threads, vocab)
        self._paths = huffman_paths(text.vocabulary.counts) if config.hierarchical else NO_PATHS
        self._keep = keep_thresholds(text.vocabulary.counts, config.subsample)
        self._block = PIECE * _PIECES[config.model] if self.parts > 1 else _ALONE
        self._buckets = np.empty(0, np.int64)
        self._starts = self._rows = np.empty(0, np.int64)
        if config.model == "fasttext":
            self._find_subwords()
        rows = vocab + len(self._buckets)
        width = 1.0 if config.model == "fasttext" else 0.5
        random = np.random.default_rng(config.seed).uniform(-width / size, width / size, (rows, size))
        self.inputs = aligned_zeros(rows, padded(size))
        self.inputs[:, :size] = random
        self.outputs = aligned_zeros(vocab, padded(size))
        assert config.window
        groups = -(-(self._paths.longest or 1 + (config.negatives or 0)) // TARGETS)
        skipgram_model, width = config.model == "skipgram", groups * LANES
        self._order = piece_order(len(text.ids))
        most = self._block // PIECE * MOST_KEPT
        # Threads write into no cache line together.
        self._space = [
            Space(
                np.empty(most, np.int32), empty_windows(most),
                aligned_zeros(2 * config.window if skipgram_model else 1, width),
                aligned_zeros(2 * config.window if skipgram_model else 3, padded(size)),
            )
            for _ in range(self.parts)
        ]  # fmt: skip
        kept = most if self.parts > 1 else 0
        self._means = aligned_zeros(kept, padded(size))
        self._errors = aligned_zeros(1 if config.model == "cbow" else self.parts, kept, padded(size))
        self._own_rows = [self._rows_of(part) for part in range(self.parts)]
        self._round = -1
        self._pool = ThreadPoolExecutor(self.parts)

    def _find_subwords(self) -> None:
        config, words = self._config, self._text.vocabulary.words
        assert config.min_ngram and config.max_ngram and config.buckets
        starts, found = subword_buckets(
            words, smallest=config.min_ngram, largest=config.max_ngram, buckets=config.buckets
        )
        self._buckets, rows = np.unique(found, return_inverse=True)
        # The first row of each word is its own.
        self._rows = np.insert(rows + len(words), starts[:-1], np.arange(len(words)))
        self._starts = starts + np.arange(len(starts))

    def _rows_of(self, part: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each word's rows begin among those of a part, and these."""
        if self.parts == 1:
            return self._starts, self._rows
        own = self._rows % self.parts == part
        return np.concatenate([[0], own.cumsum()])[self._starts], self._rows[own]

    def step(self, done: int) -> int:
        """Train the blocks after ``done`` words, in training order; returns how many are done
        then."""
        config, ids = self._config, self._text.ids
        epoch = done // len(ids)
        partition = self._partition(done)
        pieces, rates, begun = [], [], done
        while not pieces or (self.parts > 1 and done - begun < _AT_ONCE and self._goes_on(done)):
            first, last, after = next_pieces(done - epoch * len(ids), len(ids), self._order, self._block // PIECE)
            after += epoch * len(ids)
            pieces.append((first, last))
            rates.append((self._rate(done), self._rate(after)))
            done = after
        blocks = Blocks(
            ids, self._order, np.array(pieces), np.array(rates), self._keep,
            (key_of(config.seed, epoch), key_of(config.seed, epoch, 1)), config.window or 0,
            config.distance == "shrink", partition.part,
        )  # fmt: skip
        self._train(blocks, partition, new_barrier())
        return done

    def _rate(self, done: int) -> float:
        assert self._config.rate is not None
        return self._config.rate * max(1 - done / self.total, LOWEST_RATE)

    def _goes_on(self, done: int) -> bool:
        """Whether the next block is of the same epoch, and its words are split as before."""
        return done % len(self._text.ids) != 0 and self._round_of(done) == self._round

    def _round_of(self, done: int) -> int:
        """How often the words were split again."""
        return 0 if self.parts == 1 else done // max(_PERIOD, 10 * len(self._text.vocabulary.counts))

    def _partition(self, done: int) -> Partition:
        config, counts, number = self._config, self._text.vocabulary.counts, self._round_of(done)
        if number != self._round:
            key, power = key_of(config.seed, number, 2), config.noise_power or 0
            self._current = make_partition(counts, parts=self.parts, power=power, key=key)
            self._round = number
        return self._current

    def _train(self, blocks: Blocks, partition: Partition, barrier: NDArray[np.int64]) -> None:
        def run(own: int) -> None:
            try:
                LOOPS[self._config.model](
                    own, self.parts, barrier, blocks, self._space[own], self.inputs, self.outputs,
                    self._config.negatives or 0, partition.noise[own], *self._more(own), self._errors,
                )  # fmt: skip
            except BaseException:
                open_for_all(barrier)  # nobody waits for this thread
                raise

        others: list[Future[None]] = []
        try:
            others += [self._pool.submit(run, own) for own in range(1, self.parts)]
            run(0)
        except BaseException:
            open_for_all(barrier)
            raise
        finally:
            wait(others)
        for other in others:
            other.result()

    def _more(self, own: int) -> tuple[Any, ...]:
        """What the loop of one model needs."""
        if self._config.model == "fasttext":
            return self._starts, self._rows, *self._own_rows[own], self._means
        return (self._paths,)

    def state(self) -> dict[str, NDArray[Any]]:
        """What changes in training."""
        return {"inputs": self.inputs, "outputs": self.outputs}

    def model_arrays(self) -> dict[str, NDArray[Any]]:
        """The word vectors so far and, of fastText, those of subwords."""
        size, vocab = self._config.dimensions, len(self._text.vocabulary)
        if self._config.model != "fasttext":
            return {"vectors": self.inputs[:, :size].copy()}
        vectors = np.empty((vocab, size), np.float32)
        for begin in range(0, vocab, 1000):
            end = min(begin + 1000, vocab)
            starts = self._starts[begin : end + 1]
            rows = self.inputs[self._rows[starts[0] : starts[-1]], :size]
            vectors[begin:end] = np.add.reduceat(rows, starts[:-1] - starts[0]) / np.diff(starts)[:, None]
        return {"vectors": vectors, "subwords": self.inputs[vocab:, :size].copy(), "buckets": self._buckets}
