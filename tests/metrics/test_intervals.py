"""Intervals against exact binomial tails, scipy's bootstrap, and a loop over resampled examples."""

import numpy as np
import pytest
from scipy import stats

from elman.metrics.intervals import (
    LabelFigure,
    accuracy,
    bootstrap_interval,
    bootstrap_intervals,
    draws,
    label_interval,
    macro_f1,
    micro_f1,
    paired_difference,
)
from elman.metrics.labels import LabelTally


def answers(examples: int, labels: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(labels, size=examples)
    first = np.where(rng.random(examples) < 0.7, truth, rng.integers(labels, size=examples))
    second = np.where(rng.random(examples) < 0.6, truth, first)
    return truth, first, second


def by_loop(
    truth: np.ndarray, predictions: list[np.ndarray], labels: int, figure: LabelFigure, resamples: int
) -> np.ndarray:
    """The obvious bootstrap: draw examples, count them, take the figure; the first less the second,
    if two."""
    rng = np.random.default_rng(9)
    values = []
    for _ in range(resamples):
        drawn = rng.integers(len(truth), size=len(truth))
        own = [figure(LabelTally.count(truth[drawn], each[drawn], labels=labels)) for each in predictions]
        values.append(own[0] - (own[1] if len(own) > 1 else 0))
    return np.quantile(values, (0.025, 0.975))


def test_resampled_accuracy_is_binomial() -> None:
    # Correct answers among 200 resampled ones, 150 of which are right, are Binomial(200, 0.75).
    predicted = (np.arange(200) < 50).astype(int)
    value, low, high = label_interval(np.zeros(200, int), predicted, labels=2, resamples=200_000)
    assert value == 0.75
    assert [low * 200, high * 200] == [*stats.binom(200, 0.75).ppf([0.025, 0.975])]
    narrow = label_interval(np.zeros(200, int), predicted, labels=2, resamples=200_000, level=0.5)
    assert [narrow.low * 200, narrow.high * 200] == [*stats.binom(200, 0.75).ppf([0.25, 0.75])]


def test_a_mean_as_scipy_resamples_it() -> None:
    sample = np.random.default_rng(1).exponential(size=80)

    def mean(counts: np.ndarray) -> np.ndarray:
        return counts @ sample / counts.sum(axis=1)

    ours = bootstrap_interval(mean, np.ones(80, np.int64), resamples=20_000)
    theirs = stats.bootstrap(
        (sample,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours.value == pytest.approx(sample.mean())
    spread = theirs.high - theirs.low
    assert ours[1:] == pytest.approx([theirs.low, theirs.high], abs=0.03 * spread)


@pytest.mark.slow
@pytest.mark.parametrize("figure", [accuracy, macro_f1])
def test_intervals_are_those_of_the_obvious_loop(figure: LabelFigure) -> None:
    truth, first, second = answers(150, 4, seed=4)
    value, low, high = label_interval(truth, first, labels=4, figure=figure, resamples=4000)
    assert value == figure(LabelTally.count(truth, first, labels=4))
    assert [low, high] == pytest.approx(by_loop(truth, [first], 4, figure, 2000), abs=0.01)
    difference = paired_difference(truth, first, second, labels=4, figure=figure, resamples=4000)
    assert difference.value == pytest.approx(value - figure(LabelTally.count(truth, second, labels=4)))
    assert difference[1:] == pytest.approx(by_loop(truth, [first, second], 4, figure, 2000), abs=0.01)
    # Errors that both make cancel: unpaired, the difference would vary by sqrt(2) as much as one
    # figure.
    assert difference.high - difference.low < 0.7 * 2**0.5 * (high - low)


@pytest.mark.slow
def test_multilabel_intervals_are_those_of_the_obvious_loop() -> None:
    rng = np.random.default_rng(5)
    truth = rng.random((90, 3)) < 0.4
    first, second = (truth ^ (rng.random((90, 3)) < rate) for rate in (0.1, 0.2))
    for figure in (micro_f1, accuracy):
        difference = paired_difference(truth, first, second, labels=3, figure=figure, resamples=4000)
        assert difference[1:] == pytest.approx(by_loop(truth, [first, second], 3, figure, 2000), abs=0.015)
        alone = label_interval(truth, first, labels=3, figure=figure, resamples=4000)
        assert alone[1:] == pytest.approx(by_loop(truth, [first], 3, figure, 2000), abs=0.015)


def test_a_difference_has_a_sign_and_equal_predictions_have_none() -> None:
    truth, first, second = answers(400, 3, seed=6)
    better = paired_difference(truth, first, second, labels=3)
    worse = paired_difference(truth, second, first, labels=3)
    assert worse == pytest.approx((-better.value, -better.high, -better.low), abs=2e-3)
    assert paired_difference(truth, first, first, labels=3) == (0.0, 0.0, 0.0)
    assert paired_difference(truth, first, second, labels=3) == better  # the seed is fixed
    assert paired_difference(truth, first, second, labels=3, seed=2) != better


@pytest.mark.slow
def test_groups_and_single_examples_are_drawn_alike() -> None:
    # Five groups of equal examples are drawn by a multinomial, 300 single ones one by one.
    sizes = np.array([200, 50, 30, 15, 5])
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    grouped = bootstrap_interval(lambda counts: counts @ values, sizes, resamples=20_000)
    each = np.repeat(values, sizes)
    single = bootstrap_interval(lambda counts: counts @ each, np.ones(300, np.int64), resamples=20_000)
    assert single == pytest.approx(grouped, rel=0.01)
    for parts in (sizes, np.ones(300, np.int64), np.array([3, 4, 2])):
        blocks = list(draws(parts, resamples=7, seed=1))
        assert [block.sum(axis=1).tolist() for block in blocks] == [[parts.sum()] * 7]


def test_many_labels_and_examples_come_in_blocks() -> None:
    # More groups than a block holds: every block is drawn, none twice.
    sizes = np.ones(5000, np.int64)
    blocks = list(draws(sizes, resamples=1000, seed=1))
    assert len(blocks) == 2 and sum(map(len, blocks)) == 1000
    assert len(np.unique(np.concatenate(blocks), axis=0)) == 1000


def test_several_figures_at_once_are_those_of_each_alone() -> None:
    values = np.arange(30) % 7
    figures = {
        "mean": lambda counts: counts @ values / counts.sum(axis=1),
        "share": lambda counts: counts @ (values > 3) / counts.sum(axis=1),
    }
    sizes, how = np.ones(30, np.int64), {"resamples": 200, "seed": 5}
    together = bootstrap_intervals(figures, sizes, **how)
    assert together == {name: bootstrap_interval(figure, sizes, **how) for name, figure in figures.items()}
    assert together["mean"].value == values.mean()
