"""The clusters of an adaptive or sampled softmax, and how they are stored.

They are chosen once, from the counts of the first training text, and stored with the weights:

    output.ranks    int32 [V]: the rank of each type
    output.ends     int32: the ends of head and tails (adaptive only)
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.frequency import is_ranking
from elman.errors import FolderError
from elman.models.network_config import NeuralConfig
from elman.nn.clusters import Clusters, are_ends, zipf_counts

RANKS, ENDS = "output.ranks", "output.ends"

Arrays = Mapping[str, NDArray[Any]]


def make_clusters(config: NeuralConfig, vocab_size: int, counts: NDArray[np.integer] | None = None) -> Clusters | None:
    """The clusters of a new network, from the ``counts[V]`` of its training text; None for a full
    softmax.

    Without counts, ids are taken as ranks, with frequencies by Zipf's law.
    """
    if config.softmax == "full":
        return None
    counts = zipf_counts(vocab_size) if counts is None else counts
    return Clusters.choose(counts, size=config.top_size) if config.softmax == "adaptive" else Clusters.uncut(counts)


def read_clusters(config: NeuralConfig, vocab_size: int, arrays: Arrays) -> Clusters | None:
    """The clusters that ``cluster_arrays`` wrote.

    Raises:
        FolderError: they are missing, or do not fit V types.
    """
    if config.softmax == "full":
        return None
    ranks = _whole_numbers(arrays, RANKS)
    if len(ranks) != vocab_size or not is_ranking(ranks):
        raise FolderError(f"{RANKS!r} is no order of this model's {vocab_size} types; the folder is damaged")
    if config.softmax == "sampled":
        return Clusters(ranks, (vocab_size,))
    ends = tuple(_whole_numbers(arrays, ENDS).tolist())
    if len(ends) < 2 or not are_ends(ends, vocab_size):
        raise FolderError(f"{ENDS!r} cuts this model's {vocab_size} types at {str(ends)[:60]}; the folder is damaged")
    return Clusters(ranks, ends)


def cluster_arrays(config: NeuralConfig, clusters: Clusters | None) -> dict[str, NDArray[np.int32]]:
    """The arrays that store clusters."""
    if clusters is None:
        return {}
    ends = {ENDS: np.array(clusters.ends, np.int32)} if config.softmax == "adaptive" else {}
    return {RANKS: clusters.ranks.copy(), **ends}


def grow_clusters(arrays: Arrays, added: int) -> dict[str, NDArray[Any]]:
    """The arrays that depend on the clusters, extended by ``added`` new types as the rarest.

    In an adaptive softmax they join the last tail, with the mean of its vectors.
    """
    grown: dict[str, NDArray[Any]] = {}
    if RANKS in arrays:
        old = len(arrays[RANKS])
        grown[RANKS] = np.concatenate([arrays[RANKS], np.arange(old, old + added, dtype=np.int32)])
    if ENDS in arrays:
        ends = arrays[ENDS].copy()
        first = ends[-2]
        ends[-1] += added
        grown[ENDS] = ends
        bias = arrays["output.bias"]
        grown["output.bias"] = np.concatenate([bias, np.repeat(bias[first:].mean(keepdims=True), added)])
        for table_prefix in ("embedding", "output.own"):
            name = f"{table_prefix}.table{len(ends) - 1}"
            if name in arrays:
                table = arrays[name]
                grown[name] = np.concatenate([table, np.repeat(table.mean(0, keepdims=True), added, 0)])
    return grown


def _whole_numbers(arrays: Arrays, name: str) -> NDArray[np.int32]:
    numbers = arrays.get(name)
    if numbers is None:
        raise FolderError(f"the weights lack {name!r}, which this configuration needs; the folder is damaged")
    if numbers.dtype != np.int32 or numbers.ndim != 1:
        raise FolderError(
            f"{name!r} is {numbers.dtype}{list(numbers.shape)}; it must be a list of int32; the folder is damaged"
        )
    return numbers
