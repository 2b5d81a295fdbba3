"""Figures of forecasts, by hand and by the formulas of the M4 competition and GluonTS."""

import numpy as np
import pytest

from elman.metrics.forecast import (
    covered,
    mase,
    pinball,
    row_means,
    seasonal_error,
    smape,
    weighted_quantile_loss,
)

TRUTH = np.array([[10.0, 12.0, 9.0], [100.0, np.nan, 80.0]])
FORECAST = np.array([[11.0, 10.0, 9.0], [90.0, 5.0, 100.0]])


def test_mase_by_hand() -> None:
    history = np.array([3.0, 5.0, 4.0, 9.0, 7.0])  # differences two steps apart: 1, 4, 3
    scale = seasonal_error(history, 2)
    assert scale == pytest.approx(8 / 3)
    # Errors of the first window are 1, 2 and 0; of the second 10 and 20, one being unknown.
    assert mase(TRUTH, FORECAST, np.array([scale, 5.0])).tolist() == pytest.approx([1 / scale, 3.0])


def test_the_seasonal_naive_forecast_has_the_mase_of_its_own_errors() -> None:
    history = np.arange(20.0)
    forecast = np.tile(history[-4:], 1)[None]
    assert mase(np.array([[20.0, 21, 22, 23]]), forecast, np.array([seasonal_error(history, 4)])).tolist() == [1.0]


def test_smape_by_the_formula_of_the_competition() -> None:
    known = [0, 2]
    slow = np.mean([200 * abs(TRUTH[1, t] - FORECAST[1, t]) / (TRUTH[1, t] + FORECAST[1, t]) for t in known])
    assert smape(TRUTH, FORECAST)[1] == pytest.approx(slow)
    assert smape(np.array([[-2.0]]), np.array([[2.0]])).tolist() == [200.0]


def test_quantile_losses_by_the_formula_of_gluonts() -> None:
    rng, levels = np.random.default_rng(0), [0.1, 0.5, 0.9]
    truth, quantiles = rng.normal(size=(5, 4)), rng.normal(size=(5, 3, 4))
    slow = []
    for place, level in enumerate(levels):
        q = quantiles[:, place]
        slow.append(2 * np.abs((q - truth) * ((truth <= q) - level)).sum() / np.abs(truth).sum())
    assert weighted_quantile_loss(truth, quantiles, levels) == pytest.approx(np.mean(slow))
    assert pinball(truth, quantiles, levels)[:, 1] == pytest.approx(np.abs(truth - quantiles[:, 1]))


def test_missing_truth_counts_nowhere() -> None:
    assert row_means(np.array([[1.0, np.nan, 3.0], [np.nan] * 3]))[0] == 2.0
    inside = covered(TRUTH, FORECAST - 2, FORECAST + 2)
    assert np.nanmean(inside) == pytest.approx(3 / 5) and np.isnan(inside[1, 1])
    one = weighted_quantile_loss(TRUTH, FORECAST[:, None], [0.5])
    assert one == pytest.approx(33 / 211)
