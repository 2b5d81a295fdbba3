"""Choose which weights of a forecaster are stored in 8 bits by comparing forecasts.

In 8 bits the quantile loss may change by at most 0.2%, and a quantile by 2% of the scale of its series on
average. In float32 every quantile must agree to 1e-4.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.data.series_windows import Windows
from elman.errors import ModelError
from elman.inference.encoder_precision import FLOAT_BOUND
from elman.inference.forecaster import Arrays, InferenceForecaster, inference_forecaster
from elman.inference.group_choice import choose_groups
from elman.inference.weights import groups_of
from elman.metrics.forecast import pinball
from elman.models.forecaster_config import ForecasterConfig, ForecasterSizes

LOSS_BOUND = 0.2
"""Per cent by which the quantile loss may change."""
DISTANCE_BOUND = 0.02


@dataclasses.dataclass(frozen=True)
class MeasuredForecaster:
    """A network of the engine, and its agreement with the one in torch."""

    network: InferenceForecaster
    parity: dict[str, Any]
    """For the model card: precision, what stayed float32, differences."""


def measured_forecaster(
    arrays: Arrays,
    config: ForecasterConfig,
    sizes: ForecasterSizes,
    *,
    windows: Windows,
    quantiles: NDArray[np.float32],
    levels: tuple[float, ...],
) -> MeasuredForecaster:
    """Build the engine's network and compare the two.

    Args:
        windows: of the validation part.
        quantiles: those of the network in torch ``[N, Q, H]``.

    Raises:
        ModelError: the engine's float32 quantiles differ from the network's.
    """

    def built(groups: frozenset[str]) -> InferenceForecaster:
        return inference_forecaster(arrays, config, sizes, int8=groups)

    difference = float(np.abs(built(frozenset()).quantiles(windows) - quantiles).max(initial=0))
    bound = FLOAT_BOUND * max(float(np.abs(quantiles).max(initial=0)), 1)
    if not difference <= bound:
        raise ModelError(f"the engine's quantiles differ from the network's by {difference:.1e}, more than {bound:.0e}")
    truth = np.where(windows.known > 0, windows.targets, np.nan)

    def loss(found: NDArray[np.float32]) -> float:
        return float(np.nanmean(pinball(truth, found, levels)))

    exact = loss(quantiles)

    def changes(groups: frozenset[str]) -> Mapping[str, float]:
        found = built(groups).quantiles(windows)
        return {
            "loss_change": 100 * (loss(found) / exact - 1) if exact else 0.0,
            "distance": float(np.abs(found - quantiles).mean()),
        }

    def cost(groups: frozenset[str]) -> float:
        found = changes(groups)
        return max(abs(found["loss_change"]) / LOSS_BOUND, found["distance"] / DISTANCE_BOUND)

    every = groups_of(arrays)
    kept, _ = choose_groups(every, cost, bound=1 + 1e-9)
    network = built(kept)
    facts = {"windows": len(quantiles), "fp32": {"largest_difference": difference}}
    about8 = {**(changes(kept) if kept else {}), "kept_in_fp32": sorted(set(every) - kept)}
    return MeasuredForecaster(network, {"precision": network.precision, **facts, "int8": about8})
