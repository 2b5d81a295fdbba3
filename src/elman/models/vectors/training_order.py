"""The order in which training reads a text: pieces of many places by turns.

A text is cut into streams that follow each other, of equal lengths, and each stream into pieces.
Training reads the first piece of each stream, then the second piece of each, and so on. So it meets
all parts of the text at all times, as with fastText's program, whose threads begin at different
places. Read from the beginning to the end instead, subwords suit the subject that was read last: on
2.8 million words of several books, MEN was 0.45 instead of 0.51. Only a few places of a file are
read at a time, and memory does not grow with the text.
"""

import numpy as np

from elman.data.word_text import SENTENCE_END
from elman.models.vectors.sampling import compiled, subsample

PIECE = 250
"""Most ids of a piece, before its ends are moved to ends of sentences."""
STREAMS = 100
"""Most streams; fewer where pieces would be shorter."""
MOST_KEPT = 2 * PIECE
"""Most ids that ``subsample_pieces`` keeps of a piece."""
_END = np.int32(SENTENCE_END)


def piece_order(length: int) -> tuple[int, int]:
    """How a text of so many ids is read: the number of streams, and of the pieces of each.

    >>> piece_order(2_800_000), piece_order(2500), piece_order(10)
    ((100, 112), (10, 1), (1, 1))
    """
    streams = max(1, min(STREAMS, length // PIECE))
    return streams, max(1, -(-length // (streams * PIECE)))


def next_pieces(done: int, length: int, order: tuple[int, int], most: int) -> tuple[int, int, int]:
    """Which pieces come next after ``done`` of ``length`` ids, at most so many, and how many ids
    are done then.

    Of n pieces, k count as k / n of the text, rounded down.

    >>> next_pieces(0, 2500, (2, 2), 3), next_pieces(1875, 2500, (2, 2), 3)
    ((0, 3, 1875), (3, 4, 2500))
    """
    pieces = order[0] * order[1]
    first = -(-done * pieces // length)
    last = min(first + most, pieces)
    return first, last, last * length // pieces


@compiled
def piece(ids, order, number):
    """Where the ``number``-th piece in training order begins and ends. Its ends are those of
    sentences, unless a sentence is longer than a piece."""
    streams, each = order
    place = number % streams * each + number // streams
    return _edge(ids, streams * each, place), _edge(ids, streams * each, place + 1)


@compiled
def _edge(ids, pieces, place):
    """Where a piece begins, of pieces in the order of the text."""
    edge = place * len(ids) // pieces
    if place == 0 or place == pieces:
        return edge
    for before in range(edge - 1, (place - 1) * len(ids) // pieces - 1, -1):
        if ids[before] < 0:
            return before + 1
    return edge


@compiled
def subsample_pieces(ids, order, first, last, thresholds, key, kept):
    """Copy the words that stay (``sampling.subsample``) of the pieces from ``first`` to ``last`` -
    1 in training order into ``kept``; returns how many. A sentence end stands behind each piece."""
    count = 0
    for number in range(first, last):
        begin, end = piece(ids, order, number)
        count += subsample(ids[begin:end], begin, thresholds, key, kept[count:])
        if count > 0 and kept[count - 1] >= 0:
            kept[count] = _END
            count += 1
    return count
