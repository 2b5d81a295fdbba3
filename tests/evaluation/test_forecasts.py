"""What is said of forecasts: figures, intervals, and verdicts on series made for each."""

import numpy as np
import pytest

from elman.errors import UsageError
from elman.evaluation.forecasts import Forecasted, ForecastReport, evaluate_forecasts
from elman.metrics.forecast import seasonal_error
from elman.report.forecasts_page import forecasts_table


def report(values: np.ndarray, forecast: np.ndarray, horizon: int = 1, **rivals: np.ndarray) -> ForecastReport:
    """Of forecasts ``[N, H]`` of the last N pieces of a series."""
    count = len(forecast)
    starts = len(values) - horizon * (count - np.arange(count))
    truth = np.stack([values[start : start + horizon] for start in starts])
    last = values[starts - 1]
    data = Forecasted(
        truth=truth,
        last=last,
        scale=np.full(count, seasonal_error(values[: starts[0]], 1)),
        deviation=np.full(count, float(values.std())),
        series=np.zeros(count, np.int64),
        origins=starts,
    )
    quantiles = np.stack([forecast - 1, forecast, forecast + 1], axis=1)
    named = {"naive": np.repeat(last[:, None], horizon, axis=1), **rivals}
    return evaluate_forecasts(data, quantiles, levels=(0.1, 0.5, 0.9), rivals=named, resamples=200)


WALK = np.cumsum(np.random.default_rng(5).normal(size=400)) + 50


def test_nothing_beats_the_last_value_of_a_random_walk() -> None:
    found = report(WALK, WALK[-101:-1][:, None] + 0.05)
    assert "No skill" in found.verdict and "one-step-lag trap" in found.verdict and found.repeats < 0.1
    late = report(WALK, WALK[-101:-1][:, None] + 2 * np.random.default_rng(0).normal(size=(100, 1)))
    assert "No skill" in late.verdict and "lag trap" not in late.verdict and "Naive is better" in late.verdict


def test_a_forecast_that_knows_is_better() -> None:
    noise = np.random.default_rng(1).normal(size=(100, 1))
    found = report(WALK, WALK[-100:][:, None] + 0.1 * noise)
    assert found.verdict.startswith("Better than naive") and "No skill" not in found.verdict
    assert found.coverage == {"80%": 1.0} and found.scores.mase.value < 0.2 < found.rivals[0].mase.value


def test_a_better_rival_is_to_be_used() -> None:
    seasonal = np.tile([1.0, 5.0, 2.0], 60) + 0.1 * np.random.default_rng(2).normal(size=180)
    again = seasonal[-93:-3].reshape(30, 3)
    found = report(seasonal, again + 0.5, 3, **{"seasonal naive": again})
    assert (
        "Seasonal naive is better" in found.verdict
        and "elman has no command that uses it" in found.verdict
        and "No skill" not in found.verdict
    )


def test_one_piece_of_time_decides_nothing() -> None:
    found = report(WALK, WALK[-10:][None], 10)
    assert "one piece of time" in found.verdict
    few = report(WALK, WALK[-12:].reshape(3, 4), 4)
    assert any("3 independent pieces" in note for note in few.notes)


def test_figures_are_those_of_the_metrics() -> None:
    truth = WALK[-40:].reshape(10, 4)
    found = report(WALK, truth + 2, 4)
    scale = seasonal_error(WALK[:-40], 1)
    assert found.scores.mase.value == pytest.approx(2 / scale)
    assert found.scores.mse.value == pytest.approx(4 / WALK.var()) and found.scores.mae.value == pytest.approx(2)
    assert found.quantile_loss == pytest.approx(_wql(truth))
    assert found.scores.mase.low == pytest.approx(found.scores.mase.high)
    table = forecasts_table(found.to_json())
    assert "gru" not in table and "the model" in table and found.verdict in table


def _wql(truth: np.ndarray) -> float:
    """All forecasts lie 2 above the truth, the quantiles 1, 2 and 3."""
    losses = [2 * (1 - level) * above for level, above in ((0.1, 1), (0.5, 2), (0.9, 3))]
    return float(np.mean(losses) / np.abs(truth).mean())


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(UsageError, match="no value"):
        report(np.r_[WALK[:50], [np.nan] * 4], np.zeros((2, 2)), 2)
    with pytest.raises(UsageError, match="not finite"):
        report(WALK, np.full((2, 2), np.inf), 2)
