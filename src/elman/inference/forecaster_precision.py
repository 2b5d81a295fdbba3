"""Choose which weights of a forecaster are stored in 8 bits by comparing forecasts.

In 8 bits the quantile loss may change by at most 0.2%, and a quantile by 2% of the scale of its
series on average. In float32 every quantile must agree to 1e-4.
"""

import numpy as np
from numpy.typing import NDArray

from elman.data.series_windows import Windows
from elman.inference.forecaster import Arrays, InferenceForecaster, inference_forecaster
from elman.inference.measured import Measured, float_difference, measured
from elman.inference.weights import groups_of
from elman.metrics.forecast import pinball
from elman.models.forecaster_config import ForecasterConfig, ForecasterSizes

_BOUNDS = {"loss_change": 0.2, "distance": 0.02}


def measured_forecaster(
    arrays: Arrays,
    config: ForecasterConfig,
    sizes: ForecasterSizes,
    *,
    windows: Windows,
    quantiles: NDArray[np.float32],
    levels: tuple[float, ...],
) -> Measured[InferenceForecaster]:
    """Build the engine's network and compare the two.

    Args:
        windows: of the validation part.
        quantiles: those of the network in torch ``[N, Q, H]``.

    Raises:
        ModelError: the engine's float32 quantiles differ from the network's.
    """

    def built(groups: frozenset[str]) -> InferenceForecaster:
        return inference_forecaster(arrays, config, sizes, int8=groups)

    difference = float_difference(built(frozenset()).quantiles(windows), quantiles, "quantiles")
    truth = np.where(windows.known > 0, windows.targets, np.nan)

    def loss(found: NDArray[np.float32]) -> float:
        return float(np.nanmean(pinball(truth, found, levels)))

    exact = loss(quantiles)

    def changes(network: InferenceForecaster) -> dict[str, float]:
        found = network.quantiles(windows)
        return {
            "loss_change": 100 * (loss(found) / exact - 1) if exact else 0.0,
            "distance": float(np.abs(found - quantiles).mean()),
        }

    facts = {"windows": len(quantiles), "fp32": {"largest_difference": difference}}
    return measured(built, groups_of(arrays), changes, _BOUNDS, facts)
