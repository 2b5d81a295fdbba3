"""Intervals against a slow obvious bootstrap, against theory, and on data whose truth is known."""

import math

import numpy as np
import pytest

from elman.metrics.text_intervals import bootstrap, percentile_interval, t_interval, units_of


def slow_bootstrap(losses, sizes, less, *, resamples, seed):
    """Units drawn one by one."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        mine = [losses[rng.integers(len(losses))] for _ in losses]
        other = [less[rng.integers(len(less))] for _ in less]
        drawn = [rng.integers(len(sizes)) for _ in sizes]
        bits = sum(np.mean([row[unit] for row in mine]) - np.mean([row[unit] for row in other]) for unit in drawn)
        found.append(bits / sum(sizes[unit] for unit in drawn))
    return np.array(found)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [(1, 1), (3, 2)])
def test_the_bootstrap_is_the_slow_one(seeds: tuple[int, int]) -> None:
    rng = np.random.default_rng(7)
    sizes = rng.uniform(50, 500, 12)
    losses, less = (2 * sizes + rng.normal(size=(count, 12)) * 40 for count in seeds)
    fast = bootstrap(losses, sizes, less=less, resamples=4000)
    slow = slow_bootstrap(losses, sizes, less, resamples=4000, seed=3)
    assert fast.mean() == pytest.approx(slow.mean(), abs=4 * slow.std() / math.sqrt(4000) * math.sqrt(2))
    assert fast.std() == pytest.approx(slow.std(), rel=0.08)
    for share in (2.5, 50, 97.5):
        assert np.percentile(fast, share) == pytest.approx(np.percentile(slow, share), abs=0.2 * slow.std())


def test_what_is_hard_for_both_does_not_count() -> None:
    sizes = np.full(40, 100.0)
    hard = np.random.default_rng(1).normal(200, 60, (1, 40))
    alone = bootstrap(hard, sizes)
    paired = bootstrap(hard + 1.0, sizes, less=hard)
    assert alone.std() > 0.05
    np.testing.assert_allclose(paired, 0.01, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("units", [12, 60])
def test_intervals_cover_the_truth_as_often_as_they_say(units: int) -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for trial in range(400):
        sizes = np.full(units, 10.0)
        drawn = rng.normal(30, 10, (1, units))
        found = percentile_interval(0, bootstrap(drawn, sizes, resamples=500, seed=trial), units=units)
        covered += found.low <= 3.0 <= found.high
    # 400 trials of 95%: a standard deviation is 1.1%.
    assert 0.92 <= covered / 400 <= 0.985


def test_few_units_widen() -> None:
    drawn = np.arange(10_001) / 10_000
    few, many = (percentile_interval(0.5, drawn, units=units) for units in (5, 10**9))
    assert few.low < 0.002 < many.low


def test_student_by_hand() -> None:
    # Mean 2, standard deviation 1, two degrees of freedom: 2 +- 4.303 / sqrt(3).
    assert t_interval(np.array([1.0, 2.0, 3.0]))[1:] == pytest.approx((2 - 2.4843, 2 + 2.4843), abs=1e-3)
    # From a printed table: t of 97.5% at 60 degrees is 2.000.
    values = np.array([0.0, 1.0] * 30 + [0.5])
    half = t_interval(values).high - values.mean()
    assert half == pytest.approx(2.000 * values.std(ddof=1) / math.sqrt(61), rel=1e-3)


def test_documents_are_units_and_few_of_them_are_not() -> None:
    starts = np.array([True, False] * 30)
    found = units_of(starts, np.full(60, 10))
    assert (found.name, found.count) == ("documents", 30)
    assert found.sums(np.ones(60)).tolist() == [2.0] * 30
    starts[10:] = False
    few = units_of(starts, np.full(60, 10))
    assert few.name == "blocks of lines" and few.count == 50
    assert (np.diff(few.of_line) >= 0).all() and few.sums(np.ones(60)).sum() == 60
