"""Rivals that are fitted to each history: Theta by hand, ETS against R's figures."""

import numpy as np
import pytest

from elman.evaluation.fitted_rivals import ETS, MSTL, CannotFit, FittedRival, fitted_rivals, forecast_fitted, theta
from elman.progress import Progress


def test_theta_goes_on_with_trend_and_season() -> None:
    steps = np.arange(60.0)
    season = np.array([0.8, 1.1, 1.3, 0.8])
    truth = (50 + 2 * np.arange(68.0)) * np.tile(season, 17)
    history = truth[:60]
    forecast = theta(history, 8, 4)
    # SES with a rate of 1 holds the last level of the second line, which rises twice as fast; half
    # the trend is lost.
    flat = np.abs(truth[60:] - np.tile(truth[56:60], 2)).mean()
    assert np.abs(forecast - truth[60:]).mean() < 0.75 * flat
    plain = theta(3 * steps + 10, 2, 1)
    assert plain == pytest.approx([(3 * 60 + 10 + 187) / 2, (3 * 61 + 10 + 187) / 2])
    assert theta(np.full(30, 7.0), 2, 4).tolist() == pytest.approx([7, 7])


def _last(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    if len(history) < 3:
        raise CannotFit
    return np.repeat(history[-1], horizon)


def test_what_is_not_fitted_is_told() -> None:
    histories = np.array([[1.0, 2, 3, 4], [np.nan, np.nan, 5, 6], [np.nan] * 4])
    methods = {"last": FittedRival(3, _last), "slow": FittedRival(2, _last)}
    instead = np.full((3, 2), 9.0)
    found, notes = forecast_fitted(
        histories, horizon=2, season=1, instead=instead, methods=methods, progress=Progress()
    )
    assert {name: forecasts.tolist() for name, forecasts in found.items()} == {"last": [[4, 4], [9, 9], [9, 9]]}
    assert notes == [
        "last cannot be fitted to 2 of 3 histories, which are too short or too even; the naive forecast stands there",
        "slow was not compared: it would be fitted anew for each of 3 forecasts",
    ]


def _broken(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    return history + np.ones(horizon)


def test_a_defect_of_a_method_is_no_history_that_is_too_short() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        forecast_fitted(
            np.ones((1, 3)), horizon=2, season=1, instead=np.ones((1, 2)), methods={"broken": FittedRival(9, _broken)},
            progress=Progress(),
        )  # fmt: skip


def test_ets_and_mstl_of_airline_passengers() -> None:
    """Runs only where statsforecast is installed, which no extra for development brings: run it
    after ``pip install -e '.[dev,forecast]'`` when you change these rivals."""
    pytest.importorskip("statsforecast", exc_type=ImportError)
    from statsforecast.utils import AirPassengers

    methods = {name: rival for name, rival in fitted_rivals().items() if name in (ETS, MSTL)}
    history = np.asarray(AirPassengers, np.float64)[None]
    found, notes = forecast_fitted(
        history, horizon=6, season=12, instead=np.zeros((1, 6)), methods=methods, progress=Progress()
    )
    # forecast(ets(AirPassengers)) of R's package forecast, which ends its search elsewhere.
    assert found[ETS][0] == pytest.approx([441.8, 434.1, 496.6, 483.2, 484.0, 551.0], rel=0.03)
    # The shape of the year before.
    assert np.corrcoef(found[MSTL][0], history[0, -12:-6])[0, 1] > 0.9
    assert not notes
    for short in (np.array([[7.0]]), np.array([[5.0, 6.0]])):
        found, notes = forecast_fitted(
            short, horizon=2, season=12, instead=np.ones((1, 2)), methods=methods, progress=Progress()
        )
        assert [forecasts.tolist() for forecasts in found.values()] == [[[1, 1]]] * 2 and len(notes) == 2
