"""The binary tree of hierarchical softmax (Morin and Bengio 2005), built as in word2vec's program.

Words are the leaves of a Huffman tree of their counts, so frequent words have short paths. The
probability of a word is the product of one logistic decision at each inner node from the root to
it: the right answer there is 1 on the way to the rarer child, whose code is 0 in word2vec's
program, and 0 on the way to the other.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.models.vectors.lanes import TARGETS
from elman.models.vectors.sampling import compiled


class Paths(NamedTuple):
    """The path of each word from the root: that of word w is at ``starts[w]`` to
    ``starts[w + 1]``."""

    starts: NDArray[np.int64]
    nodes: NDArray[np.int64]
    """Inner nodes, 0 to V - 2; the root is V - 2."""
    labels: NDArray[np.float32]
    """The right answer at each node, 1 or 0."""

    @property
    def longest(self) -> int:
        """Nodes of the longest path."""
        return int(np.diff(self.starts).max(initial=0))


def huffman_paths(counts: NDArray[np.int64]) -> Paths:
    """The paths to words, whose counts must fall.

    >>> paths = huffman_paths(np.array([5, 2, 1]))
    >>> paths.nodes.tolist(), paths.labels.tolist()  # the first word is below the root
    ([1, 1, 0, 1, 0], [0.0, 1.0, 0.0, 1.0, 1.0])
    """
    vocab = len(counts)
    parents, codes = np.zeros(2 * vocab, np.int64), np.zeros(2 * vocab, np.int8)
    _build(np.maximum(counts, 1), parents, codes)
    starts = np.zeros(vocab + 1, np.int64)
    _measure(parents, starts)
    nodes, labels = np.empty(starts[-1], np.int64), np.empty(starts[-1], np.float32)
    _walk(parents, codes, starts, nodes, labels)
    return Paths(starts, nodes, labels)


NO_PATHS = Paths(np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
"""Stands for negative sampling in compiled loops."""


@compiled
def path_targets(used, times, labels, word, paths):
    """Put the inner nodes of a word's path into ``used`` and the right answers into ``labels``;
    returns how many these are. See ``sampling.draw_targets``."""
    starts, nodes, answers = paths
    first = starts[word]
    count = starts[word + 1] - first
    for place in range(count):
        used[place], labels[place], times[place] = nodes[first + place], answers[first + place], 1
    for place in range(count, -(-count // TARGETS) * TARGETS):
        used[place], labels[place], times[place] = used[place // TARGETS * TARGETS], 0, 0
    return count


@compiled
def _build(counts, parents, codes):
    """Join the two rarest nodes again and again; those made so have rising counts."""
    vocab = len(counts)
    weights = np.empty(2 * vocab, np.int64)
    weights[:vocab] = counts
    leaf, inner = vocab - 1, vocab
    for made in range(vocab, 2 * vocab - 1):
        total = 0
        for side in range(2):
            if leaf >= 0 and (inner == made or weights[leaf] < weights[inner]):
                rarest = leaf
                leaf -= 1
            else:
                rarest = inner
                inner += 1
            total += weights[rarest]
            parents[rarest], codes[rarest] = made, side
        weights[made] = total


@compiled
def _measure(parents, starts):
    vocab = len(starts) - 1
    for word in range(vocab):
        node, length = word, 0
        while node != 2 * vocab - 2:
            node = parents[node]
            length += 1
        starts[word + 1] = starts[word] + length


@compiled
def _walk(parents, codes, starts, nodes, labels):
    vocab = len(starts) - 1
    for word in range(vocab):
        node = word
        for place in range(starts[word + 1] - 1, starts[word] - 1, -1):
            labels[place] = 1 - codes[node]
            node = parents[node]
            nodes[place] = node - vocab
