"""The rivals: by hand, against scikit-learn, and on series whose future follows."""

import numpy as np
from sklearn.linear_model import Ridge
from tests.data.test_series_windows import ENCODING, series

from elman.data.series_windows import SeriesStore, Windows
from elman.evaluation.forecast_rivals import fit_ridge, naive


def test_naive_forecasts_by_hand() -> None:
    store = SeriesStore([series([9.0]), series([1, 4, 2, 8, 6, 7, 5])], ENCODING, context=4, patch=2)
    which, origins = np.array([1, 1, 0]), np.array([4, 7, 1])
    assert naive(store, which, origins).tolist() == [[8, 8, 8], [5, 5, 5], [9, 9, 9]]
    assert naive(store, which, origins, season=2).tolist() == [[2, 8, 2], [7, 5, 7], [9, 9, 9]]


def test_ridge_is_that_of_scikit_learn_towards_a_naive_forecast() -> None:
    rng = np.random.default_rng(0)
    row = rng.normal(size=(300, 6)).astype(np.float32)
    targets = (row[:, 3:5] + 0.5 * row[:, :2] + 0.1 * rng.normal(size=(300, 2)) + 2).astype(np.float32)
    one = np.ones((300, 1))
    train = Windows(row[:, None], row, targets, np.ones_like(targets), one, one)
    pieces = [Windows._make(part[some] for part in train) for some in (slice(70), slice(70, 300))]
    found = fit_ridge(pieces, context=5, seasons=(2,))
    anchor = row[:, 3:5]
    scale = np.trace(row.astype(float).T @ row) / 6
    fits = []
    for penalty in 10.0 ** np.arange(-4, 3):
        model = Ridge(alpha=penalty * scale).fit(row, targets - anchor)
        fits.append(model.coef_)
    nearest = min(float(np.abs(found.weights - _placed(fit)).max()) for fit in fits)
    assert nearest < 1e-4
    assert found.errors.shape == (60, 2) and np.abs(found.errors).mean() < 0.1


def _placed(weights: np.ndarray) -> np.ndarray:
    whole = weights.copy()
    whole[0, 3] += 1
    whole[1, 4] += 1
    return whole
