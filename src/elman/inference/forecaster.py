"""InferenceForecaster: a forecaster computed by the engine, without torch, in 8 bits or float32."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config import Config
from elman.data.series_windows import Windows
from elman.inference.engine import PATIENCE, Engine
from elman.inference.forecaster_program import forecaster_program
from elman.inference.passes import optimise
from elman.inference.stack import check_states
from elman.inference.weights import ProgramWeights, check_precision, in_8_bits, stored_arrays
from elman.models.forecaster_config import ForecasterConfig, ForecasterSizes

Arrays = Mapping[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class InferenceForecasterConfig(Config):
    """The configuration of an ``InferenceForecaster``."""

    network: dict[str, Any]
    """The configuration of the network (``ForecasterConfig``)."""
    sizes: dict[str, Any]
    """The sizes of its series (``ForecasterSizes``)."""
    int8: list[str]
    """The groups of weights in 8 bits (``inference.weights.groups_of``)."""
    history: list[str] = dataclasses.field(default_factory=list)
    """The names of the series whose ends lie beside the weights."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_precision(self.int8, 1.0)


class InferenceForecaster:
    """A forecaster: from windows to scaled quantiles.

    Args:
        arrays: the weights by name; for 8-bit matrices, codes and scales are enough.
        patience: see ``Engine``.

    Raises:
        FolderError: the weights do not fit the configuration.
        UsageError: the configuration is invalid.
    """

    def __init__(self, arrays: Arrays, config: InferenceForecasterConfig, *, patience: int = PATIENCE) -> None:
        self.config = config
        self.shape = ForecasterConfig.from_json(config.network)
        self.sizes = ForecasterSizes.from_json(config.sizes)
        check_states(self.shape)
        self.weights = ProgramWeights(arrays)
        program = optimise(forecaster_program(self.shape, self.sizes))
        self.program = program.mapped(lambda function: in_8_bits(function, config.int8))
        self.weights.check(self.program.functions.values())
        self._step, self._quantiles = (
            Engine(self.program[name], self.weights, patience=patience) for name in ("step", "quantiles")
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The weights that are needed."""
        return stored_arrays(self.program.functions.values(), self.weights)

    @property
    def precision(self) -> str:
        """``int8``, ``fp32``, or ``int8+fp32`` where only some products are in 8 bits."""
        return self.program.precision

    def quantiles(self, windows: Windows) -> NDArray[np.float32]:
        """The scaled quantiles ``[B, Q, H]``."""
        count, steps, size = windows.patches.shape
        if not count:
            return np.zeros((0, self.sizes.quantiles, self.sizes.horizon), np.float32)
        state = {name: np.zeros((count, size), np.float32) for name, size in self.program.states.items()}
        patches = np.ascontiguousarray(windows.patches.reshape(-1, size))
        numbers = np.arange(len(patches)).reshape(count, steps)
        lengths = np.full(count, steps)
        tops, _ = self._step.along(numbers, lengths, state, top="top", table=("patch", patches))
        vectors = {"top": np.ascontiguousarray(tops[:, -1]), "row": windows.row}
        (found,) = self._quantiles.run({}, vectors, ["quantiles"])
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
    settings = InferenceForecasterConfig(network=config.to_json(), sizes=sizes.to_json(), int8=sorted(int8))
    return InferenceForecaster(arrays, settings, patience=patience)
