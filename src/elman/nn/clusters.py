"""The clusters of an adaptive softmax: types sorted by frequency, cut into a head and tails.

The head holds the types of four fifths of all tokens, or 4,096 types if those are fewer, so that
frequent types have vectors of full size. The other cuts minimise the cost. For a cluster of n types
of width d with a share s of all tokens, an update of N rows costs

    n (s N (d + 60) + 250 d)

multiply-adds or as much time: 60 for the softmax over one score, 250 for gradient, clipping and
optimiser step of one weight (measured on a CPU with bfloat16 products). The cheapest of all cuts at
ranks about a tenth apart is taken, with one to four tails.
"""

import dataclasses
from functools import cache

import numpy as np
from numpy.typing import NDArray

from elman.data.frequency import is_ranking, rank_types

_MOST_TAILS = 4
_FACTOR = 4
_NARROWEST = 32
_ROWS = 700
"""N: 20 rows of 35 tokens."""
_SCORE = 60
_WEIGHT = 250
_GRID = 1.1
_HEAD_SHARE = 0.8
_HEAD_TYPES = 4096


@dataclasses.dataclass(frozen=True, eq=False)
class Clusters:
    """V types by rank, cut at ``ends``.

    >>> clusters = Clusters.choose(np.array([5, 900, 20, 8, 3, 3]), size=64)
    >>> clusters.ranks.tolist(), clusters.ends
    ([3, 0, 1, 2, 4, 5], (1, 6))
    """

    ranks: NDArray[np.int32]
    """The rank of each type, 0 for the most frequent, ``[V]``."""
    ends: tuple[int, ...]
    """The end of the head and of each tail, as ranks; the last one is V."""

    def __post_init__(self) -> None:
        assert is_ranking(self.ranks), "ranks are a permutation"
        assert are_ends(self.ends, len(self.ranks)), f"ends {self.ends} of {len(self.ranks)} types"

    @classmethod
    def choose(cls, counts: NDArray[np.integer], *, size: int) -> "Clusters":
        """The cheapest clusters for types of these ``counts[V]`` and vectors of ``size`` E."""
        ranks = rank_types(counts)
        if len(counts) < 2:
            return cls(ranks, (len(counts),))
        ordered = np.maximum(np.sort(counts)[::-1].astype(np.float64), 1e-9)
        return cls(ranks, _cheapest(ordered / ordered.sum(), size))

    @classmethod
    def uncut(cls, counts: NDArray[np.integer]) -> "Clusters":
        """Sorted types, all in the head."""
        return cls(rank_types(counts), (len(counts),))

    @property
    def vocab(self) -> int:
        """V."""
        return len(self.ranks)

    @property
    def tails(self) -> tuple[tuple[int, int], ...]:
        """First rank and end of each tail."""
        return tuple(zip(self.ends[:-1], self.ends[1:], strict=True))

    def widths(self, size: int) -> tuple[int, ...]:
        """Sizes of a type's vector in the head (E itself) and in each tail."""
        return tuple(_width(size, number) for number in range(len(self.ends)))

    def products(self, counts: NDArray[np.integer], size: int) -> float:
        """Average number of weights used per token of a text with these ``counts[V]``, for E =
        ``size``.

        >>> Clusters(np.array([0, 1, 2, 3], np.int32), (2, 4)).products(np.array([4, 2, 1, 1]), 64)
        2256.0
        """
        ordered = np.empty(self.vocab)
        ordered[self.ranks] = counts
        tail_probs = [ordered[first:end].sum() / ordered.sum() for first, end in self.tails]
        total = float(self.ends[0] + len(self.tails)) * size
        for (first, end), tail_prob, width in zip(self.tails, tail_probs, self.widths(size)[1:], strict=True):
            total += width * (size + float(tail_prob) * (end - first))
        return total


def are_ends(ends: tuple[int, ...], vocab: int) -> bool:
    """Whether these are valid ends for ``vocab`` types."""
    starts = (0, *ends[:-1])
    return (
        0 < len(ends) <= 1 + _MOST_TAILS and ends[-1] == vocab and all(a < b for a, b in zip(starts, ends, strict=True))
    )


@cache
def zipf_counts(vocab: int) -> NDArray[np.int64]:
    """Counts that fall as 1 / (rank + 1), with ids as ranks: an estimate without a text (Zipf
    1935).
    """
    return 1000 * vocab // np.arange(1, vocab + 1)


def _width(size: int, cluster: int) -> int:
    return max(size // _FACTOR**cluster, min(size, _NARROWEST))


def _cheapest(probs: NDArray[np.float64], size: int) -> tuple[int, ...]:
    """Ends of the cheapest clusters, by dynamic programming over the number of tails."""
    vocab = len(probs)
    steps = np.arange(int(np.log(vocab) / np.log(_GRID)) + 2)
    reached = np.cumsum(probs)
    head = min(int(np.searchsorted(reached, _HEAD_SHARE)) + 1, _HEAD_TYPES, vocab - 1)
    cuts = np.unique([*np.minimum(_GRID**steps, vocab).astype(np.int64), head, vocab])
    below = reached[cuts - 1]
    types, prob = cuts[None, :] - cuts[:, None], below[None, :] - below[:, None]

    def cost(types: NDArray[np.int64], prob: NDArray[np.float64] | float, width: int) -> NDArray[np.float64]:
        return types.astype(np.float64) * (prob * _ROWS * (width + _SCORE) + _WEIGHT * width)

    best: tuple[float, tuple[int, ...]] = (np.inf, (vocab,))
    for tails in range(1, min(_MOST_TAILS, vocab - 1) + 1):
        least = np.where(cuts >= head, cost(cuts + tails, 1.0, size), np.inf)
        origins = []
        for number in range(1, tails + 1):
            width = _width(size, number)
            sums = least[:, None] + cost(types, prob, width) + prob * _ROWS * size * width
            sums[types <= 0] = np.inf
            origins.append(sums.argmin(axis=0))
            least = sums.min(axis=0)
        if least[-1] < best[0]:
            ends, cut_index = [vocab], len(cuts) - 1
            for origin in reversed(origins):
                cut_index = int(origin[cut_index])
                ends.append(int(cuts[cut_index]))
            best = (float(least[-1]), tuple(reversed(ends)))
    return best[1]
