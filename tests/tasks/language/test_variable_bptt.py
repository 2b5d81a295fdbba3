"""Lengths that vary: their distribution, and that nothing but seed and update decides them."""

import numpy as np

from elman.tasks.language.variable_bptt import MEAN_SHARE, varied_length


def test_one_in_twenty_is_half_as_long_and_all_vary_by_five() -> None:
    found = np.array([varied_length(140, seed=1, update=update) for update in range(8000)])
    halved = found < 105
    assert 0.04 < halved.mean() < 0.06
    assert abs(found[halved].mean() - 70) < 1.5 and abs(found[~halved].mean() - 140) < 0.3
    assert 4 < found[halved].std() < 6 and 4.5 < found[~halved].std() < 5.2
    assert abs(found.mean() / 140 - MEAN_SHARE) < 0.005
    assert found.max() <= 150 and found.min() >= 5


def test_seed_and_update_decide_and_nothing_else() -> None:
    first = [varied_length(70, seed=1, update=update) for update in range(50)]
    np.random.default_rng().random()
    assert [varied_length(70, seed=1, update=update) for update in reversed(range(50))] == first[::-1]
    assert [varied_length(70, seed=2, update=update) for update in range(50)] != first
    assert len(set(first)) > 8


def test_short_ones_stay_chunks() -> None:
    found = [varied_length(20, seed=3, update=update) for update in range(3000)]
    assert min(found) == 5 and max(found) == 30
