"""Where types are cut into clusters, against a search through all cuts."""

from itertools import combinations

import numpy as np
import pytest

from elman.nn import clusters as module
from elman.nn.clusters import Clusters, are_ends, zipf_counts


def cost(counts: list[int], ends: tuple[int, ...], size: int) -> float:
    """What the module's docstring says, cluster by cluster, and the projections."""
    total, first = 0.0, 0
    for number, end in enumerate(ends):
        width = max(size // 4**number, min(size, 32))
        share = 1.0 if number == 0 else sum(counts[first:end]) / sum(counts)
        types = end - first + (len(ends) - 1 if number == 0 else 0)
        total += types * (share * 700 * (width + 60) + 250 * width)
        total += share * 700 * size * width if number else 0.0
        first = end
    return total


@pytest.mark.parametrize("size", [20, 64, 256])
@pytest.mark.parametrize("power", [0.5, 1.0, 1.5])
def test_the_cuts_are_the_cheapest_of_all(size: int, power: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_GRID", 1.0001)  # every rank is a place to cut at
    monkeypatch.setattr(module, "_HEAD_SHARE", 0.0)
    counts = [int(1e6 / rank**power) for rank in range(1, 15)]
    every = [(*cuts, 14) for tails in range(1, 5) for cuts in combinations(range(1, 14), tails)]
    cheapest = min(cost(counts, ends, size) for ends in every)
    assert cost(counts, Clusters.choose(np.array(counts), size=size).ends, size) == pytest.approx(cheapest, rel=1e-12)


@pytest.mark.parametrize(("vocab", "head"), [(100, 36), (10_000, 1412), (100_000, 4096)])
def test_the_head_holds_four_fifths_of_the_tokens_or_4096_types(vocab: int, head: int) -> None:
    """By hand: the sum of 1/r up to 36 is 4.17, up to 100 it is 5.19; ln 1412 + 0.577 = 0.8 (ln
    10,000 + 0.577).
    """
    counts = zipf_counts(vocab)
    assert Clusters.choose(counts, size=256).ends[0] == head
    share = counts[:head].sum() / counts.sum()
    assert head == 4096 or counts[: head - 1].sum() / counts.sum() < 0.8 <= share


def test_a_large_vocabulary_costs_a_fraction() -> None:
    counts = zipf_counts(100_000)
    clusters = Clusters.choose(counts, size=256)
    assert clusters.products(counts, 256) < 0.06 * 100_000 * 256
    spans = zip((0, *clusters.ends), clusters.ends, clusters.widths(256), strict=False)
    assert sum(width * (end - start) for start, end, width in spans) < 0.18 * 100_000 * 256


def test_types_are_sorted_whatever_their_ids() -> None:
    draw = np.random.default_rng(1)
    counts = draw.permutation(zipf_counts(500))
    clusters = Clusters.choose(counts, size=64)
    assert clusters.ends == Clusters.choose(zipf_counts(500), size=64).ends
    assert (np.diff(counts[np.argsort(clusters.ranks)]) <= 0).all()


@pytest.mark.parametrize("vocab", [1, 2, 3, 5])
def test_tiny_vocabularies_are_cut_somewhere(vocab: int) -> None:
    ends = Clusters.choose(zipf_counts(vocab), size=8).ends
    assert are_ends(ends, vocab) and len(ends) == min(2, vocab)


def test_types_that_never_occur_do_no_harm() -> None:
    clusters = Clusters.choose(np.array([7, 0, 0, 0]), size=8)
    assert are_ends(clusters.ends, 4) and clusters.ranks[0] == 0
    assert are_ends(Clusters.choose(np.zeros(4, np.int64), size=8).ends, 4)


@pytest.mark.parametrize("ends", [(), (0, 4), (2, 2, 4), (3, 2, 4), (2, 5), (2, 3), (-1, 4), (1, 2, 3, 4, 5, 6)])
def test_cuts_that_are_none(ends: tuple[int, ...]) -> None:
    assert not are_ends(ends, ends[-1] if len(ends) == 6 else 4)


def test_widths_shrink_by_four_down_to_32() -> None:
    ranks = np.arange(9, dtype=np.int32)
    assert Clusters(ranks, (1, 2, 3, 4, 9)).widths(512) == (512, 128, 32, 32, 32)
    assert Clusters(ranks, (1, 9)).widths(10) == (10, 10)
