"""Blocks of text, one after another, by several threads at once.

Each thread reads all of the text, and has a part of the words, whose rows it alone changes. It
trains with the words of its part while what all threads read rests; then all errors are added, by
each thread to its rows. After both, threads wait for each other.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.models.vectors.averaged import mean_subwords, spread_cbow, spread_subwords, train_cbow, train_subwords
from elman.models.vectors.barrier import wait_for_all
from elman.models.vectors.skipgram import fast, spread_contexts, train_skipgram
from elman.models.vectors.training_order import MOST_KEPT, subsample_pieces
from elman.models.vectors.windows import Windows, fill_windows


class Blocks(NamedTuple):
    """Blocks to read."""

    ids: NDArray[np.int32]
    """The whole text."""
    order: tuple[int, int]
    """``training_order.piece_order``."""
    pieces: NDArray[np.int64]
    """The first piece of each block, and the one after its last, [K, 2]."""
    rates: NDArray[np.float64]
    """Learning rates at both ends of each block, [K, 2]."""
    keep: NDArray[np.uint64]
    """``sampling.keep_thresholds``."""
    keys: tuple[np.uint64, np.uint64]
    """Of the draws of training, and of those by which words are dropped."""
    window: int
    shrink: bool
    part: NDArray[np.int32]
    """The part of each word."""


class Space(NamedTuple):
    """What a thread works in."""

    kept: NDArray[np.int32]
    windows: Windows
    gains: NDArray[np.float32]
    work: NDArray[np.float32]


@fast
def read_block(blocks, block, space, own):
    """The words of a block that stay, and the number of its first place; the windows are found."""
    first, last = blocks.pieces[block, 0], blocks.pieces[block, 1]
    key, drop = blocks.keys
    count = subsample_pieces(blocks.ids, blocks.order, first, last, blocks.keep, drop, space.kept)
    ids, base = space.kept[:count], first * MOST_KEPT
    fill_windows(space.windows, ids, base, blocks.window, blocks.shrink, key, blocks.part, own)
    return ids, base


@fast
def run_skipgram(own, threads, barrier, blocks, space, inputs, outputs, negatives, noise, paths, errors):
    """Train the part ``own`` of a skip-gram model on blocks."""
    for block in range(len(blocks.pieces)):
        ids, base = read_block(blocks, block, space, own)
        train_skipgram(
            ids, base, inputs, outputs, space.windows, negatives, noise, paths, blocks.keys[0], blocks.rates[block],
            space.gains, space.work, errors[own],
        )  # fmt: skip
        if threads > 1:
            wait_for_all(barrier, threads * (2 * block + 1))
            spread_contexts(ids, inputs, space.windows, errors)
            wait_for_all(barrier, threads * (2 * block + 2))


@fast
def run_cbow(own, threads, barrier, blocks, space, inputs, outputs, negatives, noise, paths, errors):
    """Train the part ``own`` of a CBOW model on blocks."""
    for block in range(len(blocks.pieces)):
        ids, base = read_block(blocks, block, space, own)
        train_cbow(
            ids, base, inputs, outputs, space.windows, negatives, noise, paths, blocks.keys[0], blocks.rates[block],
            space.gains, space.work, errors[0],
        )  # fmt: skip
        if threads > 1:
            wait_for_all(barrier, threads * (2 * block + 1))
            spread_cbow(ids, inputs, space.windows, blocks.window, errors[0])
            wait_for_all(barrier, threads * (2 * block + 2))


@fast
def run_fasttext(
    own, threads, barrier, blocks, space, inputs, outputs, negatives, noise, starts, rows, own_starts, own_rows, means,
    errors,
):  # fmt: skip
    """Train the part ``own`` of a fastText model on blocks; ``own_rows`` are the rows of words that
    the thread changes."""
    for block in range(len(blocks.pieces)):
        ids, base = read_block(blocks, block, space, own)
        if threads > 1:
            first, last = len(ids) * own // threads, len(ids) * (own + 1) // threads
            mean_subwords(ids, inputs, starts, rows, first, last, means)
            wait_for_all(barrier, threads * (3 * block + 1))
        train_subwords(
            ids, base, inputs, outputs, starts, rows, space.windows, negatives, noise, blocks.keys[0],
            blocks.rates[block], space.gains, space.work, means, errors[own],
        )  # fmt: skip
        if threads > 1:
            wait_for_all(barrier, threads * (3 * block + 2))
            spread_subwords(ids, inputs, own_starts, own_rows, errors, space.work)
            wait_for_all(barrier, threads * (3 * block + 3))
