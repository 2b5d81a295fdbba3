"""InferenceCaptioner: a captioner's network computed by the engine, without torch, in 8 bits or
float32."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.inference import pooling
from elman.inference.captioner_program import captioner_program
from elman.inference.decoder import InferenceDecoder, SourceMemory
from elman.inference.engine import PATIENCE
from elman.inference.engine_network import Arrays, EngineNetworkConfig
from elman.inference.weights import gain_of
from elman.models.captioner_config import CaptionerConfig, CaptionerSizes


@dataclasses.dataclass(frozen=True, kw_only=True)
class InferenceCaptionerConfig(EngineNetworkConfig):
    """The configuration of an ``InferenceCaptioner``."""

    patch: int
    """Numbers of a patch (P)."""
    target: int
    """Types of the captions (V)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        CaptionerSizes(self.patch, self.target)


class InferenceCaptioner(InferenceDecoder):
    """A captioner's network; see ``InferenceDecoder``.

    Raises:
        FolderError: the weights do not fit the configuration.
        UsageError: the network's configuration is invalid.
    """

    def __init__(self, arrays: Arrays, config: InferenceCaptionerConfig, *, patience: int = PATIENCE) -> None:
        self.config = config
        self.shape: CaptionerConfig = CaptionerConfig.from_json(config.network)
        self.sizes = CaptionerSizes(config.patch, config.target)
        super().__init__(arrays, config, captioner_program(self.shape, self.sizes), patience=patience)

    def read(self, sources: Sequence[NDArray[np.float32]]) -> SourceMemory:
        """Read pictures, each as patches ``[R, C, P]``, all of one shape."""
        patches = np.stack(sources)
        count, rows, columns, size = patches.shape
        embedded = self.run("patches", {}, {"patch": patches.reshape(-1, size)}, ["embedded"])[0]
        place = np.arange(len(embedded)).reshape(count, rows, columns)
        tokens = self._swept("rows", embedded, place.reshape(-1, columns))
        embedded = self.run("between", {}, {"embedded": embedded, "token": tokens}, ["embedded"])[0]
        lines = place.transpose(0, 2, 1).reshape(-1, rows)
        values = np.empty_like(tokens)
        values[lines.ravel()] = self._swept("columns", embedded, lines)
        lengths = np.full(count, rows * columns)
        return self.remembered(values, lengths, pooling.mean(values.reshape(count, rows * columns, -1), lengths))

    def _swept(self, sweep: str, embedded: NDArray[np.float32], lines: NDArray[np.int64]) -> NDArray[np.float32]:
        """The outputs ``[L S, D]`` after each patch of lines ``[L, S]``."""
        counts = np.full(len(lines), lines.shape[1])
        tables = dict.fromkeys((f"{sweep}.{direction}" for direction in self.shape.directions), embedded)
        return self.both_ways(lines, counts, name=f"{sweep}.", tables=("embedded", tables)).reshape(lines.size, -1)


def inference_captioner(
    arrays: Arrays, config: CaptionerConfig, sizes: CaptionerSizes, *, int8: Iterable[str], patience: int = PATIENCE
) -> InferenceCaptioner:
    """The engine's captioner of a network's own weights, those of the groups ``int8`` in 8 bits."""
    settings = InferenceCaptionerConfig(
        network=config.to_json(), patch=sizes.patch, target=sizes.target, int8=sorted(int8), gain=gain_of(arrays)
    )
    return InferenceCaptioner(arrays, settings, patience=patience)
