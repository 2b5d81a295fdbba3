"""InferenceForecaster: a forecaster computed by the engine, without torch, in 8 bits or float32."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from elman.data.series_windows import Windows
from elman.inference.engine import PATIENCE
from elman.inference.engine_network import Arrays, EngineNetwork, HistoryNetworkConfig
from elman.inference.forecaster_program import forecaster_program
from elman.inference.stack import check_states
from elman.models.forecaster_config import ForecasterConfig, ForecasterSizes


class InferenceForecaster(EngineNetwork):
    """A forecaster: from windows to scaled quantiles.

    Args:
        arrays: the weights by name; for 8-bit matrices, codes and scales are enough.
        patience: see ``Engine``.

    Raises:
        FolderError: the weights do not fit the configuration.
        UsageError: the configuration is invalid.
    """

    def __init__(self, arrays: Arrays, config: HistoryNetworkConfig, *, patience: int = PATIENCE) -> None:
        self.config = config
        self.shape = ForecasterConfig.from_json(config.network)
        self.sizes = ForecasterSizes.from_json(config.sizes)
        check_states(self.shape)
        super().__init__(arrays, config, forecaster_program(self.shape, self.sizes), patience=patience)

    def quantiles(self, windows: Windows) -> NDArray[np.float32]:
        """The scaled quantiles ``[B, Q, H]``."""
        count, steps, size = windows.patches.shape
        if not count:
            return np.zeros((0, self.sizes.quantiles, self.sizes.horizon), np.float32)
        patches = np.ascontiguousarray(windows.patches.reshape(-1, size))
        numbers = np.arange(len(patches)).reshape(count, steps)
        lengths = np.full(count, steps)
        tops = self.along("", numbers, lengths, top="top", table=("patch", patches))
        vectors = {"top": np.ascontiguousarray(tops[:, -1]), "row": windows.row}
        (found,) = self._engines["quantiles"].run({}, vectors, ["quantiles"])
        return np.array(found).reshape(count, self.sizes.quantiles, self.sizes.horizon)


def inference_forecaster(
    arrays: Arrays,
    config: ForecasterConfig,
    sizes: ForecasterSizes,
    *,
    int8: Iterable[str] = (),
    patience: int = PATIENCE,
) -> InferenceForecaster:
    """The engine's network of a network's own weights, those of the groups ``int8`` in 8 bits."""
    settings = HistoryNetworkConfig(network=config.to_json(), sizes=sizes.to_json(), int8=sorted(int8))
    return InferenceForecaster(arrays, settings, patience=patience)
