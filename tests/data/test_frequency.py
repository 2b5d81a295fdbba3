"""Counting and ranking types."""

from collections import Counter

import numpy as np
import pytest

from elman.data import frequency
from elman.data.frequency import count_types, is_ranking, rank_types


@pytest.mark.parametrize("kind", [np.uint16, np.uint32, np.int64])
def test_counting_in_slices_is_counting(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frequency, "_SLICE", 7)
    ids = np.random.default_rng(1).integers(0, 12, 40).astype(kind)
    counted = Counter(ids.tolist())
    assert count_types(ids, 15).tolist() == [counted[k] for k in range(15)]
    assert count_types(ids[:0], 3).tolist() == [0, 0, 0]


def test_ranks_sort_by_count_and_then_by_id() -> None:
    counts = np.random.default_rng(2).integers(0, 9, 100)
    ranks = rank_types(counts)
    assert ranks.dtype == np.int32 and is_ranking(ranks)
    order = sorted(range(100), key=lambda k: (-counts[k], k))
    assert [int(ranks[k]) for k in order] == list(range(100))


@pytest.mark.parametrize("ranks", [[], [0, 0], [1, 2], [0, -1], [0, 2**31 - 1], [2, 0, 2]])
def test_what_is_no_ranking(ranks: list[int]) -> None:
    assert not is_ranking(np.array(ranks, np.int32))
